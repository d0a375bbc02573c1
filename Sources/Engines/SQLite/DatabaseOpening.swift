import GRDB
import Martlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The steps from a path to connections that keep the promises of ``SQLiteStore``.
struct DatabaseOpening {
    let path: String
    let options: SQLiteOptions

    /// "Mart": tells Martlet's files from other programs' (https://www.sqlite.org/pragma.html#pragma_application_id).
    static let applicationID: Int32 = 0x4D61_7274

    /// Blocks until the file is open and its schema is right.
    func run() -> Result<DatabasePool, StoreError> {
        Result { try openPatiently() }.mapError { StoreError(sqlite: $0, path: path) }
    }

    /// Two who turn write-ahead logging on at once may each wait for the other's lock; one gives up, and then comes through.
    private static let triesMax = 3

    private func openPatiently() throws -> DatabasePool {
        for _ in 1..<Self.triesMax {
            do { return try open() } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                continue
            }
        }
        return try open()
    }

    private func open() throws -> DatabasePool {
        try ensureWritableFile()
        try inspect()
        var configuration = baseConfiguration()
        configuration.maximumReaderCount = max(1, options.readersMax)
        let onStatement = options.onStatement
        configuration.prepareDatabase { database in
            if let onStatement {
                database.trace(options: .statement) { event in
                    if case .statement(let statement) = event { onStatement(statement.sql) }
                }
            }
            try database.execute(sql: "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384")
        }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.writeWithoutTransaction { database in
            try prepareWriter(database)
            try migrate(database)
            try Traces.resume(database)
            try readBack(database)
        }
        return pool
    }

    /// Creates an empty file that only its owner can read (SQLite's own would follow the umask), or checks the one
    /// there is.
    private func ensureWritableFile() throws(StoreError) {
        let descriptor = Self.createExclusively(path)
        if descriptor >= 0 {
            close(descriptor)
            return
        }
        // An existing file is not opened here: closing it would drop the locks that another store of this process has
        // on it
        // (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
        var reason = errno
        if reason == EEXIST {
            var information = stat()
            if stat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR {
                reason = EISDIR
            } else if access(path, R_OK | W_OK) == 0 {
                return
            } else {
                reason = errno
            }
        }
        throw StoreError(
            .unavailable, "cannot open \(path) for writing: \(String(cString: strerror(reason)))",
            remedy: reason == EROFS
                ? "mount the file system for writing, or change store.url"
                : "give the file and its folder to the user martlet runs as, or change store.url")
    }

    private static func createExclusively(_ path: String) -> CInt {
        #if canImport(Glibc)
            Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #else
            Musl.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        #endif
    }

    private func baseConfiguration() -> Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        configuration.busyMode = .timeout(options.busyTimeout.seconds)
        configuration.label = "martlet"
        return configuration
    }

    /// Looks at the file before anything is changed in it.
    private func inspect() throws {
        let queue = try DatabaseQueue(path: path, configuration: baseConfiguration())
        defer { try? queue.close() }
        try queue.read { database in
            let application = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let isEmpty = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") == 0
            guard application == Self.applicationID || (application == 0 && isEmpty) else {
                throw StoreError(
                    .unusable, "\(path) is a database of another program", remedy: "name another file in store.url")
            }
            try checkVersion(try Migration.version(of: database))
        }
    }

    private func checkVersion(_ version: Int) throws(StoreError) {
        let known = Migration.latestVersion
        if version > known {
            throw StoreError(
                .unusable,
                "\(path) has schema version \(version), of a later Martlet; this one knows up to version \(known)",
                remedy: "run that later version, or put back a backup from before the upgrade"
            )
        }
        if version < known, !options.migrate {
            throw StoreError(
                .unusable, "\(path) has schema version \(version), this Martlet needs \(known): run `martlet migrate`",
                remedy: "back the database up, then run martlet migrate")
        }
    }

    /// GRDB sets `synchronous=NORMAL` whenever it turns write-ahead logging on, after any preparation of its own: only
    /// here, once the pool is open, does FULL last.
    private func prepareWriter(_ database: Database) throws {
        try database.execute(
            sql: """
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = \(max(1, options.checkpointPages));
                PRAGMA journal_size_limit = 67108864;
                PRAGMA secure_delete = FAST;
                PRAGMA cache_size = -65536;
                """)
    }

    private func migrate(_ database: Database) throws {
        guard try Migration.version(of: database) < Migration.latestVersion else { return }
        try database.inTransaction(.immediate) {
            // Another process may have done it while this one waited for the lock.
            let version = try Migration.version(of: database)
            try checkVersion(version)
            for migration in Migration.all where migration.version > version {
                try database.execute(sql: migration.sql)
                try database.execute(sql: "PRAGMA user_version = \(migration.version)")
            }
            try database.execute(sql: "PRAGMA application_id = \(Self.applicationID)")
            return .commit
        }
    }

    /// Refuses to start on settings under which "on disk" would not mean on disk.
    private func readBack(_ database: Database) throws {
        let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
        let journal = try String.fetchOne(database, sql: "PRAGMA journal_mode")
        guard synchronous == 2, journal == "wal" else {
            throw StoreError(
                .unusable,
                "\(path): SQLite has synchronous=\(synchronous ?? -1), journal_mode=\(journal ?? "?"), not 2 and wal"
            )
        }
        // Takes and gives back the write lock: a read-only file system shows here, not at the first message.
        try database.inTransaction(.immediate) { .rollback }
    }
}
