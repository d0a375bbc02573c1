import Martlet
import Synchronization
import Testing

/// A register in memory that can be away, lose what it was told, and forget.
private final class MemoryRegister: ThrottleRegister {
    private struct State: Sendable {
        var states: [String: [UInt8]] = [:]
        var isAway = false
        var updates = 0
        var clock: Int64 = 0
        var isHolding = false
        var isHeld = false
    }

    private let state = Mutex(State())

    var updates: Int { state.withLock(\.updates) }
    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }
    /// Answers nobody from now on, until they are cancelled.
    func hold() { state.withLock { $0.isHolding = true } }
    /// Waits until somebody waits for an answer.
    func held() async { while !state.withLock(\.isHeld) { await Task.yield() } }
    func forget() { state.withLock { $0.states = [:] } }

    func update<Answer: Sendable>(
        _ keys: [String], _ change: @escaping @Sendable (inout [[UInt8]?], MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer {
        await Task.yield()
        if state.withLock(\.isHolding) {
            state.withLock { $0.isHeld = true }
            try? await Task.sleep(for: .seconds(600))
            throw StoreError(.unavailable, "cancelled")
        }
        let now = SystemTimeSource().now().microseconds * 1000
        let result: Result<Answer, StoreError> = state.withLock { state in
            guard !state.isAway else { return .failure(StoreError(.unavailable, "away")) }
            state.updates += 1
            state.clock = max(state.clock, now)
            var values = keys.map { state.states[$0] }
            let answer = change(&values, MonotonicInstant(nanoseconds: state.clock))
            for (key, value) in zip(keys, values) { state.states[key] = value }
            return .success(answer)
        }
        return try result.get()
    }

    func check() async throws(StoreError) {}
    func close() async {}
}

private final class Arrivals: Sendable {
    private let moments = Mutex<[MonotonicInstant]>([])
    func add(_ moment: MonotonicInstant) { moments.withLock { $0.append(moment) } }
    var sorted: [MonotonicInstant] { moments.withLock { $0.sorted() } }
}

@Suite(.timeLimit(.minutes(1))) struct SharedThrottleTests {
    private let channel = ThrottleScope.channel(ChannelID(unchecked: "chn_1"))
    private let tenant = ThrottleScope.tenant(TenantID(unchecked: "ten_1"))
    private let time = SystemTimeSource()

    private func throttle(_ register: MemoryRegister, _ name: String) -> SharedThrottle {
        SharedThrottle(register, worker: name, requestMax: .seconds(5), time: time) { _ in }
    }

    /// Runs the body while the throttles work.
    private func serving(_ throttles: SharedThrottle..., body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for throttle in throttles {
                group.addTask { await throttle.serve { try? await Task.sleep(for: .seconds(600)) } }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private func eventually(_ condition: () async -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while await !condition() {
            try #require(ContinuousClock.now < deadline, "the condition did not come true in time")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Sets limits and waits until they are in force.
    private func begin(_ throttle: SharedThrottle, _ scope: ThrottleScope, _ limits: [RateLimit]) async throws {
        await throttle.configure(scope, limits: limits, headroom: 0.5)
        try await eventually { await throttle.restore(scope, ages: []) }
    }

    @Test func `two workers share what one may send`() async throws {
        let register = MemoryRegister()
        let (first, second) = (throttle(register, "first"), throttle(register, "second"))
        try await serving(first, second) {
            try await begin(first, channel, [RateLimit(count: 10, perSeconds: 3600)])
            try await begin(second, channel, [RateLimit(count: 10, perSeconds: 3600)])
            let one = await first.acquire(3, in: [channel, tenant])
            let other = await second.acquire(10, in: [channel])
            #expect(one.count == 3)
            #expect(other.count == 2)
            #expect(other.retryAfter != nil)
            // What was not used goes to the other.
            await first.giveBack(2, in: [channel, tenant])
            try await eventually { await second.acquire(2, in: [channel]).count > 0 }
        }
    }

    @Test func `a tenant's limit holds over its channels, and one without limits costs nothing`() async throws {
        let register = MemoryRegister()
        let throttle = throttle(register, "first")
        let other = ThrottleScope.channel(ChannelID(unchecked: "chn_2"))
        try await serving(throttle) {
            for scope in [channel, other] {
                try await begin(throttle, scope, [RateLimit(count: 100, perSeconds: 3600)])
            }
            #expect(await throttle.acquire(4, in: [channel, tenant]).count == 4)
            try await begin(throttle, tenant, [RateLimit(count: 6, perSeconds: 3600)])
            #expect(await throttle.acquire(2, in: [channel, tenant]).count == 2)
            #expect(await throttle.acquire(5, in: [other, tenant]).count == 1)
        }
    }

    @Test func `nothing is granted while the register is away, and reports are made good`() async throws {
        let register = MemoryRegister()
        let throttle = throttle(register, "first")
        try await serving(throttle) {
            try await begin(throttle, channel, [RateLimit(count: 4, perSeconds: 0.2)])
            #expect(await throttle.acquire(2, in: [channel]).count == 2)
            register.setAway(true)
            let refused = await throttle.acquire(1, in: [channel])
            #expect(refused.count == 0)
            #expect(refused.retryAfter != nil)
            await throttle.answered(in: [channel])
            await throttle.answered(in: [channel])
            register.setAway(false)
            // All four places are free again only when both answers were told.
            try await eventually {
                let grant = await throttle.acquire(2, in: [channel])
                await throttle.giveBack(grant.count, in: [channel])
                return grant.count == 2
            }
        }
    }

    @Test func `limits that were set while the register was away hold when it is back`() async throws {
        let register = MemoryRegister()
        let throttle = throttle(register, "only")
        try await serving(throttle) {
            try await begin(throttle, channel, [RateLimit(count: 20, perSeconds: 3600)])
            register.setAway(true)
            await throttle.configure(channel, limits: [RateLimit(count: 2, perSeconds: 3600)], headroom: 0.5)
            register.setAway(false)
            try await eventually { await throttle.restore(channel, ages: []) }
            #expect(await throttle.acquire(5, in: [channel]).count == 1)
        }
    }

    @Test func `what the register forgets is named, formed anew, and filled with what was sent`() async throws {
        let register = MemoryRegister()
        let throttle = throttle(register, "first")
        try await serving(throttle) {
            try await begin(throttle, channel, [RateLimit(count: 10, perSeconds: 3600)])
            #expect(await throttle.acquire(1, in: [channel]).count == 1)
            #expect(await throttle.takeForgotten().isEmpty)
            register.forget()
            #expect(await throttle.acquire(1, in: [channel]).count == 0)
            #expect(await throttle.takeForgotten() == [channel])
            await throttle.configure(channel, limits: [RateLimit(count: 10, perSeconds: 3600)], headroom: 0.5)
            // Others may just be sending what they were granted before.
            #expect(await throttle.restore(channel, ages: []) == false)
            try await eventually { await throttle.restore(channel, ages: (0..<9).map { .seconds($0) }) }
            // Nine were sent, and one is in flight.
            #expect(await throttle.acquire(1, in: [channel]).count == 0)
        }
    }

    @Test func `a pause that one worker was told holds for the other`() async throws {
        let register = MemoryRegister()
        let (first, second) = (throttle(register, "first"), throttle(register, "second"))
        try await serving(first, second) {
            for each in [first, second] { try await begin(each, channel, [RateLimit(count: 100, perSeconds: 1)]) }
            #expect(await first.penalize(channel, retryAfter: .seconds(60)) == .seconds(60))
            let grant = await second.acquire(1, in: [channel])
            #expect(grant.count == 0)
            #expect((grant.retryAfter ?? .zero) > .seconds(50))
        }
    }

    @Test func `workers at once never pass a window, and ask seldom for much`() async throws {
        let register = MemoryRegister()
        let limit = RateLimit(count: 20, perSeconds: 0.25)
        let throttles = (0..<3).map { throttle(register, "worker-\($0)") }
        try await serving(throttles[0], throttles[1], throttles[2]) {
            for throttle in throttles { try await begin(throttle, channel, [limit]) }
            let arrivals = Arrivals()
            let end = time.monotonicNow() + .seconds(3)
            let (channel, time) = (channel, time)
            await withTaskGroup(of: Void.self) { group in
                for (index, throttle) in throttles.enumerated() {
                    group.addTask {
                        let random = SeededRandomSource(seed: UInt64(index))
                        await withTaskGroup(of: Void.self) { sends in
                            while time.monotonicNow() < end {
                                let grant = await throttle.acquire(5, in: [channel])
                                for _ in 0..<grant.count {
                                    let way = Duration.milliseconds(Int64(random.next() % 20))
                                    sends.addTask {
                                        try? await Task.sleep(for: way)
                                        arrivals.add(time.monotonicNow())
                                        try? await Task.sleep(for: way)
                                        await throttle.answered(in: [channel])
                                    }
                                }
                                if let wait = grant.retryAfter { try? await Task.sleep(for: wait) }
                            }
                        }
                    }
                }
            }
            let sorted = arrivals.sorted
            var first = 0
            var highest = 0
            for (index, arrival) in sorted.enumerated() {
                while arrival - sorted[first] >= limit.window { first += 1 }
                highest = max(highest, index - first + 1)
            }
            #expect(sorted.count > 20)
            #expect(highest <= limit.count)
        }
    }

    @Test func `when its work ends, the others have what it had not used`() async throws {
        let register = MemoryRegister()
        let (first, second) = (throttle(register, "first"), throttle(register, "second"))
        try await serving(second) {
            try await begin(second, channel, [RateLimit(count: 10, perSeconds: 3600)])
            let channel = channel
            await first.serve {
                await first.configure(channel, limits: [RateLimit(count: 10, perSeconds: 3600)], headroom: 0.5)
                #expect(await first.acquire(5, in: [channel]).count == 5)
                #expect(await second.acquire(1, in: [channel]).count == 0)
                await first.giveBack(5, in: [channel])
            }
            #expect(await second.acquire(5, in: [channel]).count == 5)
        }
    }

    @Test func `what is asked before its work waits for it, and what is asked afterwards is refused`() async throws {
        let register = MemoryRegister()
        let throttle = throttle(register, "first")
        let channel = channel
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await throttle.configure(channel, limits: [], headroom: 1) }
            await throttle.serve {}
        }
        let updates = register.updates
        #expect(updates > 0)
        let refused = await throttle.acquire(1, in: [channel])
        #expect(refused.count == 0)
        #expect(refused.retryAfter != nil)
        #expect(await throttle.restore(channel, ages: []) == false)
        #expect(await throttle.penalize(channel, retryAfter: .seconds(7)) == .seconds(7))
        await throttle.configure(channel, limits: [], headroom: 1)
        await throttle.giveBack(1, in: [channel])
        #expect(register.updates == updates)
    }

    @Test func `its work ends while the register is away, and when it is cancelled with somebody waiting`() async throws
    {
        let register = MemoryRegister()
        let away = throttle(register, "first")
        let channel = channel
        register.setAway(true)
        await away.serve { await away.ramp(channel) }
        register.setAway(false)
        register.hold()
        let cancelled = throttle(register, "second")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await cancelled.serve {
                    // The first is with the register, the second waits behind it.
                    async let first = cancelled.acquire(1, in: [channel])
                    async let second = cancelled.acquire(1, in: [channel])
                    #expect(await [first, second].map(\.count) == [0, 0])
                }
            }
            await register.held()
            group.cancelAll()
        }
    }
}
