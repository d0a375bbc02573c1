import Martlet

extension Scenario {
    /// Draws a run from its seed.
    init(seed: UInt64) {
        let chance = Chance(seed: seed, for: "scenario")
        let isCalm = chance.happens(0.12)
        kind = isCalm ? .calm : .troubled
        duration = .seconds(chance.integer(isCalm ? 10...20 : 20...90))
        storeLatency = .milliseconds(chance.pick([0, 1, 3, 10]))
        providerLatency = .milliseconds(isCalm ? chance.integer(5...60) : chance.pick([5, 30, 80, 200, 1000]))
        tenants = Self.tenants(chance, isCalm: isCalm)
        drawConfiguration(chance)
        if !isCalm {
            drawOdds(chance)
            drawTrouble(chance)
        }
        drawTraffic(chance)
        drawWorkers(seed: seed)
        actions = actions.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    private static func tenants(_ chance: Chance, isCalm: Bool) -> [TenantPlan] {
        (0..<chance.integer(1...3)).map { _ in
            let channels = (0..<chance.pick([1, 1, 2, 3])).map { channel(chance, number: $0, isCalm: isCalm) }
            let isLimited = !isCalm && chance.happens(0.4)
            return TenantPlan(limits: isLimited ? [limit(chance)] : [], channels: channels)
        }
    }

    private static func channel(_ chance: Chance, number: Int, isCalm: Bool) -> ChannelPlan {
        var limits = [limit(chance)]
        if chance.happens(0.2) { limits.append(RateLimit(count: limits[0].count * 6, perSeconds: 10)) }
        return ChannelPlan(
            name: "channel-\(number)", provider: chance.pick(ProviderKind.allCases), limits: limits,
            headroom: chance.pick([0.9, 0.9, 1, 0.5]),
            recipientInterval: !isCalm && chance.happens(0.25) ? .milliseconds(chance.integer(1000...6000)) : nil)
    }

    static func limit(_ chance: Chance) -> RateLimit {
        chance.pick([
            RateLimit(count: 50, perSeconds: 1), RateLimit(count: 10, perSeconds: 1),
            RateLimit(count: 3, perSeconds: 0.5),
            RateLimit(count: 20, perSeconds: 5), RateLimit(count: 1, perSeconds: 1),
        ])
    }

    private mutating func drawConfiguration(_ chance: Chance) {
        let delays: [[Duration]] = [
            [.seconds(1), .seconds(2), .seconds(4)], [.seconds(5), .seconds(15)], [.seconds(3)],
            [.milliseconds(500), .milliseconds(500), .seconds(1), .seconds(1), .seconds(20)],
        ]
        configuration.retry = RetrySchedule(delays: chance.pick(delays), jitter: chance.pick([0, 0.1, 0.5]))
        configuration.providerTimeout = .seconds(chance.pick([5, 10, 20]))
        configuration.leaseDuration = configuration.providerTimeout + .seconds(chance.pick([0, 5, 20]))
        configuration.unknownWait = .seconds(chance.pick([3, 10, 15]))
        ownsStore = chance.happens(0.5)
    }

    private mutating func drawOdds(_ chance: Chance) {
        // Each run has some of the faults, so that every pair of them meets somewhere and none drowns the others.
        func some(_ most: Double) -> Double { chance.happens(0.5) ? chance.unitInterval() * most : 0 }
        odds.transient = some(0.4)
        odds.rejected = some(0.1)
        odds.throttled = some(0.1)
        odds.lostAnswer = some(0.3)
        odds.lostRequest = some(0.1)
        odds.garbage = some(0.1)
        odds.webhookLost = some(0.5)
        odds.webhookDoubled = some(0.5)
        odds.webhookDelayed = some(0.5)
        odds.webhookEarly = some(0.5)
        odds.failedLater = some(0.15)
        odds.lookUpFails = some(0.4)
        odds.lookUpThrottled = some(0.2)
        odds.storeCallFails = some(0.1)
        if chance.happens(0.5) {
            odds.crash = chance.pick([0.002, 0.005, 0.02])
            crashesMax = chance.integer(1...6)
        }
    }

    private func moment(_ chance: Chance) -> Duration { chance.duration(.zero...duration) }

    private mutating func drawTrouble(_ chance: Chance) {
        func add(_ most: Int, odds: Double = 0.4, _ action: (Int, Int, Duration) -> Action) {
            guard chance.happens(odds) else { return }
            for _ in 0..<chance.integer(1...most) {
                let tenant = chance.integer(0...tenants.count - 1)
                let channel = chance.integer(0...tenants[tenant].channels.count - 1)
                let length = chance.duration(.milliseconds(500) ... .seconds(20))
                actions.append(TimedAction(at: moment(chance), action: action(tenant, channel, length)))
            }
        }
        add(3) { .sessionLoss(tenant: $0, channel: $1, $2) }
        add(2) { .refuseCredentials(tenant: $0, channel: $1, $2) }
        add(3) { tenant, channel, length in
            .storm(
                tenant: tenant, channel: channel, length,
                retryAfter: chance.happens(0.7) ? .seconds(chance.integer(1...8)) : nil)
        }
        add(2) { .outage(tenant: $0, channel: $1, $2 * 2) }
        add(2) { .pause(tenant: $0, channel: $1, $2) }
        add(6) { tenant, channel, _ in .strayWebhook(tenant: tenant, channel: channel) }
        add(2) { _, _, length in .storeFault(chance.pick(StoreFault.allCases), length) }
        add(4) { _, _, length in .crash(length * 0.3) }
        add(3) { _, _, length in .cancelNode(length * 0.1) }
        if ownsStore {
            add(3) { _, _, _ in
                .jump(chance.happens(0.5) ? .seconds(chance.integer(1...600)) : .seconds(-chance.integer(1...120)))
            }
        } else {
            // Two nodes at a time, whose clocks agree: a lease means nothing between clocks that do not.
            add(3, odds: 0.8) { _, _, length in .stall(length * 3) }
        }
        add(2) { tenant, channel, _ in
            let limits = tenants[tenant].channels[channel].limits
            let factor = chance.pick([0.5, 2.0])
            return .limitChannel(
                tenant: tenant, channel: channel,
                RateLimit(count: max(1, Int(Double(limits[0].count) * factor)), perSeconds: limits[0].perSeconds))
        }
        add(2) { tenant, _, _ in
            let present = tenants[tenant].limits.first ?? RateLimit(count: 10, perSeconds: 1)
            return .limitTenant(
                tenant: tenant,
                RateLimit(count: max(1, present.count * chance.integer(1...2)), perSeconds: present.perSeconds))
        }
        add(1) { tenant, _, _ in
            .addChannel(
                tenant: tenant,
                Self.channel(chance, number: 90 + actions.count, isCalm: false))
        }
    }
}
