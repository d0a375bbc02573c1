import GRDB
import Martlet

/// What is left in the file of contents that were to be forgotten.
///
/// SQLite's fast way of deleting wipes what lies among rows that stay, but leaves whole pages that become free, and the
/// write-ahead log, as they are (https://www.sqlite.org/pragma.html#pragma_secure_delete). A database that was ever given a
/// message to redact pays for more: freed pages are overwritten, and the log is emptied every few seconds.
enum Traces {
    /// The setting that says so.
    static let setting = "wipes_traces"

    /// From now on, for ever: a message to redact is in this file.
    static func wipe(_ database: Database) throws {
        try database.run("INSERT OR IGNORE INTO settings (name, value) VALUES (?, x'01')", [setting])
        guard try !isOn(database) else { return }
        try turnOn(database)
    }

    /// Takes up what an earlier process, or another one, has begun. Answers whether there was anything.
    @discardableResult
    static func resume(_ database: Database) throws -> Bool {
        let isWanted = try database.first("SELECT 1 FROM settings WHERE name = ?", [setting]) { _ in true } ?? false
        if isWanted, try !isOn(database) { try turnOn(database) }
        return isWanted
    }

    private static func isOn(_ database: Database) throws -> Bool {
        try database.first("PRAGMA secure_delete") { $0[0] as Int == 1 } ?? false
    }

    private static func turnOn(_ database: Database) throws {
        try database.execute(sql: "PRAGMA secure_delete = ON")
    }
}

extension SQLiteStore {
    /// How long emptying the write-ahead log may wait for readers, and hold writers up; another time will do.
    private static let checkpointWait: Duration = .milliseconds(100)

    package func wipeTraces() async throws(StoreError) {
        let busyTimeout = busyTimeout
        try await commitQueue.betweenTransactions { database in
            guard try Traces.resume(database) else { return }
            try database.execute(sql: "PRAGMA busy_timeout = \(Int(Self.checkpointWait.milliseconds))")
            defer { try? database.execute(sql: "PRAGMA busy_timeout = \(Int(busyTimeout.milliseconds))") }
            do {
                try database.checkpoint(.truncate)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
                return
            }
        }
    }
}
