#if PostgreSQL
    import Martlet

    /// Conditions on the log, and the one index that is to answer them.
    ///
    /// A planner that knows little of the data may walk a tenant's whole log to find one recipient. So exactly one index is
    /// within its reach: a column that another index begins with is compared as `column || ''`, which no index has.
    struct LogConditions {
        /// What the index begins with.
        enum Lead {
            case tenant, status, channel, recipient, deadLetters, deadLettersOfChannel
            /// The few messages that have one of the provider's ids.
            case identifiers
        }

        private(set) var arguments: [(any SQLArgument)?] = []
        private var conditions: [String] = []
        let lead: Lead

        init(lead: Lead) { self.lead = lead }

        var text: String { conditions.joined(separator: " AND ") }

        /// Adds a condition; each `?` in it is the next argument.
        mutating func require(_ condition: String, _ values: (any SQLArgument)?...) {
            var text = ""
            var rest = values[...]
            for character in condition {
                if character == "?", !rest.isEmpty {
                    arguments.append(rest.removeFirst())
                    text += "$\(arguments.count)"
                } else {
                    text.append(character)
                }
            }
            conditions.append(text)
        }

        /// Adds an argument and answers how a statement calls it.
        mutating func argument(_ value: (any SQLArgument)?) -> String {
            arguments.append(value)
            return "$\(arguments.count)"
        }

        mutating func require(tenant: TenantID) {
            require(
                [.tenant, .status, .deadLetters, .recipient].contains(lead)
                    ? "l.tenant_id = ?" : "l.tenant_id || '' = ?", tenant)
        }

        mutating func require(status: MessageStatus) {
            require(lead == .status ? "l.status = ?" : "l.status || '' = ?", status.rawValue)
        }

        mutating func require(channel: ChannelID) {
            require(
                lead == .channel || lead == .deadLettersOfChannel ? "l.channel_id = ?" : "l.channel_id || '' = ?",
                channel)
        }

        mutating func require(recipient: PhoneNumber) {
            require(lead == .recipient ? "l.recipient = ?" : "l.recipient || '' = ?", recipient)
        }

        /// Only dead letters; where another index leads, in words that the dead letters' own does not answer to.
        mutating func requireDeadLetters() {
            let isIndexed = lead == .deadLetters || lead == .deadLettersOfChannel
            require(isIndexed ? "l.dead_lettered_at IS NOT NULL" : "coalesce(l.dead_lettered_at, 0) <> 0")
        }

        mutating func require(providerMessageID id: String) {
            require(
                """
                l.id = ANY(ARRAY(
                    SELECT p.message FROM provider_ids p WHERE p.message_id = ? AND p.message IS NOT NULL
                    UNION ALL SELECT s.id FROM communications_log s WHERE s.submission_id = ?))
                """, id, id)
        }
    }

    /// A query over the log.
    ///
    /// Every index ends in the creation time and the id: walking it backwards gives the page newest first without sorting,
    /// and a page costs the same wherever it begins. Which index: the filter that is likely to leave least; the others are
    /// then checked row by row.
    struct MessageListing {
        private let query: MessageQuery

        init(_ query: MessageQuery) { self.query = query }

        /// Up to one row more than asked for, so that the caller can tell whether there are more.
        func rows(_ session: Session) throws -> [StoredMessage] {
            var conditions = LogConditions(lead: lead)
            conditions.require(tenant: query.tenant)
            if let recipient = query.recipient { conditions.require(recipient: recipient) }
            if let id = query.providerMessageID { conditions.require(providerMessageID: id) }
            if let status = query.status { conditions.require(status: status) }
            if let channel = query.channel { conditions.require(channel: channel) }
            if query.deadLetteredOnly { conditions.requireDeadLetters() }
            if let since = query.since { conditions.require("l.created_at >= ?", since) }
            if let until = query.until { conditions.require("l.created_at < ?", until) }
            if let before = query.before {
                conditions.require("(l.created_at, l.id) < (?, ?)", try createdAt(of: before, session), before)
            }
            let limit = conditions.argument(query.limit + 1)
            return try session.query(
                """
                SELECT \(StoredMessage.columns)
                FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
                WHERE \(conditions.text)
                ORDER BY l.created_at DESC, l.id DESC LIMIT \(limit)
                """, conditions.arguments
            ).map { try StoredMessage(&$0) }
        }

        private var lead: LogConditions.Lead {
            if query.providerMessageID != nil { return .identifiers }
            if query.recipient != nil { return .recipient }
            if query.deadLetteredOnly { return .deadLetters }
            switch query.status {
            case .queued, .sent, .failed: return .status
            case .delivered, .read, nil:
                if query.channel != nil { return .channel }
                return query.status == nil ? .tenant : .status
            }
        }

        /// When a message was created; one that is gone, at the time its id tells.
        private func createdAt(of id: MessageID, _ session: Session) throws -> Timestamp {
            let stored = try session.query("SELECT created_at FROM communications_log WHERE id = $1", [id]).first {
                $0.next(Timestamp.self)
            }
            return stored ?? id.madeAt
        }
    }
#endif
