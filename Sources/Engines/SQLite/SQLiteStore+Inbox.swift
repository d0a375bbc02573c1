import GRDB
import Martlet

extension SQLiteStore: SetAsideInbox {
    /// A reason for setting an entry aside is kept up to this many characters.
    private static let reasonCharactersMax = 500

    package func append(_ batch: [InboxEntry]) async throws(StoreError) {
        guard !batch.isEmpty else { return }
        let bytes = batch.reduce(0) { $0 + $1.body.count + 256 }
        try await write(bytes: bytes) { transaction in
            for entry in batch {
                try transaction.database.run(
                    "INSERT INTO inbox (channel_id, received_at, body) VALUES (?, ?, ?)",
                    [entry.channel, entry.receivedAt, entry.body.blob])
            }
            transaction.count(CounterName.inbox, by: batch.count)
        }
    }

    package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        guard limit > 0 else { return [] }
        return try await write { transaction in
            // Walks the table in order: only what other processors hold right now is passed over.
            let leased = try transaction.database.all(
                """
                SELECT sequence, channel_id, received_at, body FROM inbox
                WHERE lease_until <= ? ORDER BY sequence LIMIT ?
                """, [now, limit]
            ) { row in
                LeasedInboxEntry(
                    sequence: row[0],
                    entry: InboxEntry(channel: row[1], receivedAt: row[2], body: [UInt8](blob: row, 3)))
            }
            for entry in leased {
                try transaction.database.run(
                    "UPDATE inbox SET lease_until = ? WHERE sequence = ?", [until, entry.sequence])
            }
            return leased
        }
    }

    package func complete(_ sequences: [Int64]) async throws(StoreError) {
        guard !sequences.isEmpty else { return }
        try await write { transaction in
            for sequence in sequences { try transaction.takeOut(sequence) }
        }
    }

    package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
        guard !entries.isEmpty else { return }
        try await write { transaction in
            for entry in entries {
                try transaction.database.run(
                    """
                    INSERT OR IGNORE INTO inbox_set_aside (
                        sequence, channel_id, received_at, body, reason, set_aside_at)
                    SELECT sequence, channel_id, received_at, body, ?, ? FROM inbox WHERE sequence = ?
                    """, [entry.reason.cut(to: Self.reasonCharactersMax), now, entry.sequence])
                try transaction.takeOut(entry.sequence)
            }
        }
    }

    package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        try await read { database in
            let waiting = try database.first(Statements.counter, ["", "", CounterName.inbox]) { $0[0] as Int } ?? 0
            let oldest = try database.first("SELECT received_at FROM inbox ORDER BY sequence LIMIT 1") {
                $0[0] as Timestamp
            }
            return (waiting, oldest)
        }
    }

    package func entriesSetAside(limit: Int) async throws(StoreError) -> [SetAsideInboxEntry] {
        guard limit > 0 else { return [] }
        return try await read { database in
            try database.all(
                """
                SELECT sequence, channel_id, received_at, body, reason, set_aside_at FROM inbox_set_aside
                ORDER BY sequence LIMIT ?
                """, [limit]
            ) { row in
                SetAsideInboxEntry(
                    sequence: row[0],
                    entry: InboxEntry(channel: row[1], receivedAt: row[2], body: [UInt8](blob: row, 3)),
                    reason: row[4], setAsideAt: row[5])
            }
        }
    }

    package func takeBack(_ sequences: [Int64]) async throws(StoreError) {
        guard !sequences.isEmpty else { return }
        try await write { transaction in
            for sequence in sequences {
                try transaction.database.run(
                    """
                    INSERT INTO inbox (channel_id, received_at, body)
                    SELECT channel_id, received_at, body FROM inbox_set_aside WHERE sequence = ?
                    """, [sequence])
                transaction.count(CounterName.inbox, by: transaction.database.changesCount)
                try transaction.database.run("DELETE FROM inbox_set_aside WHERE sequence = ?", [sequence])
            }
        }
    }
}

extension WriteTransaction {
    fileprivate func takeOut(_ sequence: Int64) throws {
        try database.run("DELETE FROM inbox WHERE sequence = ?", [sequence])
        count(CounterName.inbox, by: -database.changesCount)
    }
}
