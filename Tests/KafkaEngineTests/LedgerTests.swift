#if Kafka
    import KafkaEngine
    import Martlet
    import Testing

    @Suite struct RecordSequenceTests {
        @Test(
            arguments: [
                (0, 0, 0), (0, 1, 1), (1, 0, 1 << 48), (32_767, (1 << 48) - 1, Int64.max), (5, 77, 5 << 48 | 77),
            ] as [(Int32, Int64, Int64)])
        func `partition and offset make one number and come back`(_ partition: Int32, _ offset: Int64, _ packed: Int64)
            throws
        {
            let sequence = try #require(RecordSequence(partition: partition, offset: offset))
            #expect(sequence.packed == packed)
            #expect(RecordSequence(packed: packed) == sequence)
        }

        @Test func `what does not fit is none`() {
            #expect(RecordSequence(partition: -1, offset: 0) == nil)
            #expect(RecordSequence(partition: 32_768, offset: 0) == nil)
            #expect(RecordSequence(partition: 0, offset: -1) == nil)
            #expect(RecordSequence(partition: 0, offset: 1 << 48) == nil)
            #expect(RecordSequence(packed: -1) == nil)
            #expect(RecordSequence(packed: .min) == nil)
        }
    }

    @Suite struct PartitionLedgerTests {
        private let start = ContinuousClock.now

        /// Offsets from 10 on, each leased when `leased` says so.
        private func filled(_ count: Int, leased: Int) -> PartitionLedger {
            var ledger = PartitionLedger()
            for (index, entry) in testEntries(count).enumerated() {
                _ = ledger.append(offset: Int64(10 + index), entry: entry)
            }
            for _ in 0..<leased { _ = ledger.lease(until: start + .seconds(30)) }
            return ledger
        }

        @Test func `nothing is committed before something is completed`() {
            #expect(PartitionLedger().commitDue == nil)
            #expect(filled(3, leased: 3).commitDue == nil)
        }

        @Test func `a commit never passes what is not completed`() {
            var ledger = filled(5, leased: 5)
            ledger.complete(12)
            ledger.complete(14)
            #expect(ledger.commitDue == nil)
            #expect(ledger.completedCount == 2)
            ledger.complete(10)
            #expect(ledger.commitDue == 11)
            ledger.complete(11)
            #expect(ledger.commitDue == 13)
            ledger.complete(13)
            #expect(ledger.commitDue == 15)
            #expect(ledger.recordCount == 0)
            #expect(ledger.bodyBytes == 0)
            ledger.didCommit(15)
            #expect(ledger.commitDue == nil)
        }

        @Test func `an older commit that is noted late takes nothing back`() {
            var ledger = filled(2, leased: 2)
            ledger.complete(10)
            ledger.complete(11)
            ledger.didCommit(12)
            ledger.didCommit(11)
            #expect(ledger.commitDue == nil)
        }

        @Test func `what runs out is given again in its old place, what is completed late is not`() {
            var ledger = filled(5, leased: 3)
            ledger.releaseExpired(now: start + .seconds(29))
            #expect(ledger.lease(until: start + .seconds(60))?.offset == 13)
            ledger.releaseExpired(now: start + .seconds(30))
            ledger.complete(11)
            let offsets = (0..<4).compactMap { _ in ledger.lease(until: start + .seconds(90))?.offset }
            #expect(offsets == [10, 12, 14])
        }

        @Test func `what was never leased is not completed`() {
            var ledger = filled(2, leased: 1)
            ledger.complete(11)
            ledger.complete(99)
            ledger.complete(10)
            #expect(ledger.commitDue == 11)
            #expect(ledger.lease(until: start)?.offset == 11)
        }

        @Test func `records that are no entries are passed over for good, and gaps with them`() {
            var ledger = PartitionLedger()
            _ = ledger.append(offset: 4, entry: nil)
            #expect(ledger.commitDue == 5)
            _ = ledger.append(offset: 9, entry: testEntries(1)[0])
            _ = ledger.append(offset: 12, entry: nil)
            #expect(ledger.commitDue == 9)
            #expect(ledger.lease(until: start)?.offset == 9)
            ledger.complete(9)
            #expect(ledger.commitDue == 13)
        }

        @Test func `a partition that begins anew forgets what was held`() {
            var ledger = filled(5, leased: 2)
            #expect(ledger.append(offset: 0, entry: testEntries(1)[0]) == false)
            #expect(ledger.entryCount == 1)
            ledger.complete(10)
            #expect(ledger.commitDue == nil)
            #expect(ledger.lease(until: start)?.offset == 0)
        }
    }
#endif
