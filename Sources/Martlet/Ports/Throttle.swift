/// What workers share to keep every limit: any sliding window of any limit holds no more than it allows, over all workers
/// and over restarts.
package protocol Throttle: Sendable {
    /// Sets what holds for a scope from now on; what it has granted before goes on counting. Filling it with what was sent
    /// before a restart is ``restore(_:ages:)``.
    func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async
    /// Fills a scope's windows with what was sent before a restart, given as ages; what the scope remembers itself is not
    /// counted again.
    func restore(_ scope: ThrottleScope, ages: [Duration]) async
    /// Permission to send up to `count` now, in all those scopes at once; what was granted counts from now on.
    func acquire(_ count: Int, in scopes: [ThrottleScope]) async -> ThrottleGrant
    /// Gives back permissions that were not used.
    func giveBack(_ count: Int, in scopes: [ThrottleScope]) async
    /// Says that a send which was granted has been answered: until then it counts as if it arrived at the last moment.
    func answered(in scopes: [ThrottleScope]) async
    /// The provider said 429: nothing until then, and more slowly from then on.
    func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration
    /// A pause is over: start slowly and speed up.
    func ramp(_ scope: ThrottleScope) async
}

/// What a limit is over.
package enum ThrottleScope: Sendable, Hashable {
    case provider(String)
    case tenant(TenantID)
    case channel(ChannelID)
}

package struct ThrottleGrant: Sendable, Equatable {
    /// How many may be sent now.
    package var count: Int
    /// When to ask again for more; nil when all that was asked for was granted.
    package var retryAfter: Duration?

    package init(count: Int, retryAfter: Duration?) {
        self.count = count
        self.retryAfter = retryAfter
    }
}
