#if PostgreSQL
    import EngineConformance
    import Foundation
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct ConnectionTests {
        @Test func `values come back as they went in`() async throws {
            let settings = try ConnectionSettings(url: try TestServer.url())
            try await onThread {
                let session = try Session(settings)
                let row = try session.query(
                    "SELECT $1::text, $2::bigint, $3::boolean, $4::double precision, $5::bytea, $6::text, $7::bytea",
                    ["Ä \u{1F426}", Int64.min + 1, true, -0.125, Blob([0, 255, 1]), nil, Blob([])]
                ).first { row in
                    (
                        row.next(String.self), row.next(Int64.self), row.next(Bool.self), row.next(Double.self),
                        row.next(Blob.self).bytes, row.nextIfAny(String.self), row.nextIfAny(Blob.self)?.bytes
                    )
                }
                let values = try #require(row)
                #expect(values.0 == "Ä \u{1F426}")
                #expect(values.1 == Int64.min + 1)
                #expect(values.2)
                #expect(values.3 == -0.125)
                #expect(values.4 == [0, 255, 1])
                #expect(values.5 == nil)
                #expect(values.6 == [])
            }
        }

        @Test func `arrays come back as they went in, gaps and all`() async throws {
            let settings = try ConnectionSettings(url: try TestServer.url())
            try await onThread {
                let session = try Session(settings)
                let texts: [String?] = ["a", nil, "", "Ü"]
                let read = try session.query("SELECT * FROM unnest($1::text[])", [SQLArray(texts) { $0 }]).map {
                    $0.nextIfAny(String.self)
                }
                #expect(read == texts)
                let none = try session.query("SELECT * FROM unnest($1::bigint[])", [SQLArray([Int64]())])
                #expect(none.count == 0)
            }
        }

        @Test func `a NUL, which PostgreSQL's texts cannot hold, becomes a space`() async throws {
            let settings = try ConnectionSettings(url: try TestServer.url())
            let text = try await onThread {
                try Session(settings).query("SELECT $1::text", ["a\u{0}b"]).first { $0.next(String.self) }
            }
            #expect(text == "a b")
        }

        @Test func `after a failure the session goes on`() async throws {
            let settings = try ConnectionSettings(url: try TestServer.url())
            try await onThread {
                let session = try Session(settings)
                try session.send("SELECT 1")
                let failure = #expect(throws: SQLFailure.self) { try session.query("SELECT 1 / $1::bigint", [0]) }
                #expect(failure?.state == "22012")
                #expect(try session.query("SELECT 1 / $1::bigint", [1]).first { $0.next(Int.self) } == 1)
                #expect(throws: SQLFailure.self) {
                    try session.transaction { _ = try session.query("SELECT nonsense") }
                }
                #expect(try session.transaction { try session.query("SELECT 2").first { $0.next(Int.self) } } == 2)
            }
        }

        @Test func `statements beyond the number that is kept are prepared anew`() async throws {
            let settings = try ConnectionSettings(url: try TestServer.url())
            let sum = try await onThread {
                let session = try Session(settings)
                var sum = 0
                for number in 0..<1100 {
                    sum += try session.query("SELECT \(number)").first { $0.next(Int.self) } ?? 0
                }
                return sum
            }
            #expect(sum == 1099 * 1100 / 2)
        }

        @Test func `a connection that was cut is made anew, and the call does not notice`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                for _ in 0..<5 {
                    let cut = try await store.read { session in
                        try session.query(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                            WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()
                            """
                        ).count
                    }
                    #expect(cut > 0)
                    try await fixture.accept(fixture.message())
                }
                #expect(try await fixture.counts() == [.queued: 5])
            }
        }

        @Test func `more calls than may wait are refused as overloaded`() async throws {
            try await withTemporarySchema { url in
                let store = try await PostgreSQLStore.open(
                    url: url,
                    options: testOptions {
                        $0.readersMax = 1
                        $0.waitingMax = 2
                    })
                let codes = await withTaskGroup(of: StoreError.Code?.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            do throws(StoreError) {
                                _ = try await store.read { try $0.query("SELECT pg_sleep(0.1)").count }
                                return nil
                            } catch { return error.code }
                        }
                    }
                    return await group.reduce(into: [StoreError.Code?]()) { $0.append($1) }
                }
                #expect(codes.contains(.overloaded))
                #expect(codes.contains(nil))
                await store.close()
            }
        }
    }
#endif
