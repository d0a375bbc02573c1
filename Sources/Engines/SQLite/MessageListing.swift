import GRDB
import Martlet

/// A query over the log, and the index that answers it.
///
/// Every index ends in the creation time and, as all of SQLite's do, in the row's number: walking it backwards gives
/// the page newest first without sorting, and a page costs the same wherever it begins. Which index: the filter that is
/// likely to leave least; the others are then checked row by row.
struct MessageListing {
    /// Holds for the rows that have a provider's id, to be given twice, as either of the two.
    static let hasProviderID = """
        l.seq IN (SELECT seq FROM communications_log INDEXED BY log_message_id WHERE message_id = ?
            UNION ALL SELECT seq FROM communications_log INDEXED BY log_submission_id WHERE submission_id = ?)
        """

    private let query: MessageQuery

    init(_ query: MessageQuery) { self.query = query }

    /// Up to one row more than asked for, so that the caller can tell whether there are more.
    func rows(_ database: Database) throws -> [StoredMessage] {
        var conditions = ["l.tenant_id = ?"]
        var arguments: [(any DatabaseValueConvertible)?] = [query.tenant]
        func require(_ condition: String, _ values: (any DatabaseValueConvertible)?...) {
            conditions.append(condition)
            arguments.append(contentsOf: values)
        }
        if let recipient = query.recipient { require("l.recipient = ?", recipient) }
        if let id = query.providerMessageID { require(Self.hasProviderID, id, id) }
        if let status = query.status { require("l.status = ?", status.rawValue) }
        if let channel = query.channel { require("l.channel_id = ?", channel) }
        if query.deadLetteredOnly { conditions.append("l.dead_lettered_at IS NOT NULL") }
        if let since = query.since { require("l.created_at >= ?", since) }
        if let until = query.until { require("l.created_at < ?", until) }
        if let before = query.before {
            let position = try position(of: before, database)
            require(
                "l.created_at <= ? AND (l.created_at < ? OR l.seq < ?)", position.createdAt, position.createdAt,
                position.sequence)
        }
        arguments.append(query.limit + 1)
        return try database.all(
            """
            SELECT \(StoredMessage.columns)
            FROM communications_log l \(indexClause) LEFT JOIN jobs j ON j.message = l.seq
            WHERE \(conditions.joined(separator: " AND "))
            ORDER BY l.created_at DESC, l.seq DESC LIMIT ?
            """, StatementArguments(arguments), StoredMessage.init)
    }

    private var indexClause: String {
        // The few rows that have one of the ids, by their numbers; left alone, SQLite would walk the whole tenant in
        // order.
        if query.providerMessageID != nil { return "NOT INDEXED" }
        if query.recipient != nil { return "INDEXED BY log_recipient" }
        if query.deadLetteredOnly { return "INDEXED BY log_dead_letters" }
        switch query.status {
        case .queued, .sent, .failed: return "INDEXED BY log_status"
        case .delivered, .read, nil:
            if query.channel != nil { return "INDEXED BY log_channel" }
            return query.status == nil ? "INDEXED BY log_tenant" : "INDEXED BY log_status"
        }
    }

    /// Where a message stands in the order; one that is gone stood at the time its id tells.
    private func position(of id: MessageID, _ database: Database) throws -> (createdAt: Timestamp, sequence: Int64) {
        let stored = try database.first("SELECT created_at, seq FROM communications_log WHERE id = ?", [id]) { row in
            (createdAt: row[0] as Timestamp, sequence: row[1] as Int64)
        }
        if let stored { return stored }
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
        var milliseconds: Int64 = 0
        for digit in id.text.utf8.dropFirst(4).prefix(10) {
            milliseconds = milliseconds << 5 | Int64(alphabet.firstIndex(of: digit) ?? 0)
        }
        return (Timestamp(milliseconds: min(milliseconds, 1 << 48)), .max)
    }
}
