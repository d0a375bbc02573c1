#if Kafka
    import Martlet

    /// What this process has of the log: one ledger for each partition that the group gave it.
    struct InboxLedger: Sendable {
        /// An offset to commit.
        struct Mark: Sendable, Hashable {
            var partition: Int32
            var offset: Int64
        }

        private(set) var partitions: [Int32: PartitionLedger] = [:]

        var entryCount: Int { partitions.values.reduce(0) { $0 + $1.entryCount } }
        var bodyBytes: Int { partitions.values.reduce(0) { $0 + $1.bodyBytes } }
        var oldestReceivedAt: Timestamp? { partitions.values.compactMap(\.oldestReceivedAt).min() }

        /// The group gave these to this process.
        mutating func assign(_ numbers: [Int32]) {
            for number in numbers { partitions[number] = PartitionLedger() }
        }

        /// They are another's now: what is held of them is forgotten.
        mutating func forget(_ numbers: [Int32]) {
            for number in numbers { partitions[number] = nil }
        }

        /// See ``PartitionLedger/append(offset:entry:)``. What belongs to a partition that was taken away is the new owner's.
        mutating func append(partition: Int32, offset: Int64, entry: InboxEntry?) -> Bool {
            partitions[partition]?.append(offset: offset, entry: entry) ?? true
        }

        /// Holds the oldest of those that nobody holds; within a partition, in its order.
        mutating func lease(limit: Int, now: ContinuousClock.Instant, duration: Duration) -> [LeasedInboxEntry] {
            for number in partitions.keys { partitions[number]?.releaseExpired(now: now) }
            var oldest = partitions.compactMapValues(\.oldestReady)
            var leased: [LeasedInboxEntry] = []
            while leased.count < limit, let next = oldest.min(by: { ($0.value, $0.key) < ($1.value, $1.key) }) {
                let number = next.key
                if let taken = partitions[number]?.lease(until: now + duration),
                    let sequence = RecordSequence(partition: number, offset: taken.offset)
                {
                    leased.append(LeasedInboxEntry(sequence: sequence.packed, entry: taken.entry))
                }
                oldest[number] = partitions[number]?.oldestReady
            }
            return leased
        }

        /// Ends the holding of these; others are passed over.
        mutating func complete(_ sequences: [Int64]) {
            for case let sequence? in sequences.map(RecordSequence.init(packed:)) {
                partitions[sequence.partition]?.complete(sequence.offset)
            }
        }

        /// What the brokers are to note, of these partitions or of all.
        func commitsDue(of numbers: [Int32]? = nil) -> [Mark] {
            (numbers ?? Array(partitions.keys)).compactMap { number in
                partitions[number]?.commitDue.map { Mark(partition: number, offset: $0) }
            }
        }

        /// The brokers have noted these.
        mutating func didCommit(_ marks: [Mark]) {
            for mark in marks { partitions[mark.partition]?.didCommit(mark.offset) }
        }
    }
#endif
