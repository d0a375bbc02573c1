#if Redis
    import EngineConformance
    import Martlet
    import RedisEngine
    import Testing

    /// Every promise of every port, against Redis.
    @Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
        @Test(arguments: ThrottleRegisterPromises.all)
        func `keeps the throttle register's promises`(_ promise: Promise<ThrottleRegisterFixture>) async throws {
            try await withTestData { data in
                let register = try await data.engine().register
                try await promise.check(ThrottleRegisterFixture(register) { try await data.engine().register })
            }
        }

        @Test(arguments: JobBrokerPromises.all)
        func `keeps the job broker's promises`(_ promise: Promise<BrokerFixture>) async throws {
            try await withTestData { data in
                let broker = try await data.engine().broker
                try await promise.check(BrokerFixture(broker) { try await data.engine().broker })
            }
        }

        @Test(arguments: InboxLogPromises.all)
        func `keeps the inbox log's promises`(_ promise: Promise<InboxLogFixture>) async throws {
            try await withTestData { data in
                let log = try await data.engine().inboxLog
                try await promise.check(InboxLogFixture(log) { try await data.engine().inboxLog })
            }
        }
    }
#endif
