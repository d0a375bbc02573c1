import GRDB

/// One numbered step of the schema. Once released, a step never changes; what must change is a new step.
struct Migration: Sendable {
    let version: Int
    let sql: String

    /// In order, without gaps, from 1.
    static let all = [
        Migration(version: 1, sql: Schema.version1),
        Migration(version: 2, sql: Schema.version2),
    ]

    static var latestVersion: Int { all.last?.version ?? 0 }

    /// The version a database is at: 0 when it is new.
    static func version(of database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    }
}
