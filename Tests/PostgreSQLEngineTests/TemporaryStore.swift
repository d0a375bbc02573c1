#if PostgreSQL
    import Foundation
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    /// The server the tests run on, as `scripts/with-servers` starts it and tells of it.
    enum TestServer {
        static let variable = "MARTLET_TEST_POSTGRESQL"

        /// The server's URL.
        static func url() throws -> String {
            try #require(
                ProcessInfo.processInfo.environment[variable],
                "these tests need a PostgreSQL server of their own: run them as `scripts/with-servers swift test …`, or set \(variable)"
            )
        }
    }

    /// Runs the body with the URL of a schema that holds nothing and that goes afterwards.
    func withTemporarySchema<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let server = try TestServer.url()
        let schema = "test_\(UUID().uuidString.filter { $0 != "-" }.lowercased())"
        let settings = try ConnectionSettings(url: server)
        try await onThread { try Session(settings).query("CREATE SCHEMA \(schema)").count }
        let separator = server.contains("?") ? "&" : "?"
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body("\(server)\(separator)application_name=\(schema)&options=-csearch_path%3D\(schema)"))
        } catch {
            result = .failure(error)
        }
        try await onThread {
            let session = try Session(settings)
            try session.query("SET statement_timeout = '120s'")
            try session.query("SET client_min_messages = warning")
            return try session.query("DROP SCHEMA \(schema) CASCADE").count
        }
        return try result.get()
    }

    /// Runs what blocks on a thread of its own.
    @discardableResult
    func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Few connections: many stores are open at a time.
    func testOptions(_ adjust: (inout PostgreSQLOptions) -> Void = { _ in }) -> PostgreSQLOptions {
        var options = PostgreSQLOptions()
        options.writersMax = 3
        options.readersMax = 2
        adjust(&options)
        return options
    }

    /// Runs the body with a fresh store and holds the counters against the tables afterwards.
    func withTemporaryStore(
        options: PostgreSQLOptions = testOptions(), _ body: (PostgreSQLStore) async throws -> Void
    ) async throws {
        try await withTemporarySchema { url in
            let store = try await PostgreSQLStore.open(url: url, options: options)
            do {
                try await body(store)
                try await expectCountersToHold(store)
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }

    /// Holds every maintained number against what counting the tables gives.
    func expectCountersToHold(_ store: PostgreSQLStore, sourceLocation: SourceLocation = #_sourceLocation) async throws
    {
        let (maintained, counted) = try await store.read { session in
            func numbers(_ sql: String) throws -> [String: Int] {
                let rows = try session.query(sql).map { row in (name: row.next(String.self), value: row.next(Int.self))
                }
                return Dictionary(rows.map { ($0.name, $0.value) }, uniquingKeysWith: +)
            }
            return (
                try numbers(
                    """
                    SELECT tenant_id || '/' || channel_id || '/' || name, sum(value)::bigint FROM counters
                    GROUP BY 1 HAVING sum(value) <> 0
                    """),
                try numbers(
                    """
                    SELECT tenant_id || '//' || status, count(*) FROM communications_log GROUP BY 1
                    UNION ALL
                    SELECT tenant_id || '//dead_letters', count(*) FROM communications_log
                        WHERE dead_lettered_at IS NOT NULL GROUP BY 1
                    UNION ALL
                    SELECT l.tenant_id || '/' || l.channel_id || '/waiting', count(*)
                        FROM jobs j JOIN communications_log l ON l.id = j.message WHERE j.state = 0 GROUP BY 1
                    UNION ALL
                    SELECT '//waiting_' || CASE priority WHEN 0 THEN 'high' WHEN 1 THEN 'normal' ELSE 'low' END, count(*)
                        FROM jobs WHERE state = 0 GROUP BY 1
                    UNION ALL
                    SELECT '//inbox', count(*) FROM inbox HAVING count(*) > 0
                    """)
            )
        }
        #expect(maintained == counted, sourceLocation: sourceLocation)
        // A queued message has a job, and no other has one; nothing hangs on a message that is not there.
        let orphans = try await store.read { session in
            try session.query(
                """
                SELECT (SELECT count(*) FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
                        WHERE (l.status = 'queued') <> (j.message IS NOT NULL))
                    + (SELECT count(*) FROM jobs WHERE message NOT IN (SELECT id FROM communications_log))
                    + (SELECT count(*) FROM events WHERE message NOT IN (SELECT id FROM communications_log))
                    + (SELECT count(*) FROM lookups WHERE message NOT IN (SELECT id FROM communications_log))
                    + (SELECT count(*) FROM provider_ids
                        WHERE message IS NOT NULL AND message NOT IN (SELECT id FROM communications_log))
                """
            ).first { $0.next(Int.self) }
        }
        #expect(orphans == 0, sourceLocation: sourceLocation)
    }
#endif
