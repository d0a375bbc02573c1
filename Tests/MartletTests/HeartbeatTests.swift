import Logging
import Martlet
import MartletTestSupport
import Synchronization
import Testing

/// How a pipeline that does not do its work is seen from outside, in virtual time.
@Suite struct HeartbeatTests {
    /// A throttle that never answers, once it is told to: a hang inside the dispatcher's own loop.
    private final class HangingThrottle: Throttle {
        let isHanging = Atomic(false)
        let base: InProcessThrottle
        let time: any TimeSource

        init(time: any TimeSource) {
            self.time = time
            base = InProcessThrottle(time: time)
        }

        func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async {
            await base.configure(scope, limits: limits, headroom: headroom)
        }
        func restore(_ scope: ThrottleScope, ages: [Duration]) async { await base.restore(scope, ages: ages) }
        func acquire(_ count: Int, in scopes: [ThrottleScope]) async -> ThrottleGrant {
            while isHanging.load(ordering: .relaxed), !Task.isCancelled { try? await time.sleep(for: .seconds(1)) }
            return await base.acquire(count, in: scopes)
        }
        func giveBack(_ count: Int, in scopes: [ThrottleScope]) async { await base.giveBack(count, in: scopes) }
        func answered(in scopes: [ThrottleScope]) async { await base.answered(in: scopes) }
        func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration {
            await base.penalize(scope, retryAfter: retryAfter)
        }
        func ramp(_ scope: ThrottleScope) async { await base.ramp(scope) }
    }

    private static let accepting: FakeProvider.Sending = {
        SendAnswer(.accepted(submissionID: "s-\($0.message.id)", messageID: "w-\($0.message.id)"), httpStatus: 200)
    }

    private func harness(
        configuration: PipelineConfiguration = PipelineConfiguration(), sending: @escaping FakeProvider.Sending = accepting
    ) -> PipelineHarness {
        let simulation = Simulation()
        return PipelineHarness(
            simulation: simulation, provider: FakeProvider(time: simulation.time, sending: sending),
            configuration: configuration)
    }

    private func check(_ name: String, _ harness: PipelineHarness) -> HealthRegister.Check? {
        harness.health.all.first { $0.name == name }
    }

    /// Sends one message and answers how the dispatcher's check stands after each of these times.
    private func dispatcherChecks(
        after moments: [Duration], _ harness: PipelineHarness, before: @Sendable (Channel) async throws -> Void = { _ in }
    ) async throws -> [HealthRegister.Check?] {
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            return try await harness.withNode { node in
                try await before(channel)
                _ = try await node.acceptance.accept(harness.draft(channel: channel), tenant: channel.tenantID)
                var checks: [HealthRegister.Check?] = []
                var waited: Duration = .zero
                for moment in moments {
                    try await harness.time.sleep(for: moment - waited)
                    waited = moment
                    checks.append(check("dispatcher", harness))
                }
                return checks
            }
        }
    }

    @Test func `every loop of a running pipeline is a check, and well`() async throws {
        let harness = harness()
        let checks = try await harness.simulation.run {
            try await harness.withNode { _ in
                try await harness.time.sleep(for: .seconds(600))
                return harness.health.all
            }
        }
        #expect(checks.map(\.name) == ["dispatcher", "inbox", "reconciler", "replays", "sessions", "sweeper"])
        #expect(checks.allSatisfy(\.isOK))
    }

    @Test func `a provider that never answers makes the dispatcher red, and an answer makes it well again`() async throws {
        let isAnswering = Atomic(false)
        let simulation = Simulation()
        let time = simulation.time
        var configuration = PipelineConfiguration()
        configuration.providerTimeout = .seconds(10)
        let harness = PipelineHarness(
            simulation: simulation,
            provider: FakeProvider(
                time: time,
                sending: { receipt in
                    while !isAnswering.load(ordering: .relaxed), !Task.isCancelled {
                        try? await time.sleep(for: .seconds(1))
                    }
                    return await Self.accepting(receipt)
                }), configuration: configuration)
        try await simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                // More than may be in flight at once, so that some stay due.
                for index in 0..<100 {
                    _ = try await node.acceptance.accept(
                        harness.draft("\(index)", channel: channel), tenant: channel.tenantID)
                }
                try await time.sleep(for: .seconds(35))
                #expect(check("dispatcher", harness)?.isOK == true)
                try await time.sleep(for: .seconds(15))
                let red = try #require(check("dispatcher", harness))
                #expect(!red.isOK)
                #expect(red.detail?.contains("due and nothing is sent") == true)
                #expect(red.detail?.contains(channel.id.text) == false)
                isAnswering.store(true, ordering: .relaxed)
                try await harness.waitUntilNothingIsQueued(upTo: .seconds(60))
                try await time.sleep(for: .seconds(3))
                #expect(check("dispatcher", harness)?.isOK == true)
            }
        }
    }

    @Test func `a store that takes no claims makes the dispatcher red`() async throws {
        let harness = harness()
        let checks = try await dispatcherChecks(after: [.seconds(20), .seconds(40)], harness) { _ in
            harness.store.interpose { operation throws(StoreError) in
                if operation == .claim { throw StoreError(.unavailable, "locked") }
            }
        }
        #expect(checks[0]?.isOK == true)
        #expect(checks[1]?.isOK == false)
    }

    @Test func `a paused channel, a long Retry-After and a session that is down alarm nobody`() async throws {
        let paused = harness()
        let pausedChecks = try await dispatcherChecks(after: [.seconds(300)], paused) { channel in
            _ = try await paused.directory.setStatus(channel.id, .paused, reason: nil)
        }
        #expect(pausedChecks[0]?.isOK == true)
        for outcome in [Outcome.throttled(retryAfter: .seconds(3600), detail: "slow"), .sessionDown(detail: "gone")] {
            let harness = harness(sending: { _ in SendAnswer(outcome, httpStatus: 429) })
            harness.provider.setSession(.down(detail: "gone"))
            let checks = try await dispatcherChecks(after: [.seconds(300)], harness)
            #expect(checks[0]?.isOK == true, "\(outcome)")
        }
    }

    @Test func `a wall clock that is set forward alarms nobody`() async throws {
        let harness = harness(sending: { _ in SendAnswer(.transient(detail: "busy", retryAfter: nil), httpStatus: 503) })
        let checks = try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            return try await harness.withNode { node in
                _ = try await node.acceptance.accept(harness.draft(channel: channel), tenant: channel.tenantID)
                try await harness.time.sleep(for: .seconds(3))
                harness.time.jumpWallClock(by: .seconds(86_400))
                var checks: [HealthRegister.Check] = []
                for _ in 0..<50 {
                    try await harness.time.sleep(for: .milliseconds(500))
                    checks += harness.health.all
                }
                return checks
            }
        }
        #expect(checks.allSatisfy(\.isOK))
    }

    @Test func `a loop that hangs is red after a minute and its time-out, though the others go on`() async throws {
        let simulation = Simulation()
        let harness = PipelineHarness(
            simulation: simulation, provider: FakeProvider(time: simulation.time, sending: Self.accepting))
        let throttle = HangingThrottle(time: simulation.time)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let observer = PipelineObserver(
            feed: harness.feed, metrics: PipelineMetrics(), rates: harness.rates, health: harness.health, logger: logger)
        let pipeline = Pipeline(
            .init(
                store: harness.store, inbox: harness.store, directory: harness.directory, throttle: throttle,
                time: harness.steadyTime, random: harness.random, observer: observer, logger: logger),
            configuration: harness.configuration, worker: "worker-1", ownsStore: true)
        let acceptance = Acceptance(
            store: harness.store, directory: harness.directory, time: harness.steadyTime,
            identifiers: harness.identifiers, idempotencyWindow: .seconds(60), feed: harness.feed,
            metrics: PipelineMetrics(), wake: { pipeline.wake($0, dueAt: $1) })
        try await simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 50, perSeconds: 1)])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await pipeline.run() }
                defer { group.cancelAll() }
                try await harness.time.sleep(for: .seconds(5))
                throttle.isHanging.store(true, ordering: .relaxed)
                _ = try await acceptance.accept(harness.draft(channel: channel), tenant: channel.tenantID)
                try await harness.time.sleep(for: .seconds(25))
                #expect(check("dispatcher", harness)?.isOK == true)
                try await harness.time.sleep(for: .seconds(10))
                // The message that is due tells first.
                #expect(check("dispatcher", harness)?.isOK == false)
                try await harness.time.sleep(for: .seconds(70))
                #expect(check("sweeper", harness)?.isOK == true)
                #expect(harness.health.isReady == false)
            }
        }
    }

    @Test func `a loop that has not come round is named with its silence`() {
        let time = VirtualTime()
        let heartbeats = Heartbeats(time: time, turnMax: .seconds(10))
        #expect(heartbeats.checks.isEmpty)
        heartbeats.begin()
        #expect(heartbeats.checks.count == Heartbeats.Loop.allCases.count)
        #expect(heartbeats.checks.allSatisfy(\.isOK))
    }

    @Test func `the first webhook of a channel is put on record, and stays the first`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            let sightings = WebhookSightings(store: harness.store)
            let first = try await harness.withNode { node in
                #expect(try await sightings.first(of: channel.id) == nil)
                _ = await harness.webhook(channel, ["id": "w-1", "level": 2], to: node)
                try await harness.wait { try await sightings.first(of: channel.id) != nil }
                return try await sightings.first(of: channel.id)
            }
            try await harness.time.sleep(for: .seconds(60))
            try await PipelineHarness(restarting: harness).withNode { node in
                _ = await harness.webhook(channel, ["id": "w-2", "level": 2], to: node)
                try await harness.time.sleep(for: .seconds(5))
            }
            #expect(try await sightings.first(of: channel.id) == first)
        }
    }
}

@Suite struct HealthRegisterTests {
    @Test func `a probe is asked each time, and what is wrong wins over what is well`() {
        let register = HealthRegister()
        let isWell = Atomic(true)
        register.watch { [.init(name: "loop", isOK: isWell.load(ordering: .relaxed)), .init(name: "store", isOK: true)] }
        #expect(register.isReady)
        isWell.store(false, ordering: .relaxed)
        register.report("loop", isOK: true)
        #expect(!register.isReady)
        isWell.store(true, ordering: .relaxed)
        register.report("store", isOK: false, detail: "full")
        #expect(register.all.map(\.isOK) == [true, false])
        #expect(register.all.last?.detail == "full")
    }
}
