import Dispatch
import GRDB
import Martlet

/// System of record, dispatch queue and inbox in one SQLite file.
///
/// Every call that writes goes through one ``CommitQueue``, so that whatever piles up while a transaction is being made
/// durable shares the next one; a call returns after `COMMIT` has, which with `synchronous=FULL` means after `fsync`.
/// Reads run on connections of their own, see the last commit, and wait for no writer. No call blocks the caller's
/// thread.
package final class SQLiteStore: Sendable {
    /// Where the database file is.
    package let path: String
    /// The writer's and the readers' connections.
    let pool: DatabasePool
    /// Where writes wait for their turn.
    package let commitQueue: CommitQueue

    /// How long a write waits for another process.
    let busyTimeout: Duration

    private init(path: String, pool: DatabasePool, options: SQLiteOptions) {
        self.path = path
        self.pool = pool
        busyTimeout = options.busyTimeout
        commitQueue = CommitQueue(writer: pool, limits: options.limits) { StoreError(sqlite: $0, path: path) }
    }

    /// Opens the database, creates it when there is none, and brings it to this version's schema.
    /// - throws: ``StoreError/Code/unavailable`` when the file cannot be written or is locked;
    ///   ``StoreError/Code/unusable`` when it is no database, another program's, written by a later version, or older
    ///   while `options.migrate` is false.
    package static func open(path: String, options: SQLiteOptions = SQLiteOptions()) async throws(StoreError)
        -> SQLiteStore
    {
        // Opening waits for the disk and perhaps for another process: not on a thread of the concurrency pool.
        let result: Result<DatabasePool, StoreError> = await onBackgroundThread {
            DatabaseOpening(path: path, options: options).run()
        }
        return SQLiteStore(path: path, pool: try result.get(), options: options)
    }

    /// Waits until everything that was handed over is written, then closes the file. Later calls fail as `unavailable`.
    package func close() async throws(StoreError) {
        await commitQueue.close()
        let pool = pool
        let path = path
        let result: Result<Void, StoreError> = await Self.onBackgroundThread {
            Result { try pool.close() }.mapError { StoreError(sqlite: $0, path: path) }
        }
        try result.get()
    }

    /// Takes the right to dispatch from this file, which one process at a time may hold: two workers, each with its own
    /// throttle, would send at twice the rate.
    /// - throws: ``StoreError/Code/conflict`` when another process holds it.
    package func acquireWorkerLock() throws(StoreError) -> WorkerLock { try WorkerLock(databasePath: path) }

    /// The version of the schema in the file.
    package func schemaVersion() async throws(StoreError) -> Int {
        try await read { database in try Migration.version(of: database) }
    }

    /// Runs queries on a reader's connection, all on one snapshot.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws(StoreError) -> Value
    {
        do {
            return try await pool.read(body)
        } catch {
            throw StoreError(sqlite: error, path: path)
        }
    }

    /// Runs one call's writes in the next transaction; returns when they are on disk.
    /// - parameter bytes: about how much the call keeps in memory while it waits.
    func write<Value: Sendable>(
        bytes: Int = 0, _ body: @escaping @Sendable (WriteTransaction) throws -> Value
    ) async throws(StoreError) -> Value {
        try await commitQueue.write(bytes: bytes) { database in
            let transaction = WriteTransaction(database)
            let value = try body(transaction)
            try transaction.storeCounters()
            return value
        }
    }

    private static func onBackgroundThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Dispatch.DispatchQueue.global().async { continuation.resume(returning: body()) }
        }
    }
}
