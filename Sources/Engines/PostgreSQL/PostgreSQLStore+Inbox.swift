#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: SetAsideInbox {
        /// A reason for setting an entry aside is kept up to this many characters.
        private static let reasonCharactersMax = 500

        package func append(_ batch: [InboxEntry]) async throws(StoreError) {
            guard !batch.isEmpty else { return }
            let wakeUps: [WakeUp] = dispatchesHere ? [] : [.inbox]
            try await write { transaction in
                try transaction.tell(wakeUps)
                try transaction.session.send(
                    """
                    INSERT INTO inbox (channel_id, received_at, body)
                    SELECT channel_id, received_at, body FROM unnest($1::text[], $2::bigint[], $3::bytea[])
                        WITH ORDINALITY AS u (channel_id, received_at, body, ord) ORDER BY ord
                    """,
                    [
                        SQLArray(batch) { $0.channel }, SQLArray(batch) { $0.receivedAt },
                        SQLArray(batch) { Blob($0.body) },
                    ])
                transaction.count(CounterName.inbox, by: batch.count)
            }
        }

        package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry]
        {
            guard limit > 0 else { return [] }
            // Asked for all the time and often with none to give: a look costs no write.
            let isAny = try await read { session in
                try session.query("SELECT 1 FROM inbox WHERE lease_until <= $1 ORDER BY sequence LIMIT 1", [now]).count
                    > 0
            }
            guard isAny else { return [] }
            return try await write { transaction in
                // Walks the table in order; what other processors hold is passed over.
                let leased = try transaction.session.query(
                    """
                    SELECT sequence, channel_id, received_at, body FROM inbox
                    WHERE lease_until <= $1 ORDER BY sequence LIMIT $2 FOR UPDATE SKIP LOCKED
                    """, [now, limit]
                ).map { row in
                    LeasedInboxEntry(
                        sequence: row.next(),
                        entry: InboxEntry(
                            channel: row.next(), receivedAt: row.next(), body: row.next(Blob.self).bytes))
                }
                try transaction.session.send(
                    "UPDATE inbox SET lease_until = $1 WHERE sequence = ANY($2::bigint[])",
                    [until, SQLArray(leased) { $0.sequence }])
                return leased
            }
        }

        package func complete(_ sequences: [Int64]) async throws(StoreError) {
            guard !sequences.isEmpty else { return }
            try await write { transaction in try transaction.takeOut(sequences) }
        }

        package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
            guard !entries.isEmpty else { return }
            try await write { transaction in
                try transaction.session.send(
                    """
                    INSERT INTO inbox_set_aside (sequence, channel_id, received_at, body, reason, set_aside_at)
                    SELECT i.sequence, i.channel_id, i.received_at, i.body, u.reason, $3::bigint
                    FROM unnest($1::bigint[], $2::text[]) AS u (sequence, reason) JOIN inbox i ON i.sequence = u.sequence
                    ON CONFLICT (sequence) DO NOTHING
                    """,
                    [
                        SQLArray(entries) { $0.sequence },
                        SQLArray(entries) { String($0.reason.prefix(Self.reasonCharactersMax)) }, now,
                    ])
                try transaction.takeOut(entries.map(\.sequence))
            }
        }

        package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
            try await read { session in
                try session.request(Statements.counter, ["", "", CounterName.inbox])
                try session.request("SELECT received_at FROM inbox ORDER BY sequence LIMIT 1")
                let answers = try session.collect()
                return (answers[0].first { $0.next(Int.self) } ?? 0, answers[1].first { $0.next(Timestamp.self) })
            }
        }

        package func entriesSetAside(limit: Int) async throws(StoreError) -> [SetAsideInboxEntry] {
            guard limit > 0 else { return [] }
            return try await read { session in
                try session.query(
                    """
                    SELECT sequence, channel_id, received_at, body, reason, set_aside_at FROM inbox_set_aside
                    ORDER BY sequence LIMIT $1
                    """, [limit]
                ).map { row in
                    SetAsideInboxEntry(
                        sequence: row.next(),
                        entry: InboxEntry(
                            channel: row.next(), receivedAt: row.next(), body: row.next(Blob.self).bytes),
                        reason: row.next(), setAsideAt: row.next())
                }
            }
        }

        package func takeBack(_ sequences: [Int64]) async throws(StoreError) {
            guard !sequences.isEmpty else { return }
            try await write { transaction in
                let taken = try transaction.session.query(
                    """
                    WITH taken AS (
                        DELETE FROM inbox_set_aside WHERE sequence = ANY($1::bigint[])
                        RETURNING sequence, channel_id, received_at, body)
                    INSERT INTO inbox (channel_id, received_at, body)
                    SELECT channel_id, received_at, body FROM taken ORDER BY sequence
                    """, [SQLArray(sequences)])
                transaction.count(CounterName.inbox, by: taken.affectedRows)
            }
        }
    }

    extension WriteTransaction {
        fileprivate func takeOut(_ sequences: [Int64]) throws {
            let gone = try session.query(
                """
                DELETE FROM inbox WHERE sequence = ANY(ARRAY(
                    SELECT sequence FROM inbox WHERE sequence = ANY($1::bigint[]) ORDER BY sequence FOR UPDATE))
                """, [SQLArray(sequences.sorted())])
            count(CounterName.inbox, by: -gone.affectedRows)
        }
    }
#endif
