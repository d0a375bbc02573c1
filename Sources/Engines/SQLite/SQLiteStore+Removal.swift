import GRDB
import Martlet

extension SQLiteStore {
    /// Rows that one transaction of a long removal takes, so that nobody waits for the whole.
    private static let removalStep = 500

    /// Claims that are in flight are settled as usual; what would wait again then fails as `channel_deleted`, too.
    package func deleteChannel(_ id: ChannelID, now: Timestamp) async throws(StoreError) -> Bool {
        // First nothing new can wait for the channel, then what waits is failed step by step. Should the process end in
        // between, the channel is still in the list and can be deleted again.
        let exists = try await write { transaction in
            guard try transaction.exists("SELECT 1 FROM channels WHERE id = ?", id) else { return false }
            try transaction.markDeleted(id)
            return true
        }
        guard exists else { return false }
        while try await failWaiting(of: id, now: now) {}
        try await write { transaction in
            try transaction.database.run("DELETE FROM channels WHERE id = ?", [id])
        }
        try await deleteRows(of: id)
        return true
    }

    package func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool {
        // The tenant's own row goes last: a removal that was cut short can be asked for again.
        let channels: [ChannelID]? = try await write { transaction in
            guard try transaction.exists("SELECT 1 FROM tenants WHERE id = ?", id) else { return nil }
            try transaction.database.run("DELETE FROM api_keys WHERE tenant_id = ?", [id])
            try transaction.database.run("DELETE FROM replays WHERE tenant_id = ?", [id])
            let channels = try transaction.database.all("SELECT id FROM channels WHERE tenant_id = ?", [id]) {
                $0[0] as ChannelID
            }
            for channel in channels { try transaction.markDeleted(channel) }
            return channels
        }
        guard let channels else { return false }
        while try await write({ try $0.deleteMessages(of: id, limit: Self.removalStep) }) {}
        for channel in channels { try await deleteRows(of: channel) }
        while try await write({ transaction in
            try transaction.database.run(
                """
                DELETE FROM idempotency_keys WHERE tenant_id = ?1 AND key IN (
                    SELECT key FROM idempotency_keys WHERE tenant_id = ?1 LIMIT ?2)
                """, [id, Self.removalStep])
            return transaction.database.changesCount > 0
        }) {}
        try await write { transaction in
            // A message that was accepted while the rest went.
            while try transaction.deleteMessages(of: id, limit: Self.removalStep) {}
            try transaction.storeCounters()
            try transaction.database.run("DELETE FROM counters WHERE tenant_id = ?", [id])
            try transaction.database.run("DELETE FROM channels WHERE tenant_id = ?", [id])
            // One that began while the rest went.
            try transaction.database.run("DELETE FROM replays WHERE tenant_id = ?", [id])
            try transaction.database.run("DELETE FROM tenants WHERE id = ?", [id])
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
            let waiting = try transaction.database.all(
                Statements.waitingJobs, [channel, Self.removalStep], StoredMessage.init)
            for stored in waiting {
                var change = MessageChange(stored.record, now: now)
                change.fail(ErrorReason(.channelDeleted))
                try transaction.save(&change, of: stored)
            }
            return waiting.count == Self.removalStep
        }
    }
}

extension WriteTransaction {
    fileprivate func exists(_ sql: String, _ id: some DatabaseValueConvertible) throws -> Bool {
        try database.first(sql, [id]) { _ in true } ?? false
    }

    /// From now on nothing can wait for the channel.
    fileprivate func markDeleted(_ channel: ChannelID) throws {
        try database.run("INSERT OR IGNORE INTO deleted_channels (id) VALUES (?)", [channel])
    }

    /// Deletes messages of a tenant with everything that hangs on them. Whether there may be more.
    fileprivate func deleteMessages(of tenant: TenantID, limit: Int) throws -> Bool {
        let doomed = try database.all(
            """
            SELECT \(StoredMessage.columns)
            FROM communications_log l INDEXED BY log_tenant LEFT JOIN jobs j ON j.message = l.seq
            WHERE l.tenant_id = ? LIMIT ?
            """, [tenant, limit], StoredMessage.init)
        for stored in doomed {
            if stored.job?.state == .waiting { countWaiting(stored.message, by: -1) }
            try database.run(Statements.deleteJob, [stored.sequence])
            try database.run(Statements.deleteLookUp, [stored.sequence])
            try delete(stored.sequence)
        }
        return doomed.count == limit
    }

    /// Deletes a message's row and its timeline.
    func delete(_ sequence: Int64) throws {
        try database.run(Statements.deleteEvents, [sequence])
        try database.run(Statements.deleteMessage, [sequence])
    }

    /// Deletes what can be found by the channel, and the look-ups nobody can make any more. Whether there may be more.
    fileprivate func deleteRows(of channel: ChannelID, limit: Int) throws -> Bool {
        var changes = 0
        for (table, key) in [
            ("parked_acknowledgements", "seq"), ("lookups", "message"), ("claim_history", "channel_id, claimed_at"),
            ("recipient_pace", "channel_id, recipient"),
        ] {
            try database.run(
                """
                DELETE FROM \(table) WHERE (\(key)) IN (SELECT \(key) FROM \(table) WHERE channel_id = ? LIMIT ?)
                """, [channel, limit])
            changes = max(changes, database.changesCount)
        }
        return changes == limit
    }

    /// Deletes the channel's webhooks among the next rows of a table. Up to which it looked, or nil at the end.
    fileprivate func deleteWebhooks(
        of channel: ChannelID, from table: String, after position: Int64, limit: Int
    ) throws -> Int64? {
        let last =
            try database.first(
                """
                SELECT max(sequence) FROM (SELECT sequence FROM \(table) WHERE sequence > ? ORDER BY sequence LIMIT ?)
                """, [position, limit]
            ) { $0[0] as Int64? } ?? nil
        guard let last else { return nil }
        try database.run(
            "DELETE FROM \(table) WHERE sequence > ? AND sequence <= ? AND channel_id = ?", [position, last, channel])
        if table == "inbox" { count(CounterName.inbox, by: -database.changesCount) }
        return last
    }
}
