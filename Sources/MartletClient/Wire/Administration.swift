/// At most so many messages in any window of such a length.
package struct LimitRecord: Sendable, Equatable, Codable {
    package var count: Int
    package var perSeconds: Double

    package init(count: Int, perSeconds: Double) {
        self.count = count
        self.perSeconds = perSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case count
        case perSeconds = "per_seconds"
    }
}

/// A tenant.
package struct TenantRecord: Sendable, Equatable, Decodable {
    package var id: String
    package var name: String
    package var limits: [LimitRecord]?
    package var createdAt: String?

    private enum CodingKeys: String, CodingKey {
        case id, name, limits
        case createdAt = "created_at"
    }
}

/// A key to the API. Its text is there in the answer to its creation alone.
package struct KeyRecord: Sendable, Equatable, Decodable {
    package var id: String
    package var name: String?
    /// The key itself, shown once.
    package var key: String?
    package var createdAt: String?
    package var lastUsedAt: String?
    package var revokedAt: String?

    private enum CodingKeys: String, CodingKey {
        case id, name, key
        case createdAt = "created_at"
        case lastUsedAt = "last_used_at"
        case revokedAt = "revoked_at"
    }
}

/// A channel: one WhatsApp number at one provider. Its credentials never come back.
package struct ChannelRecord: Sendable, Equatable, Decodable {
    package var id: String
    package var name: String
    package var provider: String
    package var baseURL: String?
    package var limits: [LimitRecord]?
    package var headroom: Double?
    package var status: String
    package var statusReason: String?
    package var statusSince: String?
    package var webhookURL: String?

    private enum CodingKeys: String, CodingKey {
        case id, name, provider, limits, headroom, status
        case baseURL = "base_url"
        case statusReason = "status_reason"
        case statusSince = "status_since"
        case webhookURL = "webhook_url"
    }
}

/// What is to be set of a channel; what is nil is left as it is, or takes its default.
package struct ChannelRequest: Sendable, Equatable, Encodable {
    /// The tenant's id; needed with the operator's token alone.
    package var tenant: String?
    package var name: String?
    package var provider: String?
    package var baseURL: String?
    package var credentials: [String: String]?
    package var webhookSecret: String?
    package var limits: [LimitRecord]?
    package var headroom: Double?
    package var recipientIntervalMilliseconds: Int?
    package var acknowledgementDeadlineSeconds: Int?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case tenant, name, provider, credentials, limits, headroom
        case baseURL = "base_url"
        case webhookSecret = "webhook_secret"
        case recipientIntervalMilliseconds = "recipient_interval_ms"
        case acknowledgementDeadlineSeconds = "acknowledgement_deadline_seconds"
    }
}

/// Whether a server is ready, and which part is not.
package struct Readiness: Sendable, Equatable, Decodable {
    package struct Check: Sendable, Equatable, Decodable {
        package var name: String
        package var ok: Bool
        package var detail: String?
    }

    package var status: String
    package var checks: [Check]
}

struct TenantRequest: Encodable {
    var name: String?
    var limits: [LimitRecord]?
}

struct KeyRequest: Encodable {
    var name: String?
}
