import Martlet
import MartletTestSupport
import Synchronization
import Testing

/// A throttle whose answer to the first question is held up on its way.
private final class HeldUpThrottle: Throttle {
    private let base: InProcessThrottle
    private let time: VirtualTime
    private let delays: Mutex<[Duration]>
    private let penaltyDelay: Duration
    private let back = Mutex(0)

    /// - Parameters:
    ///   - delays: of the answers that grant something, the first ones.
    ///   - penaltyDelay: until it has taken note of a 429.
    init(_ base: InProcessThrottle, delays: [Duration] = [], penaltyDelay: Duration = .zero, time: VirtualTime) {
        self.penaltyDelay = penaltyDelay
        self.base = base
        self.time = time
        self.delays = Mutex(delays)
    }

    /// Permissions that were given back.
    var givenBack: Int { back.withLock { $0 } }

    func acquire(_ requests: [ThrottleRequest]) async -> [ThrottleGrant] {
        let grants = await base.acquire(requests)
        if grants.contains(where: { $0.count > 0 }),
            let delay = delays.withLock({ $0.isEmpty ? nil : $0.removeFirst() })
        {
            try? await time.sleep(for: delay)
        }
        return grants
    }

    func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async {
        await base.configure(scope, limits: limits, headroom: headroom)
    }
    func restore(_ scope: ThrottleScope, ages: [Duration]) async -> Bool { await base.restore(scope, ages: ages) }
    func giveBack(_ count: Int, in scopes: [ThrottleScope]) async {
        back.withLock { $0 += count }
        await base.giveBack(count, in: scopes)
    }
    func answered(in scopes: [ThrottleScope]) async { await base.answered(in: scopes) }
    func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration {
        try? await time.sleep(for: penaltyDelay)
        return await base.penalize(scope, retryAfter: retryAfter)
    }
    func ramp(_ scope: ThrottleScope) async { await base.ramp(scope) }
}

/// A worker may stand still between a grant and its use.
@Suite struct LateGrantTests {
    private func withHarness(
        _ body: @escaping @Sendable (PipelineHarness) async throws -> Void
    ) async throws {
        let simulation = Simulation()
        let harness = PipelineHarness(simulation: simulation, provider: FakeProvider(time: simulation.time))
        try await simulation.run { try await body(harness) }
    }

    @Test func `a grant whose answer comes too late is given back, and another is asked for`() async throws {
        try await withHarness { harness in
            let throttle = HeldUpThrottle(harness.throttle, delays: [.seconds(20)], time: harness.time)
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 5, perSeconds: 1)])
            try await harness.withNode(throttle: throttle) { node in
                let start = harness.time.now()
                _ = try await node.acceptance.accept(try harness.draft(channel: channel), tenant: channel.tenantID)
                try await harness.waitUntilNothingIsQueued()
                #expect(throttle.givenBack == 1)
                #expect(harness.provider.receipts.count == 1)
                let claims = try await harness.store.claimHistory(
                    channel: channel.id, since: start - .seconds(60), limit: 10)
                #expect(try #require(claims.first) > start + .seconds(20))
            }
        }
    }

    @Test func `a claim is dated when the grant is there, not when it was asked for`() async throws {
        try await withHarness { harness in
            let throttle = HeldUpThrottle(harness.throttle, delays: [.milliseconds(1500)], time: harness.time)
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 5, perSeconds: 1)])
            try await harness.withNode(throttle: throttle) { node in
                let start = harness.time.now()
                _ = try await node.acceptance.accept(try harness.draft(channel: channel), tenant: channel.tenantID)
                try await harness.waitUntilNothingIsQueued()
                let claims = try await harness.store.claimHistory(
                    channel: channel.id, since: start - .seconds(60), limit: 10)
                #expect(claims.count == 1)
                #expect(try #require(claims.first) >= start + .milliseconds(1500))
            }
        }
    }

    /// A provider that refuses the first request so, after that long.
    private func withStrictProvider(
        answeringAfter wait: Duration, retryAfter: Duration,
        _ body: @escaping @Sendable (PipelineHarness) async throws -> Void
    ) async throws {
        let simulation = Simulation()
        let time = simulation.time
        let isFirst = Mutex(true)
        let provider = FakeProvider(time: time) { receipt in
            let refuses = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            guard refuses else {
                return SendAnswer(.accepted(submissionID: "s-\(receipt.message.id)", messageID: nil), httpStatus: 200)
            }
            try? await time.sleep(for: wait)
            return SendAnswer(.throttled(retryAfter: retryAfter, detail: "slow down"), httpStatus: 429)
        }
        let harness = PipelineHarness(simulation: simulation, provider: provider)
        try await simulation.run { try await body(harness) }
    }

    /// Sends one message and, after a while, another; answers how long after the first the second arrived.
    private func gap(_ harness: PipelineHarness, _ throttle: HeldUpThrottle, after wait: Duration) async throws
        -> Duration
    {
        let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
        return try await harness.withNode(throttle: throttle) { node in
            _ = try await node.acceptance.accept(try harness.draft("one", channel: channel), tenant: channel.tenantID)
            try await harness.wait { !harness.provider.receipts.isEmpty }
            try await harness.time.sleep(for: wait)
            _ = try await node.acceptance.accept(
                try harness.draft("two", to: "+14155550199", channel: channel), tenant: channel.tenantID)
            try await harness.waitUntilNothingIsQueued()
            let receipts = harness.provider.receipts
            let second = try #require(receipts.first { $0.message.payload.visibleText == "two" })
            return second.receivedAt - receipts[0].receivedAt
        }
    }

    @Test func `a pause that the provider asked for holds while the throttle has not taken note of it`() async throws {
        try await withStrictProvider(answeringAfter: .zero, retryAfter: .seconds(3)) { harness async throws in
            let throttle = HeldUpThrottle(harness.throttle, penaltyDelay: .seconds(5), time: harness.time)
            #expect(try await gap(harness, throttle, after: .milliseconds(500)) >= .seconds(3))
        }
    }

    @Test func `a pause that the provider asked for holds for what was granted while it asked`() async throws {
        try await withStrictProvider(answeringAfter: .milliseconds(700), retryAfter: .seconds(3)) {
            harness async throws in
            let throttle = HeldUpThrottle(harness.throttle, delays: [.zero, .seconds(1)], time: harness.time)
            #expect(try await gap(harness, throttle, after: .milliseconds(200)) >= .milliseconds(3700))
        }
    }
}
