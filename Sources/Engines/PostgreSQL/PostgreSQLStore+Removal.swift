#if PostgreSQL
    import Martlet

    extension PostgreSQLStore {
        /// Rows that one transaction of a long removal takes, so that nobody waits for the whole.
        private static let removalStep = 500

        /// Claims that are in flight are settled as usual; what would wait again then fails as `channel_deleted`, too.
        package func deleteChannel(_ id: ChannelID, now: Timestamp) async throws(StoreError) -> Bool {
            // First nothing new can wait for the channel, then what waits is failed step by step. Should the process end in
            // between, the channel is still in the list and can be deleted again.
            let exists = try await write { transaction in
                guard try transaction.exists("SELECT 1 FROM channels WHERE id = $1", id) else { return false }
                try transaction.markDeleted([id])
                return true
            }
            guard exists else { return false }
            while try await failWaiting(of: id, now: now) {}
            try await write { transaction in
                try transaction.session.send("DELETE FROM channels WHERE id = $1", [id])
            }
            try await deleteRows(of: id)
            return true
        }

        package func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool {
            // The tenant's own row goes last: a removal that was cut short can be asked for again.
            let channels: [ChannelID]? = try await write { transaction in
                let session = transaction.session
                guard try transaction.exists("SELECT 1 FROM tenants WHERE id = $1", id) else { return nil }
                let channels = try session.query("SELECT id FROM channels WHERE tenant_id = $1 ORDER BY id", [id]).map {
                    $0.next(ChannelID.self)
                }
                try transaction.markDeleted(channels)
                try session.query("DELETE FROM api_keys WHERE tenant_id = $1", [id])
                try session.query("DELETE FROM replays WHERE tenant_id = $1", [id])
                return channels
            }
            guard let channels else { return false }
            while try await write({ try $0.deleteMessages(of: id, limit: Self.removalStep) }) {}
            for channel in channels { try await deleteRows(of: channel) }
            while try await write({ transaction in
                try transaction.session.query(
                    """
                    DELETE FROM idempotency_keys WHERE tenant_id = $1 AND key = ANY(ARRAY(
                        SELECT key FROM idempotency_keys WHERE tenant_id = $1 LIMIT $2))
                    """, [id, Self.removalStep]
                ).affectedRows > 0
            }) {}
            // A message that was accepted while the rest went.
            while try await write({ try $0.deleteMessages(of: id, limit: Self.removalStep) }) {}
            try await write { transaction in
                for table in ["counters", "channels", "replays"] {
                    try transaction.session.query("DELETE FROM \(table) WHERE tenant_id = $1", [id])
                }
                try transaction.session.query("DELETE FROM tenants WHERE id = $1", [id])
            }
            return true
        }

        /// Deletes what hangs on a channel but not on its messages.
        private func deleteRows(of channel: ChannelID) async throws(StoreError) {
            while try await write({ try $0.deleteRows(of: channel, limit: Self.removalStep) }) {}
            // Webhooks have no index by channel, which each of them would pay for; the tables are walked instead.
            for table in ["inbox", "inbox_set_aside"] {
                var position: Int64 = 0
                while let next = try await write({ [position] in
                    try $0.deleteWebhooks(of: channel, from: table, after: position, limit: Self.removalStep)
                }) { position = next }
            }
        }

        /// Whether there may be more.
        private func failWaiting(of channel: ChannelID, now: Timestamp) async throws(StoreError) -> Bool {
            try await write { transaction in
                let found = try transaction.session.query(Statements.waitingJobs, [channel, Self.removalStep]).map {
                    $0.next(MessageID.self)
                }
                let waiting = try transaction.load(found).values.filter { $0.job?.state == .waiting }
                try transaction.change(Array(waiting), now: now) { change, _ in
                    change.fail(ErrorReason(.channelDeleted))
                    return true
                }
                return !found.isEmpty
            }
        }
    }

    extension WriteTransaction {
        fileprivate func exists(_ sql: String, _ id: any SQLArgument) throws -> Bool {
            try session.query(sql, [id]).count > 0
        }

        /// From now on nothing can wait for the channels. Waits for those who are about to leave something waiting.
        fileprivate func markDeleted(_ channels: [ChannelID]) throws {
            try session.send("SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.channels.rawValue))")
            try session.query(
                "INSERT INTO deleted_channels (id) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING",
                [SQLArray(channels)])
        }

        /// Deletes messages of a tenant with everything that hangs on them. Whether there may be more.
        fileprivate func deleteMessages(of tenant: TenantID, limit: Int) throws -> Bool {
            let found = try session.query(
                "SELECT id FROM communications_log WHERE tenant_id = $1 ORDER BY created_at, id LIMIT $2",
                [tenant, limit]
            ).map { $0.next(MessageID.self) }
            let doomed = try load(found)
            for stored in doomed.values where stored.job?.state == .waiting {
                count(CounterName.waiting(stored.message.priority), by: -1)
                count(
                    CounterName.waiting, tenant: stored.message.tenantID.text, channel: stored.message.channelID.text,
                    by: -1)
            }
            try delete(doomed.keys.sorted())
            return !found.isEmpty
        }

        /// Deletes messages' rows with everything that hangs on them.
        func delete(_ messages: [MessageID]) throws {
            guard !messages.isEmpty else { return }
            let ids = SQLArray(messages)
            try session.send(
                """
                DELETE FROM provider_ids p USING communications_log l
                WHERE l.id = ANY($1::text[]) AND l.message_id IS NOT NULL AND p.message_id = l.message_id COLLATE "C"
                    AND p.channel_id = l.channel_id AND p.message = l.id
                """, [ids])
            try session.send("DELETE FROM jobs WHERE message = ANY($1::text[])", [ids])
            try session.send("DELETE FROM lookups WHERE message = ANY($1::text[])", [ids])
            try session.send("DELETE FROM events WHERE message = ANY($1::text[])", [ids])
            try session.query("DELETE FROM communications_log WHERE id = ANY($1::text[])", [ids])
        }

        /// Deletes what can be found by the channel, and the look-ups nobody can make any more. Whether there may be more.
        fileprivate func deleteRows(of channel: ChannelID, limit: Int) throws -> Bool {
            var changes = 0
            for table in ["parked_acknowledgements", "lookups", "claim_history", "recipient_pace"] {
                changes += try session.query(
                    """
                    DELETE FROM \(table) WHERE ctid = ANY(ARRAY(
                        SELECT ctid FROM \(table) WHERE channel_id = $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
                    """, [channel, limit]
                ).affectedRows
            }
            return changes > 0
        }

        /// Deletes the channel's webhooks among the next rows of a table. Up to which it looked, or nil at the end.
        fileprivate func deleteWebhooks(
            of channel: ChannelID, from table: String, after position: Int64, limit: Int
        ) throws -> Int64? {
            let last =
                try session.query(
                    """
                    SELECT max(sequence) FROM (
                        SELECT sequence FROM \(table) WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS next
                    """, [position, limit]
                ).first { $0.nextIfAny(Int64.self) } ?? nil
            guard let last else { return nil }
            let gone = try session.query(
                "DELETE FROM \(table) WHERE sequence > $1 AND sequence <= $2 AND channel_id = $3",
                [position, last, channel])
            if table == "inbox" { count(CounterName.inbox, by: -gone.affectedRows) }
            return last
        }
    }
#endif
