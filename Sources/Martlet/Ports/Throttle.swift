/// What workers share to keep every limit: any sliding window of any limit holds no more than it allows, over all workers
/// and over restarts.
package protocol Throttle: Sendable {
    /// Runs the body, and does meanwhile what the throttle has to do besides answering; nothing is granted outside of it, and it
    /// is run once. When the body ends, the others are told of what it has not used.
    func serve(_ body: @Sendable () async -> Void) async
    /// Sets what holds for a scope from now on; what it has granted before goes on counting. Filling it with what was sent
    /// before a restart is ``restore(_:ages:)``.
    func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async
    /// Fills a scope's windows with what was sent before a restart, given as ages (negative: it may arrive yet, by
    /// then at the latest); what the scope remembers itself is not counted again. False when that cannot be done now, and is
    /// to be tried again with what has been sent until then: nothing is granted before.
    func restore(_ scope: ThrottleScope, ages: [Duration]) async -> Bool
    /// Permissions to send now, for each request in all of its scopes at once, in the order of the requests. What was granted
    /// counts from now on, and is to be used within ``ThrottleGrant/validity``.
    func acquire(_ requests: [ThrottleRequest]) async -> [ThrottleGrant]
    /// Gives back permissions that were not used.
    func giveBack(_ count: Int, in scopes: [ThrottleScope]) async
    /// Says that a send which was granted has been answered: until then it counts as if it arrived at the last moment.
    func answered(in scopes: [ThrottleScope]) async
    /// The provider said 429: nothing until then, and more slowly from then on.
    func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration
    /// A pause is over: start slowly and speed up.
    func ramp(_ scope: ThrottleScope) async
    /// Scopes whose state was lost since this was asked last, and that are to be configured and restored.
    func takeForgotten() async -> [ThrottleScope]
}

extension Throttle {
    /// ``acquire(_:)`` of one request.
    package func acquire(_ count: Int, in scopes: [ThrottleScope]) async -> ThrottleGrant {
        let grants = await acquire([ThrottleRequest(count: count, scopes: scopes)])
        return grants.first ?? ThrottleGrant(count: 0, retryAfter: .seconds(1))
    }

    /// What is kept in the process itself needs no work.
    package func serve(_ body: @Sendable () async -> Void) async { await body() }

    /// What is kept in the process itself is not lost.
    package func takeForgotten() async -> [ThrottleScope] { [] }
}

/// What a limit is over.
package enum ThrottleScope: Sendable, Hashable {
    case provider(String)
    case tenant(TenantID)
    case channel(ChannelID)
}

/// A wish to send up to so many.
package struct ThrottleRequest: Sendable, Equatable {
    package var count: Int
    package var scopes: [ThrottleScope]

    package init(count: Int, scopes: [ThrottleScope]) {
        self.count = count
        self.scopes = scopes
    }
}

package struct ThrottleGrant: Sendable, Equatable {
    /// How long after it was given a grant may still be used. What is not on its way by then is given back.
    package static let validity: Duration = .seconds(2)

    /// How many may be sent now.
    package var count: Int
    /// When to ask again for more; nil when all that was asked for was granted.
    package var retryAfter: Duration?

    package init(count: Int, retryAfter: Duration?) {
        self.count = count
        self.retryAfter = retryAfter
    }

    /// Takes over what another scope allows, where it is less.
    mutating func limit(to other: ThrottleGrant) {
        count = min(count, other.count)
        if let wait = other.retryAfter { retryAfter = max(retryAfter ?? wait, wait) }
    }
}
