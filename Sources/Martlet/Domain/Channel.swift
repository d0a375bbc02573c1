/// At most `count` requests in any window of that length.
package struct RateLimit: Sendable, Equatable, Hashable {
    package var count: Int
    package var perSeconds: Double

    package init(count: Int, perSeconds: Double) {
        self.count = count
        self.perSeconds = perSeconds
    }

    package var window: Duration { .nanoseconds(Int64(perSeconds * 1e9)) }
}

/// Whether a channel can send, and if not, why.
package enum ChannelStatus: String, Sendable, CaseIterable {
    case active
    /// By an operator.
    case paused
    /// The WhatsApp session is down.
    case disconnected
    /// The provider refuses the credentials or the subscription.
    case unauthorized
    /// The circuit breaker is open.
    case unavailable

    /// What a waiting message is said to wait for while the channel is so.
    package var holdCondition: Condition? {
        switch self {
        case .active: nil
        case .paused: .channelPaused
        case .disconnected: .sessionDisconnected
        case .unauthorized: .channelUnauthorized
        case .unavailable: .providerUnavailable
        }
    }
}

/// One WhatsApp number of one tenant, at one provider.
package struct Channel: Sendable, Equatable {
    package var id: ChannelID
    package var tenantID: TenantID
    package var name: String
    /// The provider module's name, such as `wasender`.
    package var provider: String
    /// The provider's base URL where it is not the module's own default.
    package var baseURL: String?
    /// As the provider's own documentation calls them. Encrypted at rest.
    package var credentials: Secret<JSONObject>
    /// What proves that a webhook comes from the provider. Encrypted at rest.
    package var webhookSecret: Secret<String>?
    /// The part of the webhook's path that cannot be guessed.
    package var webhookToken: String
    /// The channel's own limits; nil takes the provider's defaults.
    package var limits: [RateLimit]?
    /// The share of each limit that is used.
    package var headroom: Double
    /// The least time between two messages to one recipient.
    package var recipientInterval: Duration?
    /// How long a sent message may stay without a sign of life before it is called unconfirmed.
    package var acknowledgementDeadline: Duration?
    package var status: ChannelStatus
    package var statusReason: String?
    package var statusSince: Timestamp
    package var createdAt: Timestamp

    package static let defaultHeadroom = 0.9
    package static let defaultAcknowledgementDeadline: Duration? = .seconds(300)

    package init(
        id: ChannelID, tenantID: TenantID, name: String, provider: String, baseURL: String? = nil,
        credentials: Secret<JSONObject>, webhookSecret: Secret<String>? = nil, webhookToken: String,
        limits: [RateLimit]? = nil, headroom: Double = Channel.defaultHeadroom, recipientInterval: Duration? = nil,
        acknowledgementDeadline: Duration? = nil, status: ChannelStatus = .active, statusReason: String? = nil,
        statusSince: Timestamp, createdAt: Timestamp
    ) {
        self.id = id
        self.tenantID = tenantID
        self.name = name
        self.provider = provider
        self.baseURL = baseURL
        self.credentials = credentials
        self.webhookSecret = webhookSecret
        self.webhookToken = webhookToken
        self.limits = limits
        self.headroom = headroom
        self.recipientInterval = recipientInterval
        self.acknowledgementDeadline = acknowledgementDeadline
        self.status = status
        self.statusReason = statusReason
        self.statusSince = statusSince
        self.createdAt = createdAt
    }
}
