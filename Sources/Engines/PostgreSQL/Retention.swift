#if PostgreSQL
    import Martlet

    /// Takes the final messages out of one old week.
    struct Retention {
        let transaction: WriteTransaction
        let week: Partitions.Week
        let createdBefore: Timestamp

        private var session: Session { transaction.session }
        private var log: String { Partitions.table("communications_log", week) }
        private var events: String { Partitions.table("events", week) }
        private static let isRemovable = "status IN ('delivered', 'read', 'failed') AND created_at < $1"

        /// Answers how many messages went, and whether none is left.
        /// - Parameters:
        ///   - limit: messages that are removed row by row, at most.
        ///   - rowsWorthEmptying: with this many to remove, the partition is emptied as a whole.
        func run(limit: Int, rowsWorthEmptying: Int) throws -> (removed: Int, isEmpty: Bool) {
            // The one statement of the store that reads a table from end to end: it is asked once for each old week.
            try session.send("SET LOCAL enable_seqscan = on")
            let removable =
                try session.query(
                    "SELECT count(*) FROM (SELECT 1 FROM \(log) WHERE \(Self.isRemovable) LIMIT $2) AS old",
                    [createdBefore, rowsWorthEmptying]
                ).first { $0.next(Int.self) } ?? 0
            if removable == 0 { return (0, try session.query("SELECT 1 FROM \(log) LIMIT 1").count == 0) }
            let removed = removable < rowsWorthEmptying ? try removeRows(limit) : try empty()
            return (removed, try session.query("SELECT 1 FROM \(log) LIMIT 1").count == 0)
        }

        private func removeRows(_ limit: Int) throws -> Int {
            let old = try session.query(
                """
                SELECT id, tenant_id, status, dead_lettered_at IS NOT NULL FROM \(log)
                WHERE \(Self.isRemovable) ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED
                """, [createdBefore, limit]
            ).map { row in
                (
                    id: row.next(MessageID.self), tenant: row.next(String.self), status: row.next(String.self),
                    isDead: row.next(Bool.self)
                )
            }
            try transaction.delete(old.map(\.id))
            for message in old {
                transaction.count(message.status, tenant: message.tenant, by: -1)
                if message.isDead { transaction.count(CounterName.deadLetters, tenant: message.tenant, by: -1) }
            }
            return old.count
        }

        /// Empties the partitions and puts back what stays: costs what stays, however much goes.
        private func empty() throws -> Int {
            try session.send("SET LOCAL lock_timeout = '2s'")
            try session.send("SET LOCAL statement_timeout = '600s'")
            try session.send("LOCK TABLE \(log), \(events) IN ACCESS EXCLUSIVE MODE")
            let counts = try session.query(
                """
                SELECT tenant_id, status, count(*), count(dead_lettered_at) FROM \(log) WHERE \(Self.isRemovable)
                GROUP BY tenant_id, status
                """, [createdBefore]
            ).map { row in
                (
                    tenant: row.next(String.self), status: row.next(String.self), count: row.next(Int.self),
                    dead: row.next(Int.self)
                )
            }
            // With the joins that fit whole tables, which the store's own statements are kept from.
            try session.send("SET LOCAL enable_hashjoin = on")
            try session.send(
                """
                DELETE FROM provider_ids p USING \(log) l WHERE \(Self.isRemovable.replacingColumns(with: "l"))
                    AND p.message_id = l.message_id COLLATE "C" AND p.channel_id = l.channel_id AND p.message = l.id
                """, [createdBefore])
            try session.send("CREATE TEMPORARY TABLE kept_log ON COMMIT DROP AS SELECT * FROM \(log) WITH NO DATA")
            try session.send(
                "CREATE TEMPORARY TABLE kept_events ON COMMIT DROP AS SELECT * FROM \(events) WITH NO DATA")
            try session.query(
                "INSERT INTO kept_log SELECT * FROM \(log) WHERE NOT (\(Self.isRemovable))", [createdBefore])
            try session.query(
                "INSERT INTO kept_events SELECT e.* FROM kept_log k JOIN \(events) e ON e.message = k.id")
            try session.query("TRUNCATE \(log), \(events)")
            try session.query("INSERT INTO \(log) SELECT * FROM kept_log")
            try session.query("INSERT INTO \(events) SELECT * FROM kept_events")
            for row in counts {
                transaction.count(row.status, tenant: row.tenant, by: -row.count)
                transaction.count(CounterName.deadLetters, tenant: row.tenant, by: -row.dead)
            }
            return counts.reduce(0) { $0 + $1.count }
        }
    }

    extension String {
        /// The condition on the columns of that table of a join.
        fileprivate func replacingColumns(with table: String) -> String {
            split(separator: " ").map { word in
                ["status", "created_at"].contains(word) ? "\(table).\(word)" : String(word)
            }.joined(separator: " ")
        }
    }
#endif
