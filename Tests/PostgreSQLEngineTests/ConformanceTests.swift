#if PostgreSQL
    import EngineConformance
    import Martlet
    import PostgreSQLEngine
    import Testing

    /// Every promise of every port, against PostgreSQL.
    @Suite(.timeLimit(.minutes(5))) struct ConformanceTests {
        @Test(arguments: StorePromises.all)
        func `keeps the store's promises`(_ promise: Promise<StoreFixture>) async throws {
            try await withTemporaryStore { store in try await promise.check(try await StoreFixture(store)) }
        }

        /// On two nodes, none of which waits in a circle for the other for long.
        @Test(arguments: ConcurrencyPromises.all)
        func `keeps the store's promises when many use it at once`(_ promise: Promise<[any Store]>) async throws {
            try await withTemporarySchema { url in
                let first = try await PostgreSQLStore.open(url: url, options: testOptions())
                let second = try await PostgreSQLStore.open(url: url, options: testOptions())
                let result: Result<Void, any Error>
                do {
                    try await promise.check([first, second])
                    try await expectCountersToHold(first)
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                for node in [first, second] { await node.close() }
                try result.get()
            }
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
    }
#endif
