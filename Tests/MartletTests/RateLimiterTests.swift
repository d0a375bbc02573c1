import Martlet
import MartletTestSupport
import Testing

/// A provider seen from above: requests are granted, arrive after any delay, and are answered after any other.
private struct Network {
    var arrivals: [MonotonicInstant] = []
    var grants = 0

    /// Runs a limiter with a backlog for that long, each request taking a random way there and back.
    static func run(
        limits: [RateLimit], headroom: Double, seconds: Double, seed: UInt64, wayMax: Double,
        restartEvery: Double? = nil
    ) -> Network {
        let random = SeededRandomSource(seed: seed)
        var network = Network()
        var now = MonotonicInstant(nanoseconds: 0)
        let end = now + .nanoseconds(Int64(seconds * 1e9))
        var limiter = RateLimiter(limits: limits, headroom: headroom, now: now)
        var pending: [(answerAt: MonotonicInstant, sentAt: MonotonicInstant)] = []
        var sent: [MonotonicInstant] = []
        var nextRestart = restartEvery
        while now < end {
            for entry in pending where entry.answerAt <= now { limiter.answered(now: entry.answerAt) }
            pending.removeAll { $0.answerAt <= now }
            if let restart = nextRestart, now.nanoseconds >= Int64(restart * 1e9), let restartEvery {
                // The process dies: what was in flight has arrived by the time the next one starts.
                now = max(now, pending.map(\.answerAt).max() ?? now)
                limiter = RateLimiter(limits: limits, headroom: headroom, now: now)
                limiter.restore(
                    ages: sent.map { max(.zero, now - $0 - .nanoseconds(Int64(wayMax * 1e9))) }, now: now)
                pending = []
                nextRestart = restart + restartEvery
            }
            let grant = limiter.available(1 + Int(random.next() % 20), now: now)
            if grant.count > 0 {
                limiter.take(grant.count)
                network.grants += grant.count
                for _ in 0..<grant.count {
                    let there = now + .nanoseconds(Int64(random.unitInterval() * wayMax * 1e9))
                    let back = there + .nanoseconds(Int64(random.unitInterval() * wayMax * 1e9))
                    network.arrivals.append(there)
                    pending.append((back, now))
                    sent.append(now)
                }
                pending.sort { $0.answerAt < $1.answerAt }
            }
            let nextAnswer = pending.first?.answerAt
            let asked = now + (grant.retryAfter ?? .milliseconds(1))
            now = max(now + .microseconds(50), min(asked, nextAnswer ?? asked))
        }
        network.arrivals.sort()
        return network
    }
}

@Suite struct RateLimiterTests {
    static let cases: [(limits: [RateLimit], wayMax: Double)] = [
        ([RateLimit(count: 50, perSeconds: 1)], 0.03), ([RateLimit(count: 50, perSeconds: 1)], 0.8),
        ([RateLimit(count: 256, perSeconds: 60)], 0.5), ([RateLimit(count: 1, perSeconds: 5)], 2),
        ([RateLimit(count: 10, perSeconds: 1), RateLimit(count: 100, perSeconds: 30)], 0.3),
        ([RateLimit(count: 3, perSeconds: 0.1)], 0.2),
    ]

    @Test(arguments: cases.indices, [UInt64](1...8))
    func `no window at the provider ever holds more than its limit`(index: Int, seed: UInt64) {
        let (limits, wayMax) = Self.cases[index]
        for headroom in [0.9, 1.0] {
            let network = Network.run(limits: limits, headroom: headroom, seconds: 90, seed: seed, wayMax: wayMax)
            for limit in limits { #expect(network.arrivals.highest(in: limit.window) <= limit.count) }
            #expect(network.grants > 5)
        }
    }

    @Test(arguments: cases.indices, [UInt64](1...4))
    func `no window holds more than its limit when the process restarts`(index: Int, seed: UInt64) {
        let (limits, wayMax) = Self.cases[index]
        let network = Network.run(
            limits: limits, headroom: 0.9, seconds: 90, seed: seed, wayMax: wayMax, restartEvery: 7)
        for limit in limits { #expect(network.arrivals.highest(in: limit.window) <= limit.count) }
    }

    @Test func `a backlog goes at ninety per cent of the limit`() {
        let network = Network.run(
            limits: [RateLimit(count: 50, perSeconds: 1)], headroom: 0.9, seconds: 100, seed: 1, wayMax: 0.02)
        let rate = Double(network.arrivals.count) / 100
        #expect(abs(rate - 45) < 45 * 0.02, "\(rate)/s")
    }

    @Test func `a 429 pauses for as long as it says and then goes more slowly`() {
        var limiter = RateLimiter(
            limits: [RateLimit(count: 50, perSeconds: 1)], headroom: 0.9, now: MonotonicInstant(nanoseconds: 0))
        let start = MonotonicInstant(nanoseconds: 1_000_000_000)
        let answer1 = limiter.penalize(retryAfter: .seconds(3), now: start)
        #expect(answer1 == .seconds(3))
        let answer2 = limiter.available(1, now: start + .seconds(2))
        #expect(answer2.count == 0)
        let answer3 = limiter.available(1, now: start + .seconds(2))
        #expect(answer3.retryAfter == .seconds(1))
        #expect(limiter.pace(now: start + .seconds(3)) == 0.5)
        #expect(limiter.pace(now: start + .seconds(3) + RateLimiter.recovery) == 1)
    }

    @Test func `many 429s of one burst lower the pace once`() {
        var limiter = RateLimiter(
            limits: [RateLimit(count: 50, perSeconds: 1)], headroom: 0.9, now: MonotonicInstant(nanoseconds: 0))
        let start = MonotonicInstant(nanoseconds: 1_000_000_000)
        for index in 0..<10 {
            _ = limiter.penalize(retryAfter: .seconds(2), now: start + .milliseconds(10 * index))
        }
        #expect(limiter.pace(now: start + .seconds(2)) == 0.5)
    }

    @Test func `a pause without a time doubles to a minute and is forgiven after a quiet one`() {
        var limiter = RateLimiter(
            limits: [RateLimit(count: 50, perSeconds: 1)], headroom: 0.9, now: MonotonicInstant(nanoseconds: 0))
        var now = MonotonicInstant(nanoseconds: 1_000_000_000)
        var pauses: [Duration] = []
        for _ in 0..<8 {
            let pause = limiter.penalize(retryAfter: nil, now: now)
            pauses.append(pause)
            now = now + pause
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        now = now + .seconds(61)
        let answer4 = limiter.penalize(retryAfter: nil, now: now)
        #expect(answer4 == .seconds(1))
        #expect(limiter.pace(now: now + .seconds(1)) >= RateLimiter.paceMin)
    }

    @Test func `what is given back can be taken again`() {
        let now = MonotonicInstant(nanoseconds: 0)
        var limiter = RateLimiter(limits: [RateLimit(count: 1, perSeconds: 5)], headroom: 0.9, now: now)
        let answer5 = limiter.available(1, now: now)
        #expect(answer5.count == 1)
        limiter.take(1)
        let answer6 = limiter.available(1, now: now)
        #expect(answer6.count == 0)
        limiter.giveBack(1)
        let answer7 = limiter.available(1, now: now)
        #expect(answer7.count == 1)
    }

    @Test func `a scope without limits never waits unless it is told to`() {
        let now = MonotonicInstant(nanoseconds: 0)
        var limiter = RateLimiter(limits: [], headroom: 1, now: now)
        let answer8 = limiter.available(1000, now: now)
        #expect(answer8 == ThrottleGrant(count: 1000, retryAfter: nil))
        _ = limiter.penalize(retryAfter: .seconds(2), now: now)
        let answer9 = limiter.available(1, now: now + .seconds(1))
        #expect(answer9.count == 0)
        let answer10 = limiter.available(1, now: now + .seconds(2))
        #expect(answer10.count == 1)
    }

    @Test func `the throttle grants what all scopes together allow`() async {
        let time = VirtualTime()
        let throttle = InProcessThrottle(time: time)
        let tenant = ThrottleScope.tenant(TenantID(unchecked: "ten_1"))
        let channels = (1...2).map { ThrottleScope.channel(ChannelID(unchecked: "chn_\($0)")) }
        await throttle.configure(tenant, limits: [RateLimit(count: 10, perSeconds: 1)], headroom: 0.5)
        for channel in channels {
            await throttle.configure(channel, limits: [RateLimit(count: 8, perSeconds: 1)], headroom: 0.5)
        }
        let first = await throttle.acquire(20, in: [channels[0], tenant])
        #expect(first.count == 4)
        let second = await throttle.acquire(20, in: [channels[1], tenant])
        #expect(second.count == 1)
        #expect(second.retryAfter != nil)
    }

    @Test func `a request that may arrive yet counts until its window is over`() {
        let now = MonotonicInstant(nanoseconds: 5_000_000_000)
        var limiter = RateLimiter(limits: [RateLimit(count: 1, perSeconds: 1)], headroom: 1, now: now)
        limiter.restore(ages: [.milliseconds(-400)], now: now)
        let early = limiter.available(1, now: now + .milliseconds(1399))
        #expect(early.count == 0)
        let later = limiter.available(1, now: now + .milliseconds(1400))
        #expect(later.count == 1)
    }

    @Test func `a change of limits is no new beginning`() {
        var now = MonotonicInstant(nanoseconds: 0)
        var limiter = RateLimiter(limits: [RateLimit(count: 4, perSeconds: 1)], headroom: 0.5, now: now)
        limiter.take(2)
        limiter.answered(now: now)
        limiter.reconfigure(limits: [RateLimit(count: 2, perSeconds: 1)], headroom: 1, now: now)
        now = now + .milliseconds(900)
        // One is in flight, one was answered within the second: both places are taken.
        let full = limiter.available(1, now: now)
        #expect(full.count == 0)
        limiter.reconfigure(limits: [], headroom: 1, now: now)
        let free = limiter.available(5, now: now)
        #expect(free.count == 5)
        limiter.reconfigure(limits: [RateLimit(count: 2, perSeconds: 1)], headroom: 1, now: now)
        now = now + .seconds(2)
        // The one in flight still is.
        let one = limiter.available(2, now: now)
        #expect(one.count == 1)
    }

    @Test func `what a scope remembers is not counted twice when its history is read`() {
        var now = MonotonicInstant(nanoseconds: 10_000_000_000)
        var limiter = RateLimiter(limits: [RateLimit(count: 4, perSeconds: 10)], headroom: 1, now: now)
        limiter.take(1)
        limiter.answered(now: now)
        now = now + .seconds(3)
        limiter.restore(ages: [.seconds(4), .seconds(3)], now: now)
        now = now + .milliseconds(2500)
        // One more than what it remembers: two places are left, and the bucket fills with one in two and a half seconds.
        let grant = limiter.available(4, now: now)
        #expect(grant.count == 1)
        limiter.take(1)
        now = now + .milliseconds(2500)
        let second = limiter.available(4, now: now)
        #expect(second.count == 1)
    }
}
