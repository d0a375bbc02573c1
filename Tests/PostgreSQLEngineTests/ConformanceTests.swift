#if PostgreSQL
    import EngineConformance
    import Martlet
    import PostgreSQLEngine
    import Testing

    /// Every promise of every port, against PostgreSQL.
    @Suite struct ConformanceTests {
        @Test(arguments: MessageStorePromises.all)
        func `keeps the message store's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: DeadLetterPromises.all)
        func `keeps the dead letters' promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: DispatchQueuePromises.all)
        func `keeps the dispatch queue's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: SettlementPromises.all)
        func `keeps the settlements' promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: AcknowledgementPromises.all)
        func `keeps the acknowledgements' promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: ReconciliationPromises.all)
        func `keeps the reconciliation's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: ReplayPromises.all)
        func `keeps the bulk replays' promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: DirectoryPromises.all)
        func `keeps the directory's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: MaintenancePromises.all)
        func `keeps the maintenance's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await check(promise)
        }

        @Test(arguments: InboxPromises.all)
        func `keeps the inbox's promises`(_ promise: Promise<any SetAsideInbox>) async throws {
            try await withTemporaryStore { store in try await promise.check(store) }
        }

        @Test(arguments: ThrottleRegisterPromises.all)
        func `keeps the throttle register's promises`(_ promise: Promise<ThrottleRegisterFixture>) async throws {
            try await withTemporarySchema { url in
                let register = try await PostgreSQLRegister.open(url: url)
                do {
                    try await promise.check(
                        ThrottleRegisterFixture(register) { try await PostgreSQLRegister.open(url: url) })
                } catch {
                    await register.close()
                    throw error
                }
                await register.close()
            }
        }

        private func check(_ promise: Promise<StoreFixture>) async throws {
            try await withTemporaryStore { store in try await promise.check(try await StoreFixture(store)) }
        }
    }
#endif
