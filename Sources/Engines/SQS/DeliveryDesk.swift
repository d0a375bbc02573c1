#if SQS
    import Martlet

    /// A notice that SQS has handed to this process.
    struct Delivery: Sendable, Hashable {
        var job: DeliveredJob
        var queue: JobQueue
        /// What SQS knows it by.
        var handle: String
        /// Handed out after this, it would stay with its receiver for less than was promised.
        var handOutBefore: MonotonicInstant
        /// After this, SQS may hand it to somebody else.
        var ownedUntil: MonotonicInstant

        /// - parameter receivedAt: when the answer came.
        init(notice: JobNotice, queue: JobQueue, handle: String, receivedAt: MonotonicInstant) {
            job = DeliveredJob(notice: notice, receipt: handle)
            self.queue = queue
            self.handle = handle
            let owned = JobQueueRules.visibility - JobQueueRules.visibilityMargin
            ownedUntil = receivedAt + owned
            handOutBefore = receivedAt + (owned - JobQueueRules.visibilityPromised)
        }
    }

    /// What came and was not handed out, and what was handed out and not acknowledged.
    ///
    /// SQS tells a delivery that is no longer the receiver's from one that is in some cases only, so it is told here.
    struct DeliveryDesk: Sendable {
        private(set) var waiting: [JobQueue: [Delivery]] = [:]
        private var handedOut: [String: Delivery] = [:]
        /// The number handed out at which those that are no longer ours are looked for.
        private var sweepAt = Self.sweepMin

        private static let sweepMin = 1024

        var waitingCount: Int { waiting.values.reduce(0) { $0 + $1.count } }
        var handedOutCount: Int { handedOut.count }

        /// Takes in what came.
        mutating func add(_ deliveries: [Delivery]) {
            for delivery in deliveries { waiting[delivery.queue, default: []].append(delivery) }
        }

        /// Hands out from one queue, and tells what has waited for too long.
        mutating func take(
            from queue: JobQueue, limit: Int, now: MonotonicInstant
        ) -> (deliveries: [DeliveredJob], stale: [Delivery]) {
            guard let all = waiting[queue], !all.isEmpty, limit > 0 else { return ([], []) }
            let stale = all.filter { $0.handOutBefore < now }
            let fresh = all.filter { $0.handOutBefore >= now }
            waiting[queue] = Array(fresh.dropFirst(limit))
            let taken = fresh.prefix(limit)
            for delivery in taken { handedOut[delivery.job.receipt] = delivery }
            sweep(now: now)
            return (taken.map(\.job), stale.filter { $0.ownedUntil >= now })
        }

        /// Ends the receiver's hold on deliveries; answers with those it still had, each once.
        mutating func release(_ jobs: [DeliveredJob], now: MonotonicInstant) -> [Delivery] {
            jobs.compactMap { handedOut.removeValue(forKey: $0.receipt) }.filter { $0.ownedUntil >= now }
        }

        /// Takes back a ``release(_:now:)`` that SQS did not get to know.
        mutating func restore(_ deliveries: [Delivery]) {
            for delivery in deliveries { handedOut[delivery.job.receipt] = delivery }
        }

        /// Gives up everything that is still ours.
        mutating func clear(now: MonotonicInstant) -> [Delivery] {
            defer {
                waiting = [:]
                handedOut = [:]
            }
            return (Array(waiting.values.joined()) + handedOut.values).filter { $0.ownedUntil >= now }
        }

        private mutating func sweep(now: MonotonicInstant) {
            guard handedOut.count >= sweepAt else { return }
            handedOut = handedOut.filter { $0.value.ownedUntil >= now }
            sweepAt = max(Self.sweepMin, handedOut.count * 2)
        }
    }
#endif
