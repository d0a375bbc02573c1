#if Kafka
    import DequeModule
    import Martlet

    /// What was read of one partition and is not committed: who holds what until when, and up to where it may be committed.
    ///
    /// Kafka notes one offset per partition, below which everything is done. Completions come in any order, so an entry that
    /// is completed stays on record, without its body, until all before it are.
    package struct PartitionLedger: Sendable {
        private struct Record {
            let offset: Int64
            /// Nil once it is completed.
            var entry: InboxEntry?
            var heldUntil: ContinuousClock.Instant?
            var wasLeased = false
        }

        /// By offset; the first is not completed.
        private var records: Deque<Record> = []
        /// Offsets of what nobody holds, ascending.
        private var ready: Deque<Int64> = []
        private var nextOffset: Int64?
        private var earliestEnd: ContinuousClock.Instant?
        /// What the brokers are known to have noted.
        private var committed: Int64?

        /// Entries whose bodies are kept.
        package private(set) var entryCount = 0
        /// Bytes of those bodies.
        package private(set) var bodyBytes = 0

        package init() {}

        /// Entries and completed ones above the first that is not.
        package var recordCount: Int { records.count }
        /// Of those, the completed ones.
        package var completedCount: Int { records.count - entryCount }
        /// The lowest offset that is not completed, or the next after all; nil before anything was read.
        package var lowestUncompleted: Int64? { records.first?.offset ?? nextOffset }
        /// What the brokers are to note; nil when they have.
        package var commitDue: Int64? { lowestUncompleted.flatMap { $0 > committed ?? -1 && hasProgress ? $0 : nil } }
        /// Something was completed (or passed over) since the reading began or the last commit.
        private var hasProgress = false

        /// Takes in a record as it was read; with no entry, it is passed over for good.
        /// - returns: false when the partition began anew below what was read before (the topic was made anew, or the brokers
        ///   lost its end): what was held of it is forgotten, and read again.
        package mutating func append(offset: Int64, entry: InboxEntry?) -> Bool {
            let isContinuation = nextOffset.map { offset >= $0 } ?? true
            if !isContinuation { self = PartitionLedger() }
            nextOffset = offset + 1
            guard let entry else {
                if records.isEmpty { hasProgress = true } else { records.append(Record(offset: offset)) }
                return isContinuation
            }
            records.append(Record(offset: offset, entry: entry))
            ready.append(offset)
            entryCount += 1
            bodyBytes += entry.body.count
            return isContinuation
        }

        /// When the first of those that nobody holds was received.
        package var oldestReady: Timestamp? {
            ready.first.flatMap(index(of:)).flatMap { records[$0].entry?.receivedAt }
        }
        /// When the oldest that is not completed was received.
        package var oldestReceivedAt: Timestamp? { records.lazy.compactMap { $0.entry?.receivedAt }.min() }

        /// Holds the first of those that nobody holds.
        package mutating func lease(until end: ContinuousClock.Instant) -> (offset: Int64, entry: InboxEntry)? {
            guard let offset = ready.popFirst(), let index = index(of: offset), let entry = records[index].entry else {
                return nil
            }
            records[index].heldUntil = end
            records[index].wasLeased = true
            earliestEnd = min(earliestEnd ?? end, end)
            return (offset, entry)
        }

        /// Ends the holding for good, also when the lease has run out meanwhile. What was never leased is passed over.
        package mutating func complete(_ offset: Int64) {
            guard let index = index(of: offset), records[index].wasLeased, let entry = records[index].entry else {
                return
            }
            if records[index].heldUntil == nil, let place = ready.firstIndex(of: offset) { ready.remove(at: place) }
            records[index].entry = nil
            records[index].heldUntil = nil
            entryCount -= 1
            bodyBytes -= entry.body.count
            while let first = records.first, first.entry == nil {
                records.removeFirst()
                hasProgress = true
            }
        }

        /// Frees what was held for longer than it was leased.
        package mutating func releaseExpired(now: ContinuousClock.Instant) {
            guard let end = earliestEnd, end <= now else { return }
            earliestEnd = nil
            var freed: [Int64] = []
            for index in records.indices {
                guard let end = records[index].heldUntil else { continue }
                if end <= now {
                    records[index].heldUntil = nil
                    freed.append(records[index].offset)
                } else {
                    earliestEnd = min(earliestEnd ?? end, end)
                }
            }
            if !freed.isEmpty { ready = Deque((freed + ready).sorted()) }
        }

        /// The brokers have noted that offset.
        package mutating func didCommit(_ offset: Int64) { committed = max(committed ?? offset, offset) }

        private func index(of offset: Int64) -> Int? {
            var low = 0
            var high = records.count
            while low < high {
                let middle = (low + high) / 2
                if records[middle].offset < offset { low = middle + 1 } else { high = middle }
            }
            return low < records.count && records[low].offset == offset ? low : nil
        }
    }
#endif
