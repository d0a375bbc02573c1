import Martlet
import Testing

/// Workers that share one limiter, and a provider seen from above. Workers die with requests on the way, their reports get
/// lost, the register forgets everything, and its clock is set back.
private struct SharedNetwork {
    struct Worker {
        var name: String
        var inFlight = 0
        var pending: [(arriveAt: MonotonicInstant, answerAt: MonotonicInstant)] = []
    }

    var arrivals: [MonotonicInstant] = []
    var grants = 0

    static func run(
        limits: [RateLimit], seconds: Double, seed: UInt64, wayMax: Double, disturbances: Bool
    ) -> SharedNetwork {
        let random = SeededRandomSource(seed: seed)
        func chance(_ probability: Double) -> Bool { random.unitInterval() < probability }
        let requestMax: Duration = .milliseconds(Int64(wayMax * 2000) + 100)
        let settling: Duration = .milliseconds(Int64(wayMax * 2000) + 100)
        var network = SharedNetwork()
        var now = MonotonicInstant(nanoseconds: 0)
        let end = now + .nanoseconds(Int64(seconds * 1e9))
        // The register's clock, which is not the true one.
        var registerOffset: Duration = .seconds(1_000_000)
        var state: [UInt8]?
        var claims: [MonotonicInstant] = []
        var names = 3
        var workers = (1...3).map { Worker(name: "worker-\($0)") }
        while now < end {
            now = now + .microseconds(Int64(random.next() % 15_000))
            let registerNow = now + registerOffset
            if disturbances, chance(0.001) { state = nil }
            if disturbances, chance(0.001) { registerOffset -= .seconds(Int64(random.next() % 30)) }
            let index = Int(random.next() % UInt64(workers.count))
            if disturbances, chance(0.003) {
                // What it has on the way arrives nevertheless.
                names += 1
                workers[index] = Worker(name: "worker-\(names)")
            }
            for each in workers.indices {
                let answered = workers[each].pending.filter { $0.answerAt <= now }.count
                workers[each].pending.removeAll { $0.answerAt <= now }
                workers[each].inFlight -= answered
            }
            var limiter: SharedLimiter
            if let kept = state.flatMap(SharedLimiter.init(encoded:)) {
                limiter = kept
            } else {
                limiter = SharedLimiter(
                    limits: limits, headroom: 0.9, restorableAt: registerNow + settling, now: registerNow)
            }
            limiter.advance(to: registerNow)
            limiter.hear(
                workers[index].name, inFlight: workers[index].inFlight, returned: 0, requestMax: requestMax,
                now: registerNow)
            if !limiter.isRestored {
                _ = limiter.restore(
                    ages: claims.suffix(limits.map(\.count).max() ?? 0).map {
                        now - $0 - .nanoseconds(Int64(wayMax * 1e9))
                    }, now: registerNow)
            }
            let wanted = 1 + Int(random.next() % 20)
            let grant = limiter.available(wanted, now: registerNow)
            if grant.count > 0 {
                limiter.take(grant.count, by: workers[index].name, requestMax: requestMax, now: registerNow)
            }
            state = limiter.encoded()
            // A change that was kept, and whose answer did not come back: nothing is sent, and nobody knows of the grant.
            guard grant.count > 0, !(disturbances && chance(0.01)) else { continue }
            network.grants += grant.count
            workers[index].inFlight += grant.count
            for _ in 0..<grant.count {
                let arrival = now + .nanoseconds(Int64(random.unitInterval() * wayMax * 1e9))
                let answer = arrival + .nanoseconds(Int64(random.unitInterval() * wayMax * 1e9))
                network.arrivals.append(arrival)
                claims.append(now)
                workers[index].pending.append((arrival, answer))
            }
        }
        network.arrivals.sort()
        return network
    }
}

extension SharedLimiter {
    /// ``available(_:now:)`` at a moment that the limiter has been brought to.
    fileprivate func offer(_ count: Int, at now: MonotonicInstant) -> ThrottleGrant {
        var copy = self
        copy.advance(to: now)
        return copy.available(count, now: now)
    }

    fileprivate func restored(_ ages: [Duration], at now: MonotonicInstant) -> SharedLimiter? {
        var copy = self
        return copy.restore(ages: ages, now: now) ? copy : nil
    }
}

@Suite struct SharedLimiterTests {
    static let cases: [(limits: [RateLimit], wayMax: Double)] = [
        ([RateLimit(count: 50, perSeconds: 1)], 0.02), ([RateLimit(count: 50, perSeconds: 1)], 0.6),
        ([RateLimit(count: 20, perSeconds: 10)], 0.3), ([RateLimit(count: 1, perSeconds: 3)], 0.5),
        ([RateLimit(count: 10, perSeconds: 1), RateLimit(count: 100, perSeconds: 30)], 0.2),
        ([RateLimit(count: 40, perSeconds: 1), RateLimit(count: 2000, perSeconds: 90)], 0.05),
    ]

    @Test(arguments: cases.indices, [UInt64](1...3))
    func `no window ever holds more than its limit, whatever happens to workers and register`(
        index: Int, seed: UInt64
    ) {
        let (limits, wayMax) = Self.cases[index]
        let network = SharedNetwork.run(
            limits: limits, seconds: 40, seed: seed, wayMax: wayMax, disturbances: true)
        #expect(network.grants >= 5)
        for limit in limits { #expect(network.arrivals.highest(in: limit.window) <= limit.count) }
    }

    @Test func `workers together reach the rate`() {
        let network = SharedNetwork.run(
            limits: [RateLimit(count: 50, perSeconds: 1)], seconds: 100, seed: 1, wayMax: 0.02, disturbances: false)
        let rate = Double(network.grants) / 100
        #expect(rate > 43 && rate <= 45.1)
    }

    private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private func limiter(_ count: Int = 10, per seconds: Double = 1, headroom: Double = 1) -> SharedLimiter {
        var limiter = SharedLimiter(
            limits: [RateLimit(count: count, perSeconds: seconds)], headroom: headroom, restorableAt: start, now: start)
        _ = limiter.restore(ages: [], now: start)
        return limiter
    }

    @Test func `nothing is granted before the windows are filled, which is not before its time`() {
        let limiter = SharedLimiter(
            limits: [RateLimit(count: 10, perSeconds: 1)], headroom: 0.5, restorableAt: start + .seconds(2), now: start)
        #expect(limiter.offer(1, at: start) == ThrottleGrant(count: 0, retryAfter: .seconds(2)))
        #expect(limiter.restored([], at: start + .seconds(1)) == nil)
        let restored = limiter.restored([], at: start + .seconds(2))
        #expect(restored?.offer(1, at: start + .seconds(3)).count == 1)
    }

    @Test func `what a silent worker had in flight holds its places only for as long as a request may take`() {
        var limiter = limiter(2, headroom: 0.5)
        limiter.advance(to: start + .seconds(2))
        #expect(limiter.offer(2, at: start + .seconds(2)).count == 1)
        limiter.take(1, by: "gone", requestMax: .seconds(10), now: start + .seconds(2))
        limiter.advance(to: start + .seconds(11))
        #expect(limiter.offer(2, at: start + .seconds(11)).count == 1)
        limiter.take(1, by: "here", requestMax: .seconds(10), now: start + .seconds(11))
        limiter.advance(to: start + .seconds(11.9))
        #expect(limiter.offer(1, at: start + .seconds(11.9)).count == 0)
        // Answered at the latest at 12 s, it leaves the window at 13 s.
        limiter.advance(to: start + .seconds(13.1))
        #expect(limiter.offer(1, at: start + .seconds(13.1)).count == 1)
    }

    @Test func `a report that comes twice counts once`() {
        var limiter = limiter(3, headroom: 0.34)
        limiter.take(2, by: "a", requestMax: .seconds(10), now: start)
        for _ in 0..<3 { limiter.hear("a", inFlight: 1, returned: 0, requestMax: .seconds(10), now: start) }
        // One in flight and one answered: a single place is left.
        limiter.advance(to: start + .seconds(0.99))
        #expect(limiter.offer(3, at: start + .seconds(0.99)).count <= 1)
        limiter.hear("a", inFlight: 0, returned: 0, requestMax: .seconds(10), now: start + .seconds(0.99))
        limiter.advance(to: start + .seconds(2.5))
        #expect(limiter.offer(3, at: start + .seconds(2.5)).count >= 1)
    }

    @Test func `a pause holds for all, and outlives being written down`() throws {
        var limiter = limiter()
        let pause = limiter.penalize(retryAfter: .seconds(7), now: start)
        #expect(pause == .seconds(7))
        var other = try #require(SharedLimiter(encoded: limiter.encoded()))
        other.advance(to: start + .seconds(6))
        #expect(other.offer(1, at: start + .seconds(6)).count == 0)
        other.advance(to: start + .seconds(12))
        #expect(other.offer(1, at: start + .seconds(12)).count == 1)
    }

    @Test func `a window that becomes longer is filled again before anything goes`() {
        var limiter = limiter(10, per: 1, headroom: 0.5)
        limiter.configure(limits: [RateLimit(count: 10, perSeconds: 1)], headroom: 0.5, now: start)
        #expect(limiter.isRestored)
        limiter.configure(limits: [RateLimit(count: 10, perSeconds: 60)], headroom: 0.5, now: start)
        #expect(!limiter.isRestored)
        let restored = limiter.restored((0..<10).map { .seconds($0) }, at: start)
        #expect(restored?.offer(1, at: start + .seconds(20)).count == 0)
    }

    @Test func `a state of a day with many thousands of answers stays small`() throws {
        let limits = [RateLimit(count: 100, perSeconds: 1), RateLimit(count: 100_000, perSeconds: 86_400)]
        var limiter = SharedLimiter(limits: limits, headroom: 0.9, restorableAt: start, now: start)
        _ = limiter.restore(ages: [], now: start)
        var now = start
        for _ in 0..<20_000 {
            now = now + .milliseconds(900)
            limiter.advance(to: now)
            guard limiter.available(1, now: now).count == 1 else { continue }
            limiter.take(1, by: "a", requestMax: .seconds(10), now: now)
            limiter.hear("a", inFlight: 0, returned: 0, requestMax: .seconds(10), now: now)
            if now.nanoseconds % 7 == 0 { limiter = try #require(SharedLimiter(encoded: limiter.encoded())) }
        }
        let state = limiter.encoded()
        #expect(state.count < 16_000)
    }

    @Test func `what is none of its states is read as none`() {
        let state = limiter().encoded()
        #expect(SharedLimiter(encoded: []) == nil)
        for length in stride(from: 0, to: state.count, by: 5) {
            #expect(SharedLimiter(encoded: Array(state.prefix(length))) == nil)
        }
        #expect(SharedLimiter(encoded: state + [0]) == nil)
        #expect(SharedLimiter(encoded: state) != nil)
        let random = SeededRandomSource(seed: 3)
        for _ in 0..<2000 {
            var damaged = state
            damaged[Int(random.next() % UInt64(state.count))] = UInt8(truncatingIfNeeded: random.next())
            // Whatever it reads as, it must not crash.
            if var limiter = SharedLimiter(encoded: damaged) {
                limiter.advance(to: start)
                _ = limiter.available(1, now: start)
            }
        }
    }
}
