import Foundation
import GRDB
import Martlet
import Testing

@testable import SQLiteEngine

/// Runs the body with the path of a database file that does not exist yet, in a folder of its own that goes afterwards.
func withTemporaryPath<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("martlet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.appendingPathComponent("martlet.db").path)
}

/// Runs the body with a fresh store and holds the counters against the tables afterwards.
func withTemporaryStore(
    options: SQLiteOptions = SQLiteOptions(), _ body: (SQLiteStore) async throws -> Void
) async throws {
    try await withTemporaryPath { path in
        let store = try await SQLiteStore.open(path: path, options: options)
        try await body(store)
        try await expectCountersToHold(store)
        try await store.close()
    }
}

/// Holds every maintained number against what counting the tables gives.
func expectCountersToHold(_ store: SQLiteStore, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let (maintained, counted) = try await store.read { database in
        func numbers(_ sql: String) throws -> [String: Int] {
            try Row.fetchAll(database, sql: sql).reduce(into: [:]) { $0[$1[0]] = $1[1] }
        }
        return (
            try numbers("SELECT tenant_id || '/' || channel_id || '/' || name, value FROM counters WHERE value <> 0"),
            try numbers(
                """
                SELECT tenant_id || '//' || status, count(*) FROM communications_log GROUP BY 1
                UNION ALL
                SELECT tenant_id || '//dead_letters', count(*) FROM communications_log
                    WHERE dead_lettered_at IS NOT NULL GROUP BY 1
                UNION ALL
                SELECT l.tenant_id || '/' || l.channel_id || '/waiting', count(*)
                    FROM jobs j JOIN communications_log l ON l.seq = j.message WHERE j.state = 0 GROUP BY 1
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
    let orphans = try await store.read { database in
        try Int.fetchOne(
            database,
            sql: """
                SELECT (SELECT count(*) FROM communications_log l LEFT JOIN jobs j ON j.message = l.seq
                        WHERE (l.status = 'queued') <> (j.message IS NOT NULL))
                    + (SELECT count(*) FROM jobs WHERE message NOT IN (SELECT seq FROM communications_log))
                    + (SELECT count(*) FROM events WHERE message NOT IN (SELECT seq FROM communications_log))
                    + (SELECT count(*) FROM lookups WHERE message NOT IN (SELECT seq FROM communications_log))
                """)
    }
    #expect(orphans == 0, sourceLocation: sourceLocation)
}

/// A condition that another thread makes true; given up after a minute.
func eventually(_ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while try !condition() {
        try #require(ContinuousClock.now < deadline, "the condition did not come true in time")
        await Task.yield()
    }
}
