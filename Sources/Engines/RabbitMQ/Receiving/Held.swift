#if RabbitMQ
    import DequeModule
    import Martlet

    /// What a receiver holds: notices that are ready to be handed out, and those that were. Decides, performs nothing.
    ///
    /// Everything is void when the connection is lost it came on: the broker delivers it again. The generation in a receipt
    /// tells which connection it came on.
    struct Held {
        private struct Ready {
            var tag: UInt64
            var notice: JobNotice
        }

        /// Marks the receipts of one process; another's mean nothing here.
        private let mark: String
        private var generation = 0
        private var ready: [Deque<Ready>] = Priority.allCases.map { _ in [] }
        private var handedOut: Set<UInt64> = []
        /// When they were handed out, oldest first; also of some that were acknowledged since.
        private var handedOutAt: Deque<(tag: UInt64, at: ContinuousClock.Instant)> = []

        /// - parameter mark: without a point in it.
        init(mark: String) { self.mark = mark }

        var hasReady: Bool { ready.contains { !$0.isEmpty } }

        /// A notice came that is due.
        mutating func arrived(_ notice: JobNotice, tag: UInt64) {
            ready[notice.priority.rawValue].append(Ready(tag: tag, notice: notice))
        }

        /// Takes what is ready, high priority first.
        mutating func handOut(limit: Int, now: ContinuousClock.Instant) -> [DeliveredJob] {
            var taken: [DeliveredJob] = []
            for index in ready.indices {
                while taken.count < limit, let one = ready[index].popFirst() {
                    handedOut.insert(one.tag)
                    handedOutAt.append((one.tag, now))
                    taken.append(DeliveredJob(notice: one.notice, receipt: "\(mark).\(generation).\(one.tag)"))
                }
            }
            return taken
        }

        /// - returns: the numbers of those deliveries that are the receiver's still; they are no longer after this.
        mutating func acknowledge(_ receipts: [String]) -> [UInt64] {
            receipts.compactMap { receipt in
                let parts = receipt.split(separator: ".", omittingEmptySubsequences: false)
                guard parts.count == 3, parts[0] == mark, Int(parts[1]) == generation, let tag = UInt64(parts[2]) else {
                    return nil
                }
                return handedOut.remove(tag)
            }
        }

        /// Takes back what was handed out before that moment and not acknowledged.
        mutating func takeBack(before moment: ContinuousClock.Instant) -> [UInt64] {
            var taken: [UInt64] = []
            while let first = handedOutAt.first, first.at < moment || !handedOut.contains(first.tag) {
                handedOutAt.removeFirst()
                if let tag = handedOut.remove(first.tag) { taken.append(tag) }
            }
            return taken
        }

        /// Takes back what is ready and nobody asked for.
        mutating func takeBackReady() -> [UInt64] {
            defer { for index in ready.indices { ready[index].removeAll() } }
            return ready.flatMap { $0.map(\.tag) }
        }

        /// The connection is lost.
        mutating func void() {
            generation += 1
            for index in ready.indices { ready[index].removeAll() }
            handedOut.removeAll()
            handedOutAt.removeAll()
        }
    }
#endif
