import Martlet

extension RateLimit {
    var json: JSONValue { ["count": .integer(Int64(count)), "per_seconds": .double(perSeconds)] }
}

extension Tenant {
    var json: JSONValue {
        [
            "id": .string(id.text), "name": .string(name), "limits": .array(limits.map(\.json)),
            "created_at": .optional(createdAt),
        ]
    }
}

extension APIKey {
    /// - parameter text: the key itself, shown when it is made and never again.
    func json(text: String? = nil) -> JSONValue {
        var object: JSONObject = ["id": .string(id.text), "name": .optional(name)]
        object["key"] = text.map { .string($0) }
        object["created_at"] = .optional(createdAt)
        object["last_used_at"] = .optional(lastUsedAt)
        object["revoked_at"] = .optional(revokedAt)
        return .object(object)
    }
}

/// The shape of a channel: what holds for it, the provider's defaults filled in, and nothing of its secrets.
struct ChannelRendering: Sendable {
    let providers: ProviderRegistry
    let address: PublicAddress

    /// The channel as JSON.
    func value(_ channel: Channel) -> JSONValue {
        let traits = providers[channel.provider]?.traits
        let limits = channel.limits ?? traits?.defaultLimits ?? []
        let deadline = channel.acknowledgementDeadline ?? Channel.defaultAcknowledgementDeadline
        return .object([
            "id": .string(channel.id.text),
            "tenant": .string(channel.tenantID.text),
            "name": .string(channel.name),
            "provider": .string(channel.provider),
            "base_url": .optional(channel.baseURL ?? traits?.defaultBaseURL),
            "limits": .array(limits.map(\.json)),
            "headroom": .double(channel.headroom),
            "recipient_interval_ms": .optional(channel.recipientInterval.map { Int($0.milliseconds) }),
            "acknowledgement_deadline_seconds": .optional(deadline.map { Int($0.microseconds / 1_000_000) }),
            "status": .string(channel.status.rawValue),
            "status_reason": .optional(channel.statusReason),
            "status_since": .optional(channel.statusSince),
            "webhook_url": .string("\(address.url)/webhooks/\(channel.id.text)/\(channel.webhookToken)"),
            "created_at": .optional(channel.createdAt),
        ])
    }

    /// How many messages a second the channel's limits leave room for, headroom taken off; nil when it has no limit.
    func allowedPerSecond(_ channel: Channel) -> Double? {
        let limits = channel.limits ?? providers[channel.provider]?.traits.defaultLimits ?? []
        let slowest = limits.map { Double($0.count) / $0.perSeconds }.min()
        return slowest.map { ($0 * channel.headroom * 1000).rounded() / 1000 }
    }
}
