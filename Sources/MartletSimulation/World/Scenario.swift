import Martlet

/// Everything that is decided before a run begins: who sends what to whom, and what will go wrong when.
struct Scenario: Sendable {
    struct TenantPlan: Sendable {
        var limits: [RateLimit]
        var channels: [ChannelPlan]
    }

    struct ChannelPlan: Sendable {
        var name: String
        var provider: ProviderKind
        var limits: [RateLimit]
        var headroom: Double
        var recipientInterval: Duration?
    }

    /// What can be asked of a provider, and what it tells by itself.
    enum ProviderKind: String, Sendable, CaseIterable {
        /// Two ids, look-ups for everything, webhooks that repeat the text.
        case asked
        /// One id, look-ups for the state and the outcome.
        case known
        /// One id, no look-ups; webhooks repeat the text.
        case echoing
        /// One id, no look-ups, no echoes.
        case silent
    }

    /// How often things go wrong by themselves, as probabilities, while trouble lasts.
    struct Odds: Sendable {
        var transient = 0.0
        var rejected = 0.0
        var throttled = 0.0
        /// The provider accepts, and the answer is lost.
        var lostAnswer = 0.0
        /// The request never arrives, and nobody says so.
        var lostRequest = 0.0
        /// The answer cannot be read.
        var garbage = 0.0
        var webhookLost = 0.0
        var webhookDoubled = 0.0
        var webhookDelayed = 0.0
        var webhookEarly = 0.0
        var failedLater = 0.0
        var lookUpFails = 0.0
        var lookUpThrottled = 0.0
        var storeCallFails = 0.0
        /// At each call of the store, before it or after it.
        var crash = 0.0
    }

    /// A message to send.
    struct DraftPlan: Sendable {
        var channel: Int
        var recipient: String
        var text: String
        var priority: Priority
        var onUnknown: UnknownPolicy
        var expiresIn: Int?
        var sendIn: Duration?
        var key: String?
        var hasEvent = false
        var redact = false
    }

    enum Action: Sendable {
        case send(tenant: Int, [DraftPlan])
        /// The same request again, or with other content, later or at the same moment.
        case repeatKey(otherContent: Bool)
        case cancel, replay(corrected: Bool), discard
        case pause(tenant: Int, channel: Int, Duration)
        case limitChannel(tenant: Int, channel: Int, RateLimit)
        case limitTenant(tenant: Int, RateLimit)
        case addChannel(tenant: Int, ChannelPlan)
        case sessionLoss(tenant: Int, channel: Int, Duration)
        case refuseCredentials(tenant: Int, channel: Int, Duration)
        case storm(tenant: Int, channel: Int, Duration, retryAfter: Duration?)
        case outage(tenant: Int, channel: Int, Duration)
        case strayWebhook(tenant: Int, channel: Int)
        case storeFault(StoreFault, Duration)
        case crash(Duration), cancelNode(Duration), stall(Duration)
        case jump(Duration)
        case registerFault(RegisterFault, Duration)
    }

    enum StoreFault: String, Sendable, CaseIterable { case busy, full, unavailable }

    struct TimedAction: Sendable {
        var at: Duration
        var action: Action
    }

    /// What the run is about. A calm run has no trouble at all: what is slow in it is slow by the service's own doing.
    enum Kind: String, Sendable { case calm, troubled }

    var kind: Kind
    var configuration = PipelineConfiguration()
    /// Whether a node may take over all claims when it starts, as one that shares its store with nobody may.
    var ownsStore = true
    /// Nodes at a time.
    var workers = 1
    /// What they share their limits by; nil where a node has a throttle of its own.
    var register: RegisterPlan?
    /// How long trouble and traffic last; what comes after is quiet.
    var duration: Duration
    var tenants: [TenantPlan]
    var odds = Odds()
    var actions: [TimedAction] = []
    /// Crashes at calls of the store, at most.
    var crashesMax = 0
    var storeLatency: Duration
    var providerLatency: Duration

    /// Crashes, cancellations and hung nodes end the process; the longest window must have passed after the clock was set
    /// forward before the next one starts, as what the log says was sent seems older then than it is.
    var windowMax: Duration { tenants.flatMap(\.allLimits).map(\.window).max() ?? .seconds(1) }
}

extension Scenario.TenantPlan {
    fileprivate var allLimits: [RateLimit] { limits + channels.flatMap(\.limits) }
}
