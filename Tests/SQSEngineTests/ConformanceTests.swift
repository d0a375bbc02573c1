#if SQS
    import EngineConformance
    import Martlet
    import Testing

    /// Every promise of the port, against a server that plays SQS.
    @Suite struct ConformanceTests {
        @Test(arguments: JobBrokerPromises.all)
        func `keeps the job broker's promises`(_ promise: Promise<BrokerFixture>) async throws {
            try await withBroker { broker, url async throws in
                // The server takes some ten requests a second.
                try await promise.check(
                    BrokerFixture(broker, batchSize: 200) { try await TestServer.open(url) })
            }
        }
    }
#endif
