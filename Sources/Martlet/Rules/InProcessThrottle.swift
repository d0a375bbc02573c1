import Synchronization

/// A throttle for one process: what a node on SQLite shares with itself.
package final class InProcessThrottle: Throttle {
    private let limiters = Mutex<[ThrottleScope: RateLimiter]>([:])
    private let time: any TimeSource

    package init(time: any TimeSource) { self.time = time }

    package func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async {
        let now = time.monotonicNow()
        limiters.withLock { limiters in
            // A scope without limits has a limiter, too: it knows what is in flight when limits come.
            if limiters[scope] == nil {
                limiters[scope] = RateLimiter(limits: limits, headroom: headroom, now: now)
            } else {
                limiters[scope]?.reconfigure(limits: limits, headroom: headroom, now: now)
            }
        }
    }

    package func restore(_ scope: ThrottleScope, ages: [Duration]) async -> Bool {
        let now = time.monotonicNow()
        limiters.withLock { $0[scope]?.restore(ages: ages, now: now) }
        return true
    }

    package func acquire(_ requests: [ThrottleRequest]) async -> [ThrottleGrant] {
        let now = time.monotonicNow()
        return limiters.withLock { limiters in
            requests.map { request in
                var grant = ThrottleGrant(count: request.count, retryAfter: nil)
                for scope in request.scopes {
                    guard let offer = limiters[scope]?.available(request.count, now: now) else { continue }
                    grant.limit(to: offer)
                }
                if grant.count > 0 { for scope in request.scopes { limiters[scope]?.take(grant.count) } }
                return grant
            }
        }
    }

    package func giveBack(_ count: Int, in scopes: [ThrottleScope]) async {
        guard count > 0 else { return }
        limiters.withLock { limiters in for scope in scopes { limiters[scope]?.giveBack(count) } }
    }

    package func answered(in scopes: [ThrottleScope]) async {
        let now = time.monotonicNow()
        limiters.withLock { limiters in for scope in scopes { limiters[scope]?.answered(now: now) } }
    }

    package func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration {
        let now = time.monotonicNow()
        return limiters.withLock { limiters in
            // A scope without limits of its own still has to pause when it is told to.
            if limiters[scope] == nil { limiters[scope] = RateLimiter(limits: [], headroom: 1, now: now) }
            return limiters[scope]?.penalize(retryAfter: retryAfter, now: now) ?? .seconds(1)
        }
    }

    package func ramp(_ scope: ThrottleScope) async {
        let now = time.monotonicNow()
        limiters.withLock { $0[scope]?.ramp(now: now) }
    }
}
