#if RabbitMQ
    import EngineConformance
    import Martlet
    import RabbitMQEngine
    import Testing

    extension ServerTests {
        /// Every promise of the port, against RabbitMQ.
        @Suite struct ConformanceTests {
            @Test(arguments: JobBrokerPromises.all)
            func `keeps the job broker's promises`(_ promise: Promise<BrokerFixture>) async throws {
                try await withBroker { try await promise.check($0) }
            }
        }
    }
#endif
