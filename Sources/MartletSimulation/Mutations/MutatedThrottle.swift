import Martlet

/// A throttle with one mistake in it.
struct MutatedThrottle: Throttle {
    let base: any Throttle
    let mutation: Mutation

    func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async {
        await base.configure(scope, limits: limits, headroom: headroom)
    }

    func restore(_ scope: ThrottleScope, ages: [Duration]) async -> Bool {
        if mutation == .windowsAreForgottenAtRestart { return true }
        return await base.restore(scope, ages: ages)
    }

    func acquire(_ requests: [ThrottleRequest]) async -> [ThrottleGrant] {
        var grants = await base.acquire(requests)
        if mutation == .bucketIsFilledTwice {
            for (index, request) in requests.enumerated() {
                grants[index].count = min(request.count, grants[index].count * 2)
            }
        }
        return grants
    }

    func giveBack(_ count: Int, in scopes: [ThrottleScope]) async {
        if mutation == .unusedPermissionsAreKept { return }
        await base.giveBack(count, in: scopes)
    }

    func answered(in scopes: [ThrottleScope]) async {
        // The place is free again as if the request had never been made.
        if mutation == .answersFreeThePlaceAtOnce { return await base.giveBack(1, in: scopes) }
        await base.answered(in: scopes)
    }

    func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration {
        if mutation == .penaltyIsIgnored { return .zero }
        return await base.penalize(scope, retryAfter: retryAfter)
    }

    func ramp(_ scope: ThrottleScope) async { await base.ramp(scope) }
    func takeForgotten() async -> [ThrottleScope] { await base.takeForgotten() }
    func serve(_ body: @Sendable () async -> Void) async { await base.serve(body) }
}
