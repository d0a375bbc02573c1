#if Kafka
    import EngineConformance
    import KafkaEngine
    import Martlet
    import Testing

    @Suite struct OutageTests {
        @Test func `while the brokers are away appends fail in time, and all goes on when they are back`() async throws
        {
            try await withMockCluster { cluster, topic in
                let log = try await topic.open {
                    $0.deliveryTimeout = .seconds(2)
                    $0.answerTimeout = .seconds(2)
                    $0.commitTimeout = .seconds(2)
                }
                try await log.append(testEntries(4))
                _ = try await take(4, from: log)
                try cluster.tell("down")
                // Together longer than the session lasts.
                for _ in 0..<4 {
                    let error = await #expect(throws: StoreError.self) {
                        try await log.append(testEntries(1, from: 90))
                    }
                    #expect(error?.code == .unavailable)
                    #expect(error?.isRetriable == true)
                }
                await #expect(throws: StoreError.self) { try await log.check() }
                await #expect(throws: StoreError.self) { _ = try await log.depth() }
                try cluster.tell("up")
                try await expectSoon("the log can be used again") {
                    do { try await log.check() } catch { return false }
                    return true
                }
                try await expectSoon("an append goes through") {
                    do { try await log.append(testEntries(1, from: 4)) } catch { return false }
                    return true
                }
                // Entries before it may come again: the session is lost, and with it what was held.
                var received: [InboxEntry] = []
                try await expectSoon("the new entry comes") {
                    let more = try await log.lease(limit: 100, for: .seconds(300), wait: .seconds(1))
                    received += more.map(\.entry)
                    try await log.complete(more.map(\.sequence))
                    return received.contains(testEntries(1, from: 4)[0])
                }
                try await expectSoon("nothing waits") {
                    let more = try await log.lease(limit: 100, for: .seconds(300), wait: .zero)
                    try await log.complete(more.map(\.sequence))
                    return try await log.depth().waiting == 0
                }
            }
        }

        @Test func `what was completed while the brokers were away for a moment is noted when they are back`()
            async throws
        {
            try await withMockCluster { cluster, topic in
                let log = try await topic.open {
                    $0.commitTimeout = .milliseconds(500)
                    $0.sessionTimeout = .seconds(60)
                }
                try await log.append(testEntries(4))
                let leased = try await take(4, from: log)
                try cluster.tell("down")
                await #expect(throws: StoreError.self) { try await log.complete(leased.dropLast().map(\.sequence)) }
                try cluster.tell("up")
                let other = try await topic.open()
                // The other has no partitions: what it counts is what the brokers have noted.
                try await expectSoon("the commit is noted") {
                    do { return try await other.depth().waiting == 1 } catch { return false }
                }
            }
        }

        @Test func `a log is not opened, and an open one closes, while the brokers are away`() async throws {
            try await withMockCluster { cluster, topic in
                let log = try await topic.open { $0.deliveryTimeout = .seconds(1) }
                try await log.append(testEntries(2))
                let leased = try await take(2, from: log)
                try cluster.tell("down")
                let error = await #expect(throws: StoreError.self) {
                    _ = try await topic.open { $0.answerTimeout = .milliseconds(500) }
                }
                #expect(error?.code == .unavailable)
                #expect(error?.remedy != nil)
                let completion = Task { try await log.complete(leased.map(\.sequence)) }
                await log.close()
                await #expect(throws: (any Error).self) { try await completion.value }
            }
        }

        @Test func `a producer that the brokers refuse for good is made anew`() async throws {
            try await withMockCluster { cluster, topic in
                let record = LogRecord()
                let log = try await topic.open(logger: record.logger)
                try await log.append(testEntries(1))
                // Produce requests (0) are answered with OUT_OF_ORDER_SEQUENCE_NUMBER (45).
                try cluster.tell("fail 0 45 3")
                let error = await #expect(throws: StoreError.self) { try await log.append(testEntries(1, from: 1)) }
                #expect(error?.code == .unavailable)
                try await expectSoon("appends go through") {
                    do { try await log.append(testEntries(1, from: 2)) } catch { return false }
                    return true
                }
                #expect(record.text.contains("warning Kafka producer failed for good and is made anew"))
                let entries = try await take(2, from: log).map(\.entry)
                #expect(entries.contains(testEntries(1)[0]))
                #expect(entries.contains(testEntries(1, from: 2)[0]))
            }
        }

        @Test(arguments: KafkaAddress.Mechanism.allCases)
        func `a client that proves who it is can be made`(_ mechanism: KafkaAddress.Mechanism) async throws {
            let record = LogRecord()
            // Nothing listens there.
            let url = "kafka://alice:hunter2@127.0.0.1:1/t?sasl=\(mechanism.rawValue)&tls=true"
            var options = KafkaOptions()
            options.answerTimeout = .milliseconds(500)
            let error = await #expect(throws: StoreError.self) {
                _ = try await KafkaInboxLog.open(url: url, options: options, logger: record.logger)
            }
            #expect(error?.code == .unavailable)
            #expect(!record.text.contains("hunter2"))
        }

        @Test func `a topic that is not there and cannot be made is said to be so, with how to make it`() async throws {
            try await withMockCluster { cluster, topic in
                try cluster.tell("fault \(topic.name) 3")
                let error = await #expect(throws: StoreError.self) {
                    _ = try await topic.open { $0.answerTimeout = .seconds(1) }
                }
                #expect(error?.code == .unusable)
                #expect(error?.message.contains("the topic \(topic.name) is not there and was not made") == true)
                #expect(error?.remedy?.contains("--create --topic \(topic.name)") == true)
                try cluster.tell("fault \(topic.name) 0")
                try await topic.open().check()
            }
        }

        @Test func `a topic that may not be used is said to be so`() async throws {
            try await withMockCluster { cluster, topic in
                let log = try await topic.open()
                try cluster.tell("fault \(topic.name) 29")
                for call in [
                    { _ = try await topic.open() }, { try await log.check() }, { _ = try await log.depth() },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: StoreError.self) { try await call() }
                    #expect(error?.code == .unusable)
                    #expect(error?.remedy?.contains("describe the topic") == true)
                }
                try await expectSoon("a lease says so, too") {
                    do throws(StoreError) {
                        _ = try await log.lease(limit: 1, for: .seconds(30), wait: .milliseconds(100))
                    } catch {
                        return error.code == .unusable
                    }
                    return false
                }
            }
        }

        @Test func `more than may be on its way is refused as overloaded`() async throws {
            try await withMockCluster { cluster, topic in
                let log = try await topic.open {
                    $0.sendingMax = 5
                    $0.deliveryTimeout = .seconds(60)
                }
                try cluster.tell("down")
                let error = await #expect(throws: StoreError.self) { try await log.append(testEntries(6)) }
                #expect(error?.code == .overloaded)
                try cluster.tell("up")
                try await expectSoon("there is room again") {
                    do { try await log.append(testEntries(1, from: 6)) } catch { return false }
                    return true
                }
                let entries = try await take(6, from: log).map(\.entry)
                #expect(entries == testEntries(5) + testEntries(1, from: 6))
            }
        }
    }
#endif
