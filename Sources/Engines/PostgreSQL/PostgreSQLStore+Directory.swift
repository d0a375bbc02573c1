#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: DirectoryStore {
        package func insert(_ tenant: Tenant) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    "INSERT INTO tenants (id, name, limits, created_at) VALUES ($1, $2, $3, $4)",
                    [tenant.id, tenant.name, tenant.limits.encodedText, tenant.createdAt])
            }
        }

        package func tenants() async throws(StoreError) -> [Tenant] {
            try await read { session in
                try session.query("SELECT id, name, limits, created_at FROM tenants ORDER BY id").map { row in
                    Tenant(
                        id: row.next(), name: row.next(), limits: try [RateLimit](encodedText: row.next()),
                        createdAt: row.next())
                }
            }
        }

        package func update(_ tenant: Tenant) async throws(StoreError) -> Bool {
            try await write { transaction in
                try transaction.session.query(
                    "UPDATE tenants SET name = $1, limits = $2 WHERE id = $3",
                    [tenant.name, tenant.limits.encodedText, tenant.id]
                ).affectedRows > 0
            }
        }

        package func insert(_ key: APIKey, hash: [UInt8]) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    """
                    INSERT INTO api_keys (id, tenant_id, hash, name, created_at, last_used_at, revoked_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7)
                    """,
                    [key.id, key.tenantID, Blob(hash), key.name, key.createdAt, key.lastUsedAt, key.revokedAt])
            }
        }

        package func key(hash: [UInt8]) async throws(StoreError) -> APIKey? {
            try await read { session in
                try session.query("SELECT \(APIKey.columns) FROM api_keys WHERE hash = $1", [Blob(hash)]).first {
                    APIKey(&$0)
                }
            }
        }

        package func keys(tenant: TenantID) async throws(StoreError) -> [APIKey] {
            try await read { session in
                try session.query(
                    "SELECT \(APIKey.columns) FROM api_keys WHERE tenant_id = $1 ORDER BY id", [tenant]
                ).map { APIKey(&$0) }
            }
        }

        package func revokeKey(_ id: KeyID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
            try await write { transaction in
                try transaction.session.query(
                    "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $1) WHERE id = $2 AND tenant_id = $3",
                    [now, id, tenant]
                ).affectedRows > 0
            }
        }

        package func touchKeys(_ usedAt: [KeyID: Timestamp]) async throws(StoreError) {
            guard !usedAt.isEmpty else { return }
            let keys = usedAt.sorted { $0.key < $1.key }
            try await write { transaction in
                // Locked in order first: another process may be telling of the same keys.
                try transaction.session.send(
                    "SELECT 1 FROM api_keys WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE",
                    [SQLArray(keys) { $0.key }])
                try transaction.session.send(
                    """
                    UPDATE api_keys k SET last_used_at = greatest(coalesce(k.last_used_at, 0), u.at)
                    FROM unnest($1::text[], $2::bigint[]) AS u (id, at) WHERE k.id = u.id COLLATE "C"
                    """, [SQLArray(keys) { $0.key }, SQLArray(keys) { $0.value }])
            }
        }

        package func insert(_ record: ChannelRecord) async throws(StoreError) {
            try await write { transaction in
                let channel = record.channel
                try transaction.session.send(
                    """
                    INSERT INTO channels (
                        id, tenant_id, name, provider, base_url, sealed_secrets, webhook_token, limits, headroom,
                        recipient_interval, acknowledgement_deadline, status, status_reason, status_since, created_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                    """,
                    [
                        channel.id, channel.tenantID, channel.name, channel.provider, channel.baseURL,
                        Blob(record.sealedSecrets), channel.webhookToken, channel.limits?.encodedText, channel.headroom,
                        channel.recipientInterval?.microseconds, channel.acknowledgementDeadline?.microseconds,
                        channel.status.rawValue, channel.statusReason, channel.statusSince, channel.createdAt,
                    ])
            }
        }

        package func channels() async throws(StoreError) -> [ChannelRecord] {
            try await read { session in
                try session.query("SELECT \(ChannelRecord.columns) FROM channels ORDER BY id").map {
                    try ChannelRecord(&$0)
                }
            }
        }

        package func update(_ record: ChannelRecord) async throws(StoreError) -> Bool {
            try await write { transaction in
                let channel = record.channel
                return try transaction.session.query(
                    """
                    UPDATE channels SET name = $1, provider = $2, base_url = $3, sealed_secrets = $4, webhook_token = $5,
                        limits = $6, headroom = $7, recipient_interval = $8, acknowledgement_deadline = $9
                    WHERE id = $10
                    """,
                    [
                        channel.name, channel.provider, channel.baseURL, Blob(record.sealedSecrets),
                        channel.webhookToken,
                        channel.limits?.encodedText, channel.headroom, channel.recipientInterval?.microseconds,
                        channel.acknowledgementDeadline?.microseconds, channel.id,
                    ]
                ).affectedRows > 0
            }
        }

        package func updateStatus(_ id: ChannelID, _ status: ChannelStatus, reason: String?, since: Timestamp)
            async throws(StoreError)
        {
            try await write { transaction in
                try transaction.session.send(
                    """
                    UPDATE channels SET status = $1, status_reason = $2, status_since = $3
                    WHERE id = $4 AND status_since <= $3
                    """,
                    [status.rawValue, reason, since, id])
            }
        }
    }

    extension APIKey {
        fileprivate static let columns = "id, tenant_id, name, created_at, last_used_at, revoked_at"

        fileprivate init(_ row: inout ColumnReader) {
            self.init(id: row.next(), tenantID: row.next(), name: row.nextIfAny(), createdAt: row.next())
            lastUsedAt = row.nextIfAny()
            revokedAt = row.nextIfAny()
        }
    }

    extension ChannelRecord {
        fileprivate static let columns = """
            id, tenant_id, name, provider, base_url, webhook_token, limits, headroom, recipient_interval,
            acknowledgement_deadline, status, status_reason, status_since, created_at, sealed_secrets
            """

        fileprivate init(_ row: inout ColumnReader) throws {
            let id: ChannelID = row.next()
            let tenant: TenantID = row.next()
            let name: String = row.next()
            let provider: String = row.next()
            let baseURL: String? = row.nextIfAny()
            let webhookToken: String = row.next()
            let limits: String? = row.nextIfAny()
            let headroom: Double = row.next()
            let recipientInterval: Int64? = row.nextIfAny()
            let acknowledgementDeadline: Int64? = row.nextIfAny()
            let status = try row.nextCase(ChannelStatus.self)
            let statusReason: String? = row.nextIfAny()
            self.init(
                channel: Channel(
                    id: id, tenantID: tenant, name: name, provider: provider, baseURL: baseURL,
                    credentials: Secret(JSONObject()), webhookToken: webhookToken,
                    limits: try limits.map { try [RateLimit](encodedText: $0) }, headroom: headroom,
                    recipientInterval: recipientInterval.map { .microseconds($0) },
                    acknowledgementDeadline: acknowledgementDeadline.map { .microseconds($0) }, status: status,
                    statusReason: statusReason, statusSince: row.next(), createdAt: row.next()),
                sealedSecrets: row.next(Blob.self).bytes)
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
#endif
