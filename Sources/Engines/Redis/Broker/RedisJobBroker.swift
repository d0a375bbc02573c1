#if Redis
    import Martlet
    import Synchronization

    /// Job notices in streams, one for each priority, that a consumer group shares out; those that are not due wait in a sorted
    /// set.
    ///
    /// Entries are taken by a script, so that no more are taken than asked for and high goes first; while there are none, a
    /// connection of its own waits for the streams to grow, without taking anything.
    final class RedisJobBroker: JobBroker {
        private let link: RedisLink
        private let waitingLink: RedisLink
        private let keys: [String]
        private let receiver: [UInt8]
        private let options: RedisOptions
        private let upkeep: Mutex<Upkeep>
        private let isClosed = Mutex(false)

        /// Notices in one script: what the server does in a few milliseconds.
        private static let batchMax = 500

        /// When to look for what others let lie, and where.
        private struct Upkeep {
            var reclaimAt = ContinuousClock.now
            var cursors = Array(repeating: "0-0", count: 3)
            var tidyAt: ContinuousClock.Instant
        }

        init(_ address: RedisAddress, prefix: String, receiver: String, options: RedisOptions) {
            link = RedisLink(address, name: "redis-jobs", options: options)
            waitingLink = RedisLink(address, name: "redis-jobs-wait", options: options)
            keys =
                Priority.allCases.map { "\(prefix):jobs:\($0.name)" } + ["\(prefix):jobs:later", "\(prefix):jobs:dead"]
            self.receiver = Array(receiver.utf8)
            self.options = options
            upkeep = Mutex(Upkeep(tidyAt: .now + options.tidyEvery))
        }

        let delayMax: Duration = .seconds(86_400)

        func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) {
            for batch in notices.batches(of: Self.batchMax) {
                let arguments = batch.flatMap { notice in
                    [
                        Array(decimal: max(0, min(notice.dueAt - now, delayMax).milliseconds)),
                        Array(decimal: notice.priority.rawValue), notice.encoded(),
                    ]
                }
                _ = try await run(BrokerScripts.publish, arguments)
            }
        }

        func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
            guard limit > 0 else { return [] }
            let deadline = ContinuousClock.now + wait
            while true {
                guard !isClosed.withLock({ $0 }) else { throw RedisLink.closedError }
                let taken = try await take(min(limit, Self.batchMax))
                if !taken.jobs.isEmpty { return taken.jobs }
                guard ContinuousClock.now < deadline, !Task.isCancelled else { return [] }
                if taken.isComplete {
                    try await waitForEntries(after: taken.last, until: deadline, dueIn: taken.dueIn)
                }
            }
        }

        func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {
            for batch in deliveries.compactMap({ Self.parts(ofReceipt: $0.receipt) }).batches(of: Self.batchMax) {
                _ = try await run(BrokerScripts.acknowledge, [receiver] + batch.flatMap { $0 })
            }
        }

        func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {
            for batch in letters.batches(of: Self.batchMax) {
                _ = try await run(
                    BrokerScripts.publishDeadLetters,
                    [Array(decimal: options.deadLettersMax)] + batch.map { $0.encoded() })
            }
        }

        func check() async throws(StoreError) { _ = try await run(BrokerScripts.check, []) }

        /// What was received and not acknowledged is added once more, so that others need not wait for the minute to end. Should
        /// the server be away, they wait.
        func close() async {
            isClosed.withLock { $0 = true }
            await waitingLink.close()
            if link.isInUse {
                do throws(StoreError) {
                    while try await run(BrokerScripts.release, [receiver]).number ?? 0 > 0 {}
                } catch {}
            }
            await link.close()
        }

        private func run(_ script: Script, _ arguments: [[UInt8]]) async throws(StoreError) -> RedisReply {
            do throws(RedisFailure) {
                return try await link.run(script, keys: keys, arguments).reply
            } catch {
                throw error.storeError
            }
        }

        /// What one look at the streams gave.
        private struct Taken {
            var jobs: [DeliveredJob] = []
            /// Whether there is nothing more to look for now.
            var isComplete = true
            var dueIn: Duration?
            var last: [[UInt8]] = []
        }

        private func take(_ limit: Int) async throws(StoreError) -> Taken {
            let (idle, cursors, isTidying) = upkeep.withLock { upkeep in
                let now = ContinuousClock.now
                let isTidying = now >= upkeep.tidyAt
                if isTidying { upkeep.tidyAt = now + options.tidyEvery }
                guard now >= upkeep.reclaimAt else { return (Int64(-1), upkeep.cursors, isTidying) }
                upkeep.reclaimAt = now + options.reclaimEvery
                return (options.redeliverAfter.milliseconds, upkeep.cursors, isTidying)
            }
            if isTidying { try await tidy() }
            let reply = try await run(
                BrokerScripts.take,
                [receiver, Array(decimal: limit), Array(decimal: idle), Array(decimal: options.deadLettersMax)]
                    + cursors.map { Array($0.utf8) })
            guard let parts = reply.list, parts.count == 4, let dueIn = parts[0].number, let next = parts[1].list,
                let last = parts[2].list, let entries = parts[3].list
            else { throw RedisFailure.refused("ERR an answer of an unexpected form").storeError }
            if idle >= 0 {
                upkeep.withLock { upkeep in
                    upkeep.cursors = next.map { $0.text ?? "0-0" }
                    // There is more to look through than one look may.
                    if upkeep.cursors.contains(where: { $0 != "0-0" }) { upkeep.reclaimAt = .now }
                }
            }
            var taken = Taken(dueIn: dueIn < 0 ? nil : .milliseconds(dueIn), last: last.map { $0.bytes ?? [] })
            var unreadable: [[UInt8]] = []
            for entry in entries {
                guard let entry = entry.list, entry.count == 4, let lane = entry[0].number, let id = entry[1].text,
                    let given = entry[2].number, let text = entry[3].bytes
                else { continue }
                if let notice = JobNotice(encoded: text) {
                    taken.jobs.append(DeliveredJob(notice: notice, receipt: "\(lane):\(id):\(given)"))
                } else {
                    unreadable += [Array(decimal: lane), Array(id.utf8), text]
                }
            }
            if !unreadable.isEmpty {
                taken.isComplete = false
                _ = try await run(BrokerScripts.bury, [Array(decimal: options.deadLettersMax)] + unreadable)
            }
            return taken
        }

        private func tidy() async throws(StoreError) {
            do throws(RedisFailure) {
                _ = try await link.run(
                    .tidying, keys: Array(keys.prefix(3)),
                    [Array(BrokerScripts.group.utf8), receiver, Array(decimal: options.forgetAfter.milliseconds)])
            } catch {
                throw error.storeError
            }
        }

        /// Returns when a stream has grown, when something becomes due, or after a while.
        private func waitForEntries(
            after last: [[UInt8]], until deadline: ContinuousClock.Instant, dueIn: Duration?
        ) async throws(StoreError) {
            let end = min(deadline, .now + min(options.blockMax, dueIn ?? options.blockMax))
            try await waitingLink.wait(forMoreIn: Array(keys.prefix(3)), after: last, until: end)
        }

        /// The number of the stream, the id and the count, when it is a receipt of this engine's.
        private static func parts(ofReceipt receipt: String) -> [[UInt8]]? {
            let parts = receipt.split(separator: ":", omittingEmptySubsequences: false)
            guard receipt.utf8.count <= 64, parts.count == 3, let lane = Int(parts[0]), (0...2).contains(lane),
                Int64(parts[2]) != nil
            else { return nil }
            return parts.map { Array($0.utf8) }
        }
    }
#endif
