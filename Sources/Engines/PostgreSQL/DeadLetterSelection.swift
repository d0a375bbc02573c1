#if PostgreSQL
    import Martlet

    /// The dead letters that meet a filter, oldest first, and the index that finds them.
    ///
    /// Like a ``MessageListing`` the other way round: every index ends in the creation time and the id, neither of which ever
    /// changes, so that the walk goes on from its last row whatever has happened to the others.
    struct DeadLetterSelection {
        /// A place in the order.
        struct Position {
            var createdAt: Timestamp
            var id: MessageID
        }

        private var conditions: LogConditions

        /// - parameter deadLetteredBy: those that came into the queue later are left out.
        init(_ filter: DeadLetterFilter, tenant: TenantID, deadLetteredBy: Timestamp) {
            if filter.providerMessageID != nil {
                conditions = LogConditions(lead: .identifiers)
            } else if filter.recipient != nil {
                conditions = LogConditions(lead: .recipient)
            } else {
                conditions = LogConditions(lead: filter.channel == nil ? .deadLetters : .deadLettersOfChannel)
            }
            conditions.require(tenant: tenant)
            conditions.requireDeadLetters()
            conditions.require("l.dead_lettered_at <= ?", deadLetteredBy)
            if let id = filter.providerMessageID { conditions.require(providerMessageID: id) }
            if let recipient = filter.recipient { conditions.require(recipient: recipient) }
            if let channel = filter.channel { conditions.require(channel: channel) }
            if let since = filter.since { conditions.require("l.created_at >= ?", since) }
            if let until = filter.until { conditions.require("l.created_at < ?", until) }
            if let reason = filter.reason { conditions.require("starts_with(l.error_reason, ?)", reason) }
        }

        /// How many there are, and how many of them are past their expiry.
        func count(_ session: Session, now: Timestamp) throws -> DeadLetterCount {
            var conditions = conditions
            let now = conditions.argument(now)
            let count = try session.query(
                """
                SELECT count(*), count(*) FILTER (WHERE l.expires_at <= \(now))
                FROM communications_log l WHERE \(conditions.text)
                """, conditions.arguments
            ).first { DeadLetterCount(matched: $0.next(), expired: $0.next()) }
            return count ?? DeadLetterCount(matched: 0, expired: 0)
        }

        /// Those behind a position.
        func rows(_ session: Session, after position: Position?, limit: Int) throws -> [StoredMessage] {
            var conditions = conditions
            if let position {
                conditions.require("(l.created_at, l.id) > (?, ?)", position.createdAt, position.id)
            }
            let limit = conditions.argument(limit)
            return try session.query(
                """
                SELECT \(StoredMessage.columns)
                FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
                WHERE \(conditions.text)
                ORDER BY l.created_at, l.id LIMIT \(limit)
                """, conditions.arguments
            ).map { try StoredMessage(&$0) }
        }
    }
#endif
