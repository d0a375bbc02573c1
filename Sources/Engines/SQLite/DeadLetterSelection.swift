import GRDB
import Martlet

/// The dead letters that meet a filter, oldest first, and the index that finds them.
///
/// Like a ``MessageListing`` the other way round: every index ends in the creation time and the row's number, neither of
/// which ever changes, so that the walk goes on from its last row whatever has happened to the others.
struct DeadLetterSelection {
    /// A place in the order.
    struct Position {
        var createdAt: Timestamp
        var sequence: Int64
    }

    private var conditions = ["l.tenant_id = ?", "l.dead_lettered_at IS NOT NULL", "l.dead_lettered_at <= ?"]
    private var arguments: [(any DatabaseValueConvertible)?]
    private let indexClause: String

    /// - parameter deadLetteredBy: those that came into the queue later are left out.
    init(_ filter: DeadLetterFilter, tenant: TenantID, deadLetteredBy: Timestamp) {
        arguments = [tenant, deadLetteredBy]
        if filter.providerMessageID != nil {
            // The few rows that have one of the ids, by their numbers.
            indexClause = "NOT INDEXED"
        } else if filter.recipient != nil {
            indexClause = "INDEXED BY log_recipient"
        } else if filter.channel != nil {
            indexClause = "INDEXED BY log_dead_letters_channel"
        } else {
            indexClause = "INDEXED BY log_dead_letters"
        }
        if let id = filter.providerMessageID { require(MessageListing.hasProviderID, id, id) }
        if let recipient = filter.recipient { require("l.recipient = ?", recipient) }
        if let channel = filter.channel { require("l.channel_id = ?", channel) }
        if let since = filter.since { require("l.created_at >= ?", since) }
        if let until = filter.until { require("l.created_at < ?", until) }
        if let reason = filter.reason {
            require("substr(l.error_reason, 1, ?) = ?", reason.unicodeScalars.count, reason)
        }
    }

    private mutating func require(_ condition: String, _ values: (any DatabaseValueConvertible)?...) {
        conditions.append(condition)
        arguments.append(contentsOf: values)
    }

    /// How many there are, and how many of them are past their expiry.
    func count(_ database: Database, now: Timestamp) throws -> DeadLetterCount {
        let count = try database.first(
            """
            SELECT count(*), count(CASE WHEN l.expires_at <= ? THEN 1 END)
            FROM communications_log l \(indexClause) WHERE \(conditions.joined(separator: " AND "))
            """, StatementArguments([now] + arguments)
        ) { DeadLetterCount(matched: $0[0], expired: $0[1]) }
        return count ?? DeadLetterCount(matched: 0, expired: 0)
    }

    /// Those behind a position.
    func rows(_ database: Database, after position: Position?, limit: Int) throws -> [StoredMessage] {
        var selection = self
        if let position {
            selection.require(
                "l.created_at >= ? AND (l.created_at > ? OR l.seq > ?)", position.createdAt, position.createdAt,
                position.sequence)
        }
        return try database.all(
            """
            SELECT \(StoredMessage.columns)
            FROM communications_log l \(indexClause) LEFT JOIN jobs j ON j.message = l.seq
            WHERE \(selection.conditions.joined(separator: " AND "))
            ORDER BY l.created_at, l.seq LIMIT ?
            """, StatementArguments(selection.arguments + [limit]), StoredMessage.init)
    }
}
