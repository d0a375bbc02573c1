#if PostgreSQL
    import Martlet
    import Synchronization

    /// System of record, dispatch queue and inbox in one PostgreSQL database, for any number of processes.
    ///
    /// Every call that writes is one transaction that takes a batch as arrays; a call returns when the commit has, which with
    /// the server's `fsync` means that it is on disk. A message is changed under the lock of its row, then of its job's, in the
    /// order of the ids; a claim takes what nobody holds and waits for nobody. No call blocks the caller's thread.
    package final class PostgreSQLStore: Sendable {
        let settings: ConnectionSettings
        let options: PostgreSQLOptions
        let partitions = Partitions()
        private let writers: ConnectionPool
        private let readers: ConnectionPool
        private let isDispatchedHere = Mutex(false)
        private let doubtful = Mutex<Set<DoubtfulClaims>>([])

        private init(_ settings: ConnectionSettings, options: PostgreSQLOptions) {
            self.settings = settings
            self.options = options
            writers = ConnectionPool(
                settings, name: "postgresql-write", size: max(1, options.writersMax), waitingMax: options.waitingMax,
                onStatement: options.onStatement)
            readers = ConnectionPool(
                settings, name: "postgresql-read", size: max(1, options.readersMax), waitingMax: options.waitingMax,
                onStatement: options.onStatement)
        }

        /// Connects, looks at the server, and brings the schema to this version.
        /// - parameter url: `postgres://…` as libpq reads it.
        /// - throws: ``StoreError/Code/unavailable`` when the server cannot be reached or refuses the user;
        ///   ``StoreError/Code/unusable`` when it is too old, does not keep what it says is kept, or holds a later version's schema
        ///   (or an older one, while `options.migrate` is false).
        package static func open(url: String, options: PostgreSQLOptions = PostgreSQLOptions()) async throws(StoreError)
            -> PostgreSQLStore
        {
            let store = PostgreSQLStore(try ConnectionSettings(url: url), options: options)
            do throws(StoreError) {
                let partitions = store.partitions
                try await store.writers.perform { session in
                    try DatabaseOpening(session: session, migrates: options.migrate, partitions: partitions).run()
                }
            } catch {
                await store.close()
                throw error
            }
            return store
        }

        /// Carries out what waits and ends the connections. Later calls fail as `unavailable`.
        package func close() async {
            await writers.close()
            await readers.close()
        }

        /// Whether this process dispatches what it stores without being told. What a relay is to publish, it must be told of.
        var dispatchesHere: Bool { !options.writesOutbox && isDispatchedHere.withLock(\.self) }
        /// Says that a worker runs in this process.
        package func setDispatchesHere(_ value: Bool) { isDispatchedHere.withLock { $0 = value } }

        /// Claims of which it is not known whether they were stored; the worker's next call puts them back.
        func doubtfulClaims(of worker: String) -> [DoubtfulClaims] {
            doubtful.withLock { $0.filter { $0.worker == worker }.sorted { $0.at < $1.at } }
        }
        /// Notes a call that failed; beyond a thousand, the store has been away for long and nothing was stored.
        func doubt(_ claims: DoubtfulClaims) { doubtful.withLock { if $0.count < 1000 { $0.insert(claims) } } }
        func resolve(_ claims: [DoubtfulClaims]) { doubtful.withLock { $0.subtract(claims) } }

        /// Runs queries.
        func read<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws(StoreError)
            -> Value
        {
            try await readers.perform(body)
        }

        /// Runs one call's transaction; returns when it is on disk. The body may run again when another transaction was in its
        /// way.
        func write<Value: Sendable>(_ body: @escaping @Sendable (WriteTransaction) throws -> Value)
            async throws(StoreError)
            -> Value
        {
            let writesOutbox = options.writesOutbox
            return try await writers.perform { session in
                try session.transaction {
                    let transaction = WriteTransaction(session, writesOutbox: writesOutbox)
                    let value = try body(transaction)
                    try transaction.flush()
                    return value
                }
            }
        }

        /// Runs statements that are no transaction, or several.
        func withWriter<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws(StoreError)
            -> Value
        {
            try await writers.perform(body)
        }
    }

    /// The steps from a first connection to a database that keeps the promises of ``PostgreSQLStore``.
    struct DatabaseOpening {
        let session: Session
        let migrates: Bool
        let partitions: Partitions

        /// The first version with everything the statements use.
        private static let serverVersionMin = 150_000

        /// Blocks until the schema is right.
        func run() throws {
            try inspect()
            if try schemaVersion() < Migration.latestVersion {
                guard migrates else { throw outdated(try schemaVersion()) }
                try migrate()
            }
            try checkVersion(try schemaVersion())
            let missing = partitions.missing(Partitions.weeks(around: SystemTimeSource().now()))
            if !missing.isEmpty { try partitions.make(missing, session) }
        }

        private func inspect() throws {
            guard session.serverVersion >= Self.serverVersionMin else {
                throw StoreError(
                    .unusable, "the server is PostgreSQL \(session.serverVersion / 10_000); Martlet needs 15 or later",
                    remedy: "upgrade the server, or name another in store.url")
            }
            let values = try session.query(
                "SELECT current_setting('server_encoding'), current_setting('fsync'), pg_is_in_recovery(), current_schema()"
            ).first { row in
                (
                    encoding: row.next(String.self), fsync: row.next(String.self), isStandby: row.next(Bool.self),
                    schema: row.nextIfAny(String.self)
                )
            }
            guard let values else { return }
            guard values.encoding == "UTF8" else {
                throw StoreError(
                    .unusable, "the database's encoding is \(values.encoding); Martlet needs UTF8",
                    remedy: "create the database with ENCODING 'UTF8'")
            }
            guard values.fsync == "on" else {
                throw StoreError(
                    .unusable, "the server runs with fsync=off: what it says is stored may be lost",
                    remedy: "set fsync = on in postgresql.conf")
            }
            guard !values.isStandby else {
                throw StoreError(
                    .unavailable, "the server is a standby, which cannot be written",
                    remedy:
                        "name the primary in store.url; target_session_attrs=read-write finds it among several hosts")
            }
            guard values.schema != nil else {
                throw StoreError(
                    .unusable, "no schema of the search_path exists in the database",
                    remedy: "create the schema, or correct the search_path of the role or of store.url")
            }
        }

        /// 0 when there is nothing yet.
        private func schemaVersion() throws -> Int {
            let isThere = try session.query("SELECT to_regclass('martlet_schema') IS NOT NULL").first {
                $0.next(Bool.self)
            }
            return isThere == true ? try appliedVersion() : 0
        }

        private func appliedVersion() throws -> Int {
            try session.query("SELECT coalesce(max(version), 0) FROM martlet_schema").first { $0.next() } ?? 0
        }

        private func migrate() throws {
            try session.transaction {
                // However many nodes start at once, one migrates and the others wait for it here.
                try session.query("SET LOCAL lock_timeout = 0")
                try session.query("SET LOCAL statement_timeout = 0")
                try session.query("SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.schema.rawValue))")
                // A session that has looked for a table in vain may go on believing that there is none until it locks one: so
                // the version is read from the table itself, never by asking first whether there is one.
                try session.query(
                    """
                    CREATE TABLE IF NOT EXISTS martlet_schema (
                        version bigint PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
                    """)
                try session.query(
                    "ALTER TABLE martlet_schema ADD COLUMN IF NOT EXISTS usable_from bigint NOT NULL DEFAULT 1")
                let version = try appliedVersion()
                try checkVersion(version, isMigrating: true)
                for migration in Migration.all where migration.version > version {
                    for statement in migration.statements { try session.query(statement) }
                    try session.query(
                        "INSERT INTO martlet_schema (version, usable_from) VALUES ($1, $2)",
                        [migration.version, migration.usableFrom])
                }
            }
        }

        /// The earliest version that may use the database as it is. A later one than this program's has only added to it, unless
        /// it says otherwise: so that old and new processes run side by side during an upgrade, and either may be restarted.
        private func usableFrom() throws -> Int {
            try session.query("SELECT coalesce(max(usable_from), 0) FROM martlet_schema").first { $0.next() } ?? 0
        }

        private func checkVersion(_ version: Int, isMigrating: Bool = false) throws {
            let known = Migration.latestVersion
            if version > known, try usableFrom() > known {
                throw StoreError(
                    .unusable,
                    "the database has schema version \(version), of a later Martlet; this one knows up to version \(known)",
                    remedy: "run that later version, or put back a backup from before the upgrade")
            }
            if version < known, !isMigrating { throw outdated(version) }
        }

        private func outdated(_ version: Int) -> StoreError {
            StoreError(
                .unusable,
                version == 0
                    ? "the database has no schema yet: run `martlet migrate`"
                    : "the database has schema version \(version), this Martlet needs \(Migration.latestVersion): run `martlet migrate`",
                remedy: "back the database up, then run martlet migrate")
        }
    }
#endif
