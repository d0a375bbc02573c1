/// One WhatsApp session of the account, as the session endpoints show it, with its own limit and counters.
struct SandboxSession: Sendable {
    /// The states a session goes through, in the provider's spelling.
    enum Status: String, Sendable {
        case connecting, connected, disconnected
        case needScan = "need_scan"
        case needPasskey = "need_passkey"
    }

    /// One row of the session's log.
    struct LogRow: Sendable {
        let id: Int
        let eventType: String
        let status: Status
        let occurredAt: SandboxInstant
    }

    /// What a client may set, with the names of the wire.
    struct Settings: Sendable {
        var name: String
        var phoneNumber: String
        var accountProtection: Bool
        var logMessages: Bool
        var webhookURL: String?
        var webhookEnabled: Bool
        /// The events that are posted; `nil` for all.
        var webhookEvents: [String]?
        /// `read_incoming_messages`, `auto_reject_calls` and the other switches that change nothing here.
        var switches: [String: Bool] = [:]
        var proxyURL: String?
    }

    static let switchNames = [
        "read_incoming_messages", "auto_reject_calls", "ignore_groups", "ignore_channels", "ignore_broadcasts",
        "always_online",
    ]

    /// How many rows of the session's log are kept.
    static let logCapacity = 1000

    let id: Int
    var settings: Settings
    var status: Status
    var apiKey: String
    var webhookSecret: String
    /// Whether a phone was linked before, so that connecting needs no scan.
    var isLinked: Bool
    let createdAt: SandboxInstant
    var updatedAt: SandboxInstant
    var lastActiveAt: SandboxInstant
    var log: [LogRow] = []
    /// The numbers of its messages, oldest first.
    var messages: [Int] = []

    var window: SlidingWindow
    /// Counters of the endpoints other than sending that have limits.
    var lookups: [LookupLimit: SlidingWindow] = [:]
    var accepted = 0
    var refusedByLimit = 0
    var record = RateRecord()

    /// The limits in force: account protection stands in for the ordinary ones.
    func limits(under configuration: SandboxConfiguration) -> [SandboxLimit] {
        settings.accountProtection ? [Self.accountProtection] : configuration.limits
    }

    static let accountProtection = SandboxLimit(count: 1, per: .seconds(5))
}

/// Endpoints other than sending that the provider documents limits of, per session.
enum LookupLimit: Sendable, Hashable {
    /// `GET /on-whatsapp/…` and a contact's picture.
    case numbers
    /// A group's metadata and participants.
    case groups

    /// The documented limits of a paid account, the minute's first and the day's second.
    var limits: [SandboxLimit] {
        switch self {
        case .numbers: [SandboxLimit(count: 60, per: .seconds(60)), SandboxLimit(count: 1000, per: .seconds(86_400))]
        case .groups: [SandboxLimit(count: 10, per: .seconds(60)), SandboxLimit(count: 500, per: .seconds(86_400))]
        }
    }
}
