import GRDB
import Martlet

extension SQLiteStore: DirectoryStore {
    package func insert(_ tenant: Tenant) async throws(StoreError) {
        try await write { transaction in
            try transaction.database.run(
                "INSERT INTO tenants (id, name, limits, created_at) VALUES (?, ?, ?, ?)",
                [tenant.id, tenant.name, tenant.limits.encodedText, tenant.createdAt])
        }
    }

    package func tenants() async throws(StoreError) -> [Tenant] {
        try await read { database in
            try database.all("SELECT id, name, limits, created_at FROM tenants ORDER BY id") { row in
                Tenant(
                    id: row[0], name: row[1], limits: try [RateLimit](encodedText: row[2]), createdAt: row[3])
            }
        }
    }

    package func update(_ tenant: Tenant) async throws(StoreError) -> Bool {
        try await write { transaction in
            try transaction.database.run(
                "UPDATE tenants SET name = ?, limits = ? WHERE id = ?",
                [tenant.name, tenant.limits.encodedText, tenant.id])
            return transaction.database.changesCount > 0
        }
    }

    package func insert(_ key: APIKey, hash: [UInt8]) async throws(StoreError) {
        try await write { transaction in
            try transaction.database.run(
                """
                INSERT INTO api_keys (id, tenant_id, hash, name, created_at, last_used_at, revoked_at)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                [key.id, key.tenantID, hash.blob, key.name, key.createdAt, key.lastUsedAt, key.revokedAt])
        }
    }

    package func key(hash: [UInt8]) async throws(StoreError) -> APIKey? {
        try await read { database in
            try database.first("SELECT \(APIKey.columns) FROM api_keys WHERE hash = ?", [hash.blob], APIKey.init(row:))
        }
    }

    package func keys(tenant: TenantID) async throws(StoreError) -> [APIKey] {
        try await read { database in
            try database.all(
                "SELECT \(APIKey.columns) FROM api_keys WHERE tenant_id = ? ORDER BY id", [tenant], APIKey.init(row:))
        }
    }

    package func revokeKey(_ id: KeyID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { transaction in
            try transaction.database.run(
                "UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND tenant_id = ?",
                [now, id, tenant])
            return transaction.database.changesCount > 0
        }
    }

    package func touchKeys(_ usedAt: [KeyID: Timestamp]) async throws(StoreError) {
        guard !usedAt.isEmpty else { return }
        try await write { transaction in
            for (id, at) in usedAt {
                try transaction.database.run(
                    "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?", [at, id])
            }
        }
    }

    package func insert(_ record: ChannelRecord) async throws(StoreError) {
        try await write { transaction in
            let channel = record.channel
            try transaction.database.run(
                """
                INSERT INTO channels (
                    id, tenant_id, name, provider, base_url, sealed_secrets, webhook_token, limits, headroom,
                    recipient_interval, acknowledgement_deadline, status, status_reason, status_since, created_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    channel.id, channel.tenantID, channel.name, channel.provider, channel.baseURL,
                    record.sealedSecrets.blob, channel.webhookToken, channel.limits?.encodedText, channel.headroom,
                    channel.recipientInterval?.microseconds, channel.acknowledgementDeadline?.microseconds,
                    channel.status.rawValue, channel.statusReason, channel.statusSince, channel.createdAt,
                ])
        }
    }

    package func channels() async throws(StoreError) -> [ChannelRecord] {
        try await read { database in
            try database.all("SELECT \(ChannelRecord.columns) FROM channels ORDER BY id", [], ChannelRecord.init(row:))
        }
    }

    package func update(_ record: ChannelRecord) async throws(StoreError) -> Bool {
        try await write { transaction in
            let channel = record.channel
            try transaction.database.run(
                """
                UPDATE channels SET name = ?, provider = ?, base_url = ?, sealed_secrets = ?, webhook_token = ?,
                    limits = ?, headroom = ?, recipient_interval = ?, acknowledgement_deadline = ?
                WHERE id = ?
                """,
                [
                    channel.name, channel.provider, channel.baseURL, record.sealedSecrets.blob, channel.webhookToken,
                    channel.limits?.encodedText, channel.headroom, channel.recipientInterval?.microseconds,
                    channel.acknowledgementDeadline?.microseconds, channel.id,
                ])
            return transaction.database.changesCount > 0
        }
    }

    package func updateStatus(_ id: ChannelID, _ status: ChannelStatus, reason: String?, since: Timestamp)
        async throws(StoreError)
    {
        try await write { transaction in
            try transaction.database.run(
                """
                UPDATE channels SET status = ?, status_reason = ?, status_since = ? WHERE id = ? AND status_since <= ?
                """,
                [status.rawValue, reason, since, id, since])
        }
    }
}

extension APIKey {
    fileprivate static let columns = "id, tenant_id, name, created_at, last_used_at, revoked_at"

    fileprivate init(row: Row) {
        self.init(id: row[0], tenantID: row[1], name: row[2], createdAt: row[3])
        lastUsedAt = row[4]
        revokedAt = row[5]
    }
}

extension ChannelRecord {
    fileprivate static let columns = """
        id, tenant_id, name, provider, base_url, webhook_token, limits, headroom, recipient_interval,
        acknowledgement_deadline, status, status_reason, status_since, created_at, sealed_secrets
        """

    fileprivate init(row: Row) throws {
        var columns = ColumnReader(row, from: 10)
        let status = try columns.next(ChannelStatus.self)
        self.init(
            channel: Channel(
                id: row[0], tenantID: row[1], name: row[2], provider: row[3], baseURL: row[4],
                credentials: Secret(JSONObject()), webhookToken: row[5],
                limits: try (row[6] as String?).map { try [RateLimit](encodedText: $0) }, headroom: row[7],
                recipientInterval: (row[8] as Int64?).map { .microseconds($0) },
                acknowledgementDeadline: (row[9] as Int64?).map { .microseconds($0) }, status: status,
                statusReason: row[11], statusSince: row[12], createdAt: row[13]),
            sealedSecrets: [UInt8](blob: row, 14))
    }
}

extension Array where Element == RateLimit {
    /// The limits as the API writes them: `[{"count": 50, "per_seconds": 1}]`.
    fileprivate var encodedText: String {
        JSONValue.array(
            map { .object(["count": .integer(Int64($0.count)), "per_seconds": .double($0.perSeconds)]) }
        ).encodedText
    }

    fileprivate init(encodedText text: String) throws(StoreError) {
        guard let elements = try? JSONParser.value(text).arrayValue else {
            throw StoreError(.unusable, "the database holds malformed limits")
        }
        self = elements.compactMap { element in
            guard let count = element["count"]?.integerValue, let seconds = element["per_seconds"]?.doubleValue
            else { return nil }
            return RateLimit(count: Int(count), perSeconds: seconds)
        }
    }
}
