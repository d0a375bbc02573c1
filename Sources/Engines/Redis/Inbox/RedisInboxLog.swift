#if Redis
    import Martlet
    import Synchronization

    /// Webhooks in a stream that a consumer group shares out, with a sorted set that says until when each is held.
    ///
    /// The group alone knows since when an entry is held and not for how long, and that is the caller's to say.
    final class RedisInboxLog: InboxLog {
        private let link: RedisLink
        private let waitingLink: RedisLink
        private let keys: [String]
        private let receiver: [UInt8]
        private let options: RedisOptions
        private let tidyAt: Mutex<ContinuousClock.Instant>
        private let isClosed = Mutex(false)

        private static let batchMax = 500
        private static let batchBytesMax = 4 << 20

        init(_ address: RedisAddress, prefix: String, receiver: String, options: RedisOptions) {
            link = RedisLink(address, name: "redis-inbox", options: options)
            waitingLink = RedisLink(address, name: "redis-inbox-wait", options: options)
            keys = ["\(prefix):inbox", "\(prefix):inbox:held", "\(prefix):inbox:number"]
            self.receiver = Array(receiver.utf8)
            self.options = options
            tidyAt = Mutex(.now + options.tidyEvery)
        }

        func append(_ batch: [InboxEntry]) async throws(StoreError) {
            var entries: [[UInt8]] = []
            var size = 0
            for entry in batch.map({ $0.encoded() }) {
                if entries.count == Self.batchMax || !entries.isEmpty && size + entry.count > Self.batchBytesMax {
                    _ = try await run(InboxScripts.append, entries)
                    entries = []
                    size = 0
                }
                entries.append(entry)
                size += entry.count
            }
            if !entries.isEmpty { _ = try await run(InboxScripts.append, entries) }
        }

        func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError) -> [LeasedInboxEntry] {
            guard limit > 0 else { return [] }
            let deadline = ContinuousClock.now + wait
            try await tidyWhenDue()
            while true {
                guard !isClosed.withLock({ $0 }) else { throw RedisLink.closedError }
                let taken = try await take(min(limit, Self.batchMax), for: duration)
                if !taken.entries.isEmpty { return taken.entries }
                guard ContinuousClock.now < deadline, !Task.isCancelled else { return [] }
                if taken.isComplete {
                    // No longer than that, as what others held becomes free without a sign.
                    let end = min(deadline, .now + options.blockMax)
                    try await waitingLink.wait(forMoreIn: [keys[0]], after: [taken.last], until: end)
                }
            }
        }

        func complete(_ sequences: [Int64]) async throws(StoreError) {
            for batch in sequences.filter({ $0 > 0 }).batches(of: Self.batchMax) {
                _ = try await run(InboxScripts.complete, [receiver] + batch.map(Self.id))
            }
        }

        func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
            let reply = try await run(InboxScripts.depth, [])
            guard let parts = reply.list, parts.count == 2, let waiting = parts[0].number else { throw Self.unexpected }
            return (Int(waiting), parts[1].number.map { Timestamp(microseconds: $0) })
        }

        func check() async throws(StoreError) { _ = try await run(InboxScripts.check, []) }

        /// What was leased and not completed is free at once. Should the server be away, it is when its time has run out.
        func close() async {
            isClosed.withLock { $0 = true }
            await waitingLink.close()
            if link.isInUse { _ = try? await run(InboxScripts.release, [receiver]) }
            await link.close()
        }

        private static let unexpected = RedisFailure.refused("ERR an answer of an unexpected form").storeError

        private static func id(_ sequence: Int64) -> [UInt8] { Array("\(sequence)-1".utf8) }

        private static func sequence(_ id: String) -> Int64? { id.hasSuffix("-1") ? Int64(id.dropLast(2)) : nil }

        private func run(_ script: Script, _ arguments: [[UInt8]]) async throws(StoreError) -> RedisReply {
            do throws(RedisFailure) {
                return try await link.run(script, keys: keys, arguments).reply
            } catch {
                throw error.storeError
            }
        }

        /// What one look at the stream gave.
        private struct Taken {
            var entries: [LeasedInboxEntry] = []
            /// Whether there is nothing more to look for now.
            var isComplete = true
            var last: [UInt8]
        }

        private func take(_ limit: Int, for duration: Duration) async throws(StoreError) -> Taken {
            let reply = try await run(
                InboxScripts.lease, [receiver, Array(decimal: limit), Array(decimal: max(1, duration.milliseconds))])
            guard let parts = reply.list, parts.count == 2, let last = parts[0].bytes, let entries = parts[1].list
            else {
                throw Self.unexpected
            }
            var taken = Taken(last: last)
            var unreadable: [[UInt8]] = []
            for entry in entries {
                guard let entry = entry.list, entry.count == 2, let id = entry[0].text else { continue }
                if let sequence = Self.sequence(id), let text = entry[1].bytes, let read = InboxEntry(encoded: text) {
                    taken.entries.append(LeasedInboxEntry(sequence: sequence, entry: read))
                } else {
                    unreadable.append(Array(id.utf8))
                }
            }
            if !unreadable.isEmpty {
                taken.isComplete = false
                _ = try await run(InboxScripts.complete, [receiver] + unreadable)
            }
            taken.entries.sort { $0.sequence < $1.sequence }
            return taken
        }

        private func tidyWhenDue() async throws(StoreError) {
            let isDue = tidyAt.withLock { moment in
                guard ContinuousClock.now >= moment else { return false }
                moment = .now + options.tidyEvery
                return true
            }
            guard isDue else { return }
            _ = try await run(InboxScripts.free, [receiver, Array(decimal: options.freeAfter.milliseconds)])
            do throws(RedisFailure) {
                _ = try await link.run(
                    .tidying, keys: [keys[0]],
                    [Array(InboxScripts.group.utf8), receiver, Array(decimal: options.forgetAfter.milliseconds)])
            } catch {
                throw error.storeError
            }
        }
    }
#endif
