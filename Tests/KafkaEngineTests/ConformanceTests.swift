#if Kafka
    import EngineConformance
    import KafkaEngine
    import Martlet
    import Testing

    /// Every promise of the port, against Kafka.
    @Suite struct ConformanceTests {
        @Test(arguments: InboxLogPromises.all)
        func `keeps the inbox log's promises`(_ promise: Promise<InboxLogFixture>) async throws {
            try await withTestTopic { topic in
                let fixture = InboxLogFixture(try await topic.open()) { try await topic.open() }
                try await promise.check(fixture)
            }
        }
    }
#endif
