import GRDB
import Martlet

extension SQLiteStore: Maintenance {
    /// How long a webhook that could not be read is kept.
    static let setAsideAge: Duration = .seconds(30 * 86400)
    /// How long it can be asked what became of a bulk replay.
    static let replayAge: Duration = .seconds(30 * 86400)
    /// How long it is remembered when a recipient was last sent to; no recipient interval is longer.
    static let recipientPaceAge: Duration = .seconds(86400)

    package func purge(now: Timestamp, keepingClaimsFor: Duration, limit: Int) async throws(StoreError) -> Int {
        guard limit > 0 else { return 0 }
        return try await write { transaction in
            let database = transaction.database
            var removed = 0
            func delete(_ sql: String, _ arguments: StatementArguments) throws {
                try database.run(sql, arguments)
                removed += database.changesCount
            }
            try delete(
                """
                DELETE FROM idempotency_keys WHERE (tenant_id, key) IN (
                    SELECT tenant_id, key FROM idempotency_keys INDEXED BY idempotency_keys_expiring
                    WHERE expires_at <= ? LIMIT ?)
                """, [now, limit])
            // Both of these are filled in the order of time: the oldest come first and the look at them stays short.
            try delete(
                """
                DELETE FROM parked_acknowledgements WHERE seq IN (
                    SELECT seq FROM (SELECT seq, parked_at FROM parked_acknowledgements ORDER BY seq LIMIT ?2)
                    WHERE parked_at < ?1)
                """, [now - Self.parkedAcknowledgementAge, limit])
            try delete(
                """
                DELETE FROM inbox_set_aside WHERE sequence IN (
                    SELECT sequence FROM (
                        SELECT sequence, set_aside_at FROM inbox_set_aside ORDER BY sequence LIMIT ?2)
                    WHERE set_aside_at < ?1)
                """, [now - Self.setAsideAge, limit])
            try delete(
                """
                DELETE FROM replays WHERE id IN (
                    SELECT id FROM replays INDEXED BY replays_over WHERE finished_at IS NOT NULL AND finished_at < ?
                    LIMIT ?)
                """, [now - Self.replayAge, limit])
            try delete(
                """
                DELETE FROM recipient_pace WHERE (channel_id, recipient) IN (
                    SELECT channel_id, recipient FROM recipient_pace INDEXED BY recipient_pace_age
                    WHERE claimed_at < ? LIMIT ?)
                """, [now - Self.recipientPaceAge, limit])
            try removed += transaction.purgeClaimHistory(before: now - keepingClaimsFor, limit: limit)
            return removed
        }
    }

    package func removeFinal(createdBefore: Timestamp, limit: Int) async throws(StoreError) -> Int {
        guard limit > 0 else { return 0 }
        return try await write { transaction in
            let old = try transaction.database.all(
                """
                SELECT seq, tenant_id, status, dead_lettered_at IS NOT NULL
                FROM communications_log INDEXED BY log_final
                WHERE status IN ('delivered', 'read', 'failed') AND created_at < ? ORDER BY created_at LIMIT ?
                """, [createdBefore, limit]
            ) { row in
                (sequence: row[0] as Int64, tenant: row[1] as String, status: row[2] as String, isDead: row[3] as Bool)
            }
            for message in old {
                try transaction.delete(message.sequence)
                transaction.count(message.status, tenant: message.tenant, by: -1)
                if message.isDead { transaction.count(CounterName.deadLetters, tenant: message.tenant, by: -1) }
            }
            return old.count
        }
    }

    package func check() async throws(StoreError) {
        let written = try await write { transaction in
            let value = withUnsafeBytes(of: UInt64.random(in: .min ... .max)) { [UInt8]($0) }
            try transaction.database.run(
                "INSERT OR REPLACE INTO settings (name, value) VALUES ('check', ?)", [value.blob])
            return value
        }
        // Another process may check at the same time: there must be a value, not this one.
        guard try await setting("check")?.count == written.count else {
            throw StoreError(.unavailable, "\(path): a row that was just written cannot be read")
        }
    }

    package func setting(_ name: String) async throws(StoreError) -> [UInt8]? {
        try await read { database in
            try database.first("SELECT value FROM settings WHERE name = ?", [name]) { [UInt8](blob: $0, 0) }
        }
    }

    package func setSettingOnce(_ name: String, _ value: [UInt8]) async throws(StoreError) -> [UInt8] {
        try await write { transaction in
            try transaction.database.run(
                "INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", [name, value.blob])
            return try transaction.database.first("SELECT value FROM settings WHERE name = ?", [name]) {
                [UInt8](blob: $0, 0)
            } ?? value
        }
    }
}

extension WriteTransaction {
    fileprivate func purgeClaimHistory(before: Timestamp, limit: Int) throws -> Int {
        var removed = 0
        var previous = ""
        while removed < limit,
            let channel = try database.first(
                "SELECT channel_id FROM claim_history WHERE channel_id > ? ORDER BY channel_id LIMIT 1", [previous],
                { $0[0] as String })
        {
            previous = channel
            try database.run(
                """
                DELETE FROM claim_history WHERE channel_id = ?1 AND claimed_at IN (
                    SELECT claimed_at FROM claim_history WHERE channel_id = ?1 AND claimed_at < ?2
                    ORDER BY claimed_at LIMIT ?3)
                """, [channel, before, limit - removed])
            removed += database.changesCount
        }
        return removed
    }
}
