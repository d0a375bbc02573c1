#if PostgreSQL
    import Martlet

    /// The throttle's states in a table of a PostgreSQL database: rows that workers lock one after the other.
    ///
    /// The table is not logged: what a crash of the server empties is formed anew from the claims. So a change costs no
    /// write to the disk.
    package final class PostgreSQLRegister: ThrottleRegister {
        /// Creates the table where it is not there. The row says that the throttle remembers since ever: nothing can have been
        /// sent before the table was made. After a crash it is gone with the others.
        static let creation = [
            """
            CREATE UNLOGGED TABLE IF NOT EXISTS throttle_states (
                key text COLLATE "C" NOT NULL PRIMARY KEY,
                state bytea
            ) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)
            """,
            """
            INSERT INTO throttle_states (key, state) VALUES ('beginning', '\\x0000000000000000') ON CONFLICT DO NOTHING
            """,
        ]

        private let connections: ConnectionPool

        private init(_ settings: ConnectionSettings, onStatement: (@Sendable (String) -> Void)?) {
            // One change at a time is all that a worker asks for; the second serves who looks whether all is well.
            connections = ConnectionPool(
                settings, name: "postgresql-throttle", size: 2, waitingMax: 64, onStatement: onStatement)
        }

        /// The register in a store's own database.
        package convenience init(_ store: PostgreSQLStore) {
            self.init(store.settings, onStatement: store.options.onStatement)
        }

        /// Opens a register in a database of its own, and makes its table where there is none.
        /// - parameter url: `postgres://…` as libpq reads it.
        package static func open(url: String) async throws(StoreError) -> PostgreSQLRegister {
            let register = PostgreSQLRegister(try ConnectionSettings(url: url), onStatement: nil)
            do throws(StoreError) {
                try await register.connections.perform { session in
                    let isThere = try session.query("SELECT to_regclass('throttle_states') IS NOT NULL").first {
                        $0.next(Bool.self)
                    }
                    guard isThere != true else { return }
                    try session.transaction {
                        try session.query(
                            "SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.schema.rawValue))")
                        for statement in creation { try session.query(statement) }
                    }
                }
            } catch {
                await register.close()
                throw error
            }
            return register
        }

        package func update<Answer: Sendable>(
            _ keys: [String],
            _ change: @escaping @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
        ) async throws(StoreError) -> Answer {
            try await connections.perform { session in
                try session.transaction {
                    // Rows are locked in the order of their keys, which must exist for that.
                    try session.send(
                        """
                        INSERT INTO throttle_states (key)
                        SELECT u.key FROM unnest($1::text[]) AS u (key)
                        WHERE NOT EXISTS (SELECT 1 FROM throttle_states t WHERE t.key = u.key)
                        ORDER BY u.key COLLATE "C" ON CONFLICT DO NOTHING
                        """, [SQLArray(keys)])
                    try session.request(
                        """
                        SELECT key, state FROM throttle_states WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE
                        """, [SQLArray(keys)])
                    // A statement of its own: it runs when the rows are locked.
                    try session.request("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
                    let answers = try session.collect()
                    var kept: [String: [UInt8]] = [:]
                    for row in answers[0].map({ (key: $0.next(String.self), state: $0.nextIfAny(Blob.self)?.bytes) }) {
                        kept[row.key] = row.state
                    }
                    let now = answers[1].first { $0.next(Int64.self) } ?? 0
                    let before = keys.map { kept[$0] }
                    var states = before
                    let answer = change(&states, MonotonicInstant(nanoseconds: now * 1000))
                    let changed = keys.indices.filter { states[$0] != before[$0] }
                    if !changed.isEmpty {
                        try session.send(
                            """
                            UPDATE throttle_states t SET state = u.state
                            FROM unnest($1::text[], $2::bytea[]) AS u (key, state) WHERE t.key = u.key
                            """,
                            [SQLArray(changed) { keys[$0] }, SQLArray(changed) { states[$0].map(Blob.init) }])
                    }
                    return answer
                }
            }
        }

        package func check() async throws(StoreError) {
            _ = try await update(["check"]) { states, _ in states[0] = [1] }
        }

        package func close() async { await connections.close() }
    }
#endif
