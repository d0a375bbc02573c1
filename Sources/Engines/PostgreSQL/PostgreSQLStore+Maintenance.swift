#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: Maintenance {
        /// How long a webhook that could not be read is kept.
        static let setAsideAge: Duration = .seconds(30 * 86400)
        /// How long it can be asked what became of a bulk replay.
        static let replayAge: Duration = .seconds(30 * 86400)
        /// How long it is remembered when a recipient was last sent to; no recipient interval is longer.
        static let recipientPaceAge: Duration = .seconds(86400)

        /// Also makes the partitions of the weeks to come.
        package func purge(now: Timestamp, keepingClaimsFor: Duration, limit: Int) async throws(StoreError) -> Int {
            guard limit > 0 else { return 0 }
            let missing = partitions.missing(Partitions.weeks(around: now))
            if !missing.isEmpty {
                let partitions = partitions
                try await withWriter { session in try partitions.make(missing, session) }
            }
            return try await write { transaction in
                let session = transaction.session
                // Rows that somebody is using are left for the next time.
                func delete(_ table: String, _ condition: String, _ arguments: (any SQLArgument)...) throws -> Int {
                    try session.query(
                        """
                        DELETE FROM \(table) WHERE ctid = ANY(ARRAY(
                            SELECT ctid FROM \(table) WHERE \(condition) LIMIT $1 FOR UPDATE SKIP LOCKED))
                        """, [limit] + arguments
                    ).affectedRows
                }
                var removed = try delete("idempotency_keys", "expires_at <= $2", now)
                removed += try transaction.purgeParked(before: now - Self.parkedAcknowledgementAge, limit: limit)
                // Filled in the order of time: the oldest come first and the look at them stays short.
                removed += try session.query(
                    """
                    DELETE FROM inbox_set_aside WHERE sequence = ANY(ARRAY(
                        SELECT sequence FROM (
                            SELECT sequence, set_aside_at FROM inbox_set_aside ORDER BY sequence LIMIT $1) AS oldest
                        WHERE set_aside_at < $2))
                    """, [limit, now - Self.setAsideAge]
                ).affectedRows
                removed += try delete("replays", "finished_at IS NOT NULL AND finished_at < $2", now - Self.replayAge)
                removed += try delete("recipient_pace", "claimed_at < $2", now - Self.recipientPaceAge)
                removed += try transaction.purgeClaimHistory(before: now - keepingClaimsFor, limit: limit)
                return removed
            }
        }

        /// Works by whole weeks: what was accepted in a week goes when all of the week is old enough. A week with many messages
        /// to remove is emptied at once, whatever the limit, and those few that stay are put back; one with few is cleared row
        /// by row. A week in which nothing is left goes with its partitions.
        package func removeFinal(createdBefore: Timestamp, limit: Int) async throws(StoreError) -> Int {
            guard limit > 0 else { return 0 }
            let weeks = try await read { session in
                try session.query(
                    """
                    SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                    WHERE i.inhparent = 'communications_log'::regclass ORDER BY 1
                    """
                ).map { $0.next(String.self) }.compactMap(Partitions.week(ofTable:))
            }
            let present = Partitions.week(of: SystemTimeSource().now())
            var removed = 0
            for week in weeks where Partitions.end(of: week) <= createdBefore && removed < limit {
                let rowsWorthEmptying = max(limit, options.rowsWorthEmptying)
                let (gone, isEmpty) = try await write { [removed] transaction in
                    try Retention(transaction: transaction, week: week, createdBefore: createdBefore).run(
                        limit: limit - removed, rowsWorthEmptying: rowsWorthEmptying)
                }
                removed += gone
                if isEmpty, week < present { try await drop(week) }
            }
            return removed
        }

        private func drop(_ week: Partitions.Week) async throws(StoreError) {
            let partitions = partitions
            try await withWriter { session in
                try session.transaction {
                    // Dropping stops all who use the log for a moment; rather than make them wait behind a long query, it
                    // gives up and comes back the next time.
                    try session.query("SET LOCAL lock_timeout = '500ms'")
                    try session.send(
                        "SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.schema.rawValue))")
                    let log = Partitions.table("communications_log", week)
                    // The whole before its part, as every statement locks them.
                    try session.query("LOCK TABLE ONLY communications_log, ONLY events IN ACCESS EXCLUSIVE MODE")
                    try session.query("LOCK TABLE \(log) IN ACCESS EXCLUSIVE MODE")
                    guard try session.query("SELECT 1 FROM \(log) LIMIT 1").count == 0 else { return }
                    try session.query("DROP TABLE \(log)")
                    try session.query("DROP TABLE \(Partitions.table("events", week))")
                }
            }
            partitions.forget(week)
        }

        package func check() async throws(StoreError) {
            let isStored = try await write { transaction in
                let value = withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { [UInt8]($0) }
                try transaction.session.send(
                    """
                    INSERT INTO settings (name, value) VALUES ('check', $1)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """, [Blob(value)])
                return try transaction.session.query("SELECT value FROM settings WHERE name = 'check'").first {
                    $0.next(Blob.self).bytes
                } == value
            }
            guard isStored else {
                throw StoreError(.unavailable, "PostgreSQL: a row that was just written cannot be read")
            }
        }

        package func setting(_ name: String) async throws(StoreError) -> [UInt8]? {
            try await read { session in
                try session.query("SELECT value FROM settings WHERE name = $1", [name]).first {
                    $0.next(Blob.self).bytes
                }
            }
        }

        package func setSettingOnce(_ name: String, _ value: [UInt8]) async throws(StoreError) -> [UInt8] {
            try await write { transaction in
                try transaction.session.send(
                    "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
                    [name, Blob(value)])
                return try transaction.session.query("SELECT value FROM settings WHERE name = $1", [name]).first {
                    $0.next(Blob.self).bytes
                } ?? value
            }
        }
    }

    extension WriteTransaction {
        /// Forgets old parked acknowledgements, and their ids where nothing else is known under them.
        fileprivate func purgeParked(before: Timestamp, limit: Int) throws -> Int {
            let old = Set(
                try session.query(
                    """
                    DELETE FROM parked_acknowledgements WHERE seq = ANY(ARRAY(
                        SELECT seq FROM (SELECT seq, parked_at FROM parked_acknowledgements ORDER BY seq LIMIT $1) AS oldest
                        WHERE parked_at < $2))
                    RETURNING message_id, channel_id, level
                    """, [limit, before]
                ).map { row in
                    Removed(id: ProviderID(messageID: row.next(), channel: row.next()), level: row.next())
                })
            let ids = Set(old.map(\.id)).sorted()
            if !ids.isEmpty {
                try session.query(
                    """
                    DELETE FROM provider_ids p USING unnest($1::text[], $2::text[]) AS u (message_id, channel_id)
                    WHERE p.message_id = u.message_id COLLATE "C" AND p.channel_id = u.channel_id COLLATE "C"
                        AND p.message IS NULL AND NOT EXISTS (
                            SELECT 1 FROM parked_acknowledgements a
                            WHERE a.channel_id = p.channel_id AND a.message_id = p.message_id)
                    """, [SQLArray(ids) { $0.messageID }, SQLArray(ids) { $0.channel }])
            }
            return old.count
        }

        private struct Removed: Hashable {
            var id: ProviderID
            var level: Int
        }

        fileprivate func purgeClaimHistory(before: Timestamp, limit: Int) throws -> Int {
            var removed = 0
            var previous = ""
            while removed < limit,
                let channel = try session.query(
                    "SELECT channel_id FROM claim_history WHERE channel_id > $1 ORDER BY channel_id LIMIT 1", [previous]
                ).first({ $0.next(String.self) })
            {
                previous = channel
                removed += try session.query(
                    """
                    DELETE FROM claim_history WHERE channel_id = $1 AND claimed_at = ANY(ARRAY(
                        SELECT claimed_at FROM claim_history WHERE channel_id = $1 AND claimed_at < $2
                        ORDER BY claimed_at LIMIT $3))
                    """, [channel, before, limit - removed]
                ).affectedRows
            }
            return removed
        }
    }
#endif
