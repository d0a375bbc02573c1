import GRDB
import Martlet

extension SQLiteStore {
    package func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult] {
        guard !batch.isEmpty else { return [] }
        // JSON is written here, by the caller, not on the writer's thread.
        let prepared = batch.map(PreparedMessage.init)
        let bytes = prepared.reduce(0) { $0 + $1.bytes }
        let outcomes = try await write(bytes: bytes) { transaction in
            try prepared.map { try transaction.accept($0, now: now) }
        }
        var results: [AcceptanceResult] = []
        results.reserveCapacity(outcomes.count)
        for outcome in outcomes { results.append(try outcome.result()) }
        return results
    }
}

/// A message to accept, with its JSON written.
private struct PreparedMessage: Sendable {
    let message: Message
    let idempotency: IdempotencyClaim?
    let json: MessageJSON

    init(_ request: AcceptanceRequest) {
        message = request.message
        idempotency = request.idempotency
        json = MessageJSON(request.message)
    }

    /// About what it takes in memory while it waits: the texts, twice for their parsed form, and the rest.
    var bytes: Int {
        2 * (json.payload.utf8.count + (json.event?.utf8.count ?? 0) + (json.metadata?.utf8.count ?? 0)) + 1024
    }
}

private enum AcceptanceOutcome: Sendable {
    case accepted(Message)
    case failed(StoredMessage)
    case replayed(StoredMessage)
    case conflict(MessageID)

    func result() throws(StoreError) -> AcceptanceResult {
        switch self {
        case .accepted(let message): .accepted(message)
        case .failed(let stored): .accepted(try stored.decoded())
        case .replayed(let stored): .replayed(try stored.decoded())
        case .conflict(let id): .conflict(id)
        }
    }
}

extension WriteTransaction {
    fileprivate func accept(_ prepared: PreparedMessage, now: Timestamp) throws -> AcceptanceOutcome {
        if let claim = prepared.idempotency, let seen = try claimKey(claim, of: prepared.message, now: now) {
            return seen
        }
        var message = prepared.message
        let job = Job(dueAt: max(now, message.sendAt ?? now), token: 0, since: now)
        message.job = job.snapshot
        if message.redact { try Traces.wipe(database) }
        try database.run(
            Statements.insertMessage,
            [
                message.id, message.tenantID, message.channelID, message.recipient, message.payload.kind.rawValue,
                prepared.json.payload, message.duplicateRisk, message.priority.rawValue, message.sendAt,
                message.expiresAt, message.onUnknown.rawValue, message.redact, message.idempotencyKey,
                prepared.json.event, prepared.json.metadata, message.createdAt, message.updatedAt,
            ])
        let sequence = database.lastInsertedRowID
        try insert(job, of: message, sequence: sequence)
        try insert(MessageChange.Entry(kind: .accepted, at: now), message: sequence)
        count(MessageStatus.queued.rawValue, tenant: message.tenantID.text, by: 1)
        countWaiting(message, by: 1)
        guard try isDeleted(message.channelID), let stored = try load(message.id) else { return .accepted(message) }
        // Its channel was removed while the request was on its way.
        var change = MessageChange(stored.record, now: now)
        change.fail(ErrorReason(.channelDeleted))
        return .failed(try save(&change, of: stored))
    }

    /// Takes the key for the message, or says what has it: one atomic insert decides.
    private func claimKey(_ claim: IdempotencyClaim, of message: Message, now: Timestamp) throws -> AcceptanceOutcome? {
        try database.run(
            """
            INSERT INTO idempotency_keys (tenant_id, key, content_hash, message, expires_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (tenant_id, key) DO UPDATE
            SET content_hash = excluded.content_hash, message = excluded.message, expires_at = excluded.expires_at
            WHERE idempotency_keys.expires_at <= ?
            """,
            [message.tenantID, claim.key, claim.contentHash.blob, message.id, claim.expiresAt, now])
        guard database.changesCount == 0 else { return nil }
        let holder = try database.first(
            "SELECT content_hash, message FROM idempotency_keys WHERE tenant_id = ? AND key = ?",
            [message.tenantID, claim.key]
        ) { row in (hash: [UInt8](blob: row, 0), message: row[1] as MessageID) }
        guard let holder else { return nil }
        guard holder.hash == claim.contentHash else { return .conflict(holder.message) }
        if let stored = try load(holder.message) { return .replayed(stored) }
        // The message has been removed from the log before its key ran out: the key is free.
        try database.run(
            "UPDATE idempotency_keys SET message = ?, expires_at = ? WHERE tenant_id = ? AND key = ?",
            [message.id, claim.expiresAt, message.tenantID, claim.key])
        return nil
    }
}
