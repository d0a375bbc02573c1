#if Kafka
    import EngineConformance
    import KafkaEngine
    import Martlet
    import Testing

    @Suite struct ReadingTests {
        @Test func `the next process gets exactly what is above the lowest that is not completed`() async throws {
            try await withTestTopic { topic in
                let first = try await topic.open()
                try await first.append(testEntries(6))
                let leased = try await take(6, from: first)
                try await first.complete([leased[3], leased[0], leased[5], leased[1]].map(\.sequence))
                #expect(try await first.depth().waiting == 2)
                await first.close()
                let second = try await topic.open()
                #expect(try await second.depth().waiting == 4)
                #expect(try await take(4, from: second).map(\.entry) == testEntries(4, from: 2))
            }
        }

        @Test func `a process that only appends takes no partitions`() async throws {
            try await withTestTopic { topic in
                let reader = try await topic.open()
                let writer = try await topic.open()
                try await writer.append(testEntries(3))
                #expect(try await take(3, from: reader).map(\.entry) == testEntries(3))
                #expect(try await writer.depth().waiting == 3)
            }
        }

        @Test func `what is no entry is skipped for good`() async throws {
            try await withTestTopic { topic in
                let record = LogRecord()
                let log = try await topic.open(logger: record.logger)
                let unreadable = InboxEntry(
                    channel: ChannelID(unchecked: "no channel"), receivedAt: StoreFixture.start,
                    body: Array("a body".utf8))
                try await log.append([unreadable])
                try await log.append(testEntries(1) + [unreadable])
                // An unreadable record has another key, and so perhaps another partition.
                let leased = try await take(1, from: log)
                #expect(leased.map(\.entry) == testEntries(1))
                try await log.complete(leased.map(\.sequence))
                try await expectSoon("nothing waits") { try await log.depth().waiting == 0 }
                #expect(record.text.contains("warning Records of the topic are no entries and were skipped"))
                #expect(!record.text.contains("a body"))
            }
        }

        @Test func `the largest webhook comes out whole`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open()
                var entry = testEntries(1)[0]
                entry.body = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7) }
                try await log.append([entry])
                #expect(try await take(1, from: log).map(\.entry) == [entry])
            }
        }

        @Test func `who leases no more gives its partitions to the others`() async throws {
            try await withTestTopic { topic in
                let first = try await topic.open { $0.idleTimeout = .seconds(1) }
                try await first.append(testEntries(3))
                _ = try await take(3, from: first)
                let second = try await topic.open()
                #expect(try await take(3, from: second).map(\.entry) == testEntries(3))
                // And has some again when it asks.
                try await second.append(testEntries(1, from: 3))
                await second.close()
                #expect(try await take(4, from: first).map(\.entry) == testEntries(4))
            }
        }

        @Test func `more than a process may hold comes through, in order`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open { $0.heldMax = 10 }
                try await log.append(testEntries(300))
                var received: [InboxEntry] = []
                let deadline = ContinuousClock.now + .seconds(60)
                while received.count < 300, ContinuousClock.now < deadline {
                    let leased = try await log.lease(limit: 7, for: .seconds(300), wait: .seconds(1))
                    received += leased.map(\.entry)
                    try await log.complete(leased.map(\.sequence))
                }
                #expect(received == testEntries(300))
                #expect(try await log.depth().waiting == 0)
            }
        }

        @Test func `what is held stays within its bound`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open { $0.heldMax = 10 }
                try await log.append(testEntries(100))
                let held = try await take(10, from: log)
                // Whatever was read ahead in one go before the partition was paused, and not one more.
                let rest = try await log.lease(limit: 100, for: .seconds(300), wait: .seconds(1))
                #expect(held.count + rest.count <= 20)
                try await log.complete((held + rest).map(\.sequence))
                let next = try await take(1, from: log)
                #expect(next.first?.entry == testEntries(1, from: held.count + rest.count).first)
            }
        }

        @Test func `what is completed after its lease has run out does not come again`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open()
                try await log.append(testEntries(3))
                let first = try await take(3, from: log, for: .milliseconds(1))
                try await log.complete([first[0].sequence])
                let second = try await take(2, from: log)
                #expect(second.map(\.entry) == testEntries(2, from: 1))
                try await log.complete(first.map(\.sequence))
                #expect(try await log.depth().waiting == 0)
            }
        }

        @Test func `a process that comes in gets partitions, and those that stay go on`() async throws {
            try await withTestTopic { topic in
                let first = try await topic.open()
                let channels = (10..<40).map { ChannelID(unchecked: "chn_000000000000000000000000\($0)") }
                let entries = channels.map {
                    InboxEntry(channel: $0, receivedAt: StoreFixture.start, body: Array($0.text.utf8))
                }
                try await first.append(entries)
                let held = try await take(30, from: first)
                let second = try await topic.open()
                // What the first held of the partitions it gives away comes to the second, once more.
                var moved: [LeasedInboxEntry] = []
                try await expectSoon("the second gets some") {
                    moved += try await second.lease(limit: 100, for: .seconds(300), wait: .seconds(1))
                    return !moved.isEmpty
                }
                try await first.complete(held.map(\.sequence))
                try await expectSoon("all of it comes to an end") {
                    moved += try await second.lease(limit: 100, for: .seconds(300), wait: .milliseconds(100))
                    try await second.complete(moved.map(\.sequence))
                    return try await second.depth().waiting == 0
                }
                #expect(moved.count < entries.count)
                #expect(Set(moved.map(\.entry.channel)).isSubset(of: channels))
                // When the second goes, the first has it all.
                await second.close()
                try await first.append(entries)
                #expect(Set(try await take(30, from: first).map(\.entry.channel)) == Set(channels))
            }
        }

        @Test func `a wait that is cancelled ends`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open()
                let waiting = Task { try await log.lease(limit: 1, for: .seconds(30), wait: .seconds(3600)) }
                waiting.cancel()
                #expect(try await waiting.value.isEmpty)
            }
        }

        @Test func `a closed log refuses, and closes once more`() async throws {
            try await withTestTopic { topic in
                let log = try await topic.open()
                await log.close()
                await log.close()
                for call in [
                    { try await log.append(testEntries(1)) }, { try await log.check() },
                    { _ = try await log.lease(limit: 1, for: .seconds(1), wait: .zero) },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: StoreError.self) { try await call() }
                    #expect(error?.code == .unavailable)
                }
            }
        }
    }
#endif
