#if PostgreSQL
    import EngineConformance
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct OpeningTests {
        @Test func `ten nodes may start at once on an empty database`() async throws {
            try await withTemporarySchema { url in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            var options = testOptions()
                            (options.writersMax, options.readersMax) = (1, 1)
                            let store = try await PostgreSQLStore.open(url: url, options: options)
                            try await store.check()
                            await store.close()
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }

        @Test func `without leave to migrate an empty database is refused, with the way out`() async throws {
            try await withTemporarySchema { url in
                let error = await #expect(throws: StoreError.self) {
                    _ = try await PostgreSQLStore.open(url: url, options: testOptions { $0.migrate = false })
                }
                #expect(error?.code == .unusable)
                #expect(error?.message.contains("martlet migrate") == true)
            }
        }

        @Test func `a later version's database is refused`() async throws {
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(url: url, options: testOptions())
                try await store.withWriter { session in
                    _ = try session.query(
                        "INSERT INTO martlet_schema (version, usable_from) VALUES ($1, $1)",
                        [Migration.latestVersion + 1])
                }
                await store.close()
                let error = await #expect(throws: StoreError.self) {
                    _ = try await PostgreSQLStore.open(url: url, options: testOptions())
                }
                #expect(error?.code == .unusable)
                #expect(error?.message.contains("later Martlet") == true)
            }
        }

        @Test func `a later version that has only added is used as it is`() async throws {
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(url: url, options: testOptions())
                try await store.withWriter { session in
                    _ = try session.query(
                        "INSERT INTO martlet_schema (version, usable_from) VALUES ($1, $2)",
                        [Migration.latestVersion + 1, Migration.latestVersion])
                }
                await store.close()
                let again = try await PostgreSQLStore.open(url: url, options: testOptions())
                try await again.check()
                await again.close()
            }
        }

        @Test(arguments: ["postgres://user:hunter2@[nonsense", "postgres://user:hunter2@h:notaport/db?nosuch=1"])
        func `a URL that libpq cannot read is refused without its password`(_ url: String) async {
            let error = await #expect(throws: StoreError.self) { _ = try await PostgreSQLStore.open(url: url) }
            #expect(error?.code == .unusable)
            #expect(error?.description.contains("hunter2") == false)
        }

        @Test func `a server that is not there is unavailable`() async {
            let error = await #expect(throws: StoreError.self) {
                _ = try await PostgreSQLStore.open(url: "postgres://user:hunter2@127.0.0.1:1/db")
            }
            #expect(error?.code == .unavailable)
            #expect(error?.description.contains("hunter2") == false)
        }

        @Test func `a commit is on disk whatever the role's own setting`() async throws {
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(
                    url: url + "%20-csynchronous_commit%3Doff", options: testOptions())
                let setting = try await store.withWriter { session in
                    try session.query("SHOW synchronous_commit").first { $0.next(String.self) }
                }
                #expect(setting == "on")
                await store.close()
            }
        }

        @Test func `closed, a store refuses calls`() async throws {
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(url: url, options: testOptions())
                await store.close()
                let error = await #expect(throws: StoreError.self) { try await store.check() }
                #expect(error?.code == .unavailable)
            }
        }
    }
#endif
