import Martlet
import MartletTestSupport
import Synchronization

/// The throttle's register in memory, for all nodes: slow, away, in doubt, and forgetful.
final class SharedRegister: Sendable {
    private struct State {
        var states: [String: [UInt8]] = [:]
        var faults: [Scenario.RegisterFault: Int] = [:]
        var plan: Scenario.RegisterPlan
        /// How far its clock was set back.
        var setBack: Duration = .zero
    }

    private let state: Mutex<State>
    private let chance: Chance
    private let time: VirtualTime
    private let start: Timestamp
    private let trace: Trace
    let mutation: Mutation?
    private static let latencyMax: Duration = .milliseconds(300)

    init(plan: Scenario.RegisterPlan, seed: UInt64, mutation: Mutation?, time: VirtualTime, trace: Trace) {
        state = Mutex(State(plan: plan))
        chance = Chance(seed: seed, for: "register")
        self.time = time
        self.trace = trace
        self.mutation = mutation
        start = time.now()
    }

    // MARK: Trouble

    func begin(_ fault: Scenario.RegisterFault) {
        trace.note("the register: \(fault.rawValue)")
        state.withLock { state in
            switch fault {
            case .forgets: state.states = [:]
            case .setsBack: state.setBack += .seconds(3)
            case .away, .slow: state.faults[fault, default: 0] += 1
            }
        }
    }

    func end(_ fault: Scenario.RegisterFault) { state.withLock { $0.faults[fault, default: 1] -= 1 } }

    func calmDown() {
        state.withLock { state in
            state.faults = [:]
            state.plan.fails = 0
            state.plan.doubt = 0
        }
    }

    /// Makes it one that has been there for a while when the run begins.
    func age() async {
        state.withLock { $0.setBack = .seconds(60) }
        let first = SharedThrottle(
            NodeRegister(shared: self, lifeline: nil), worker: "first", requestMax: .seconds(1), time: time
        ) { _ in }
        await first.serve {
            await first.configure(.channel(ChannelID(unchecked: "chn_first")), limits: [], headroom: 1)
        }
        state.withLock { $0.setBack = .zero }
    }

    // MARK: The port

    private var now: MonotonicInstant {
        let sinceStart = time.monotonicNow().nanoseconds
        let setBack = state.withLock { $0.setBack }
        return MonotonicInstant(nanoseconds: start.microseconds * 1000 + sinceStart) + (.zero - setBack)
    }

    private func wait() async throws(StoreError) {
        let (isSlow, typical) = state.withLock { ($0.faults[.slow, default: 0] > 0, $0.plan.latency) }
        let latency =
            isSlow
            ? chance.duration(.milliseconds(200) ... .milliseconds(1500))
            : chance.latency(about: typical * 0.5, most: Self.latencyMax)
        guard latency > .zero else { return }
        do { try await time.sleep(for: latency) } catch { throw StoreError(.unavailable, "cancelled") }
    }

    func update<Answer: Sendable>(
        _ keys: [String],
        _ change: @escaping @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer {
        try await wait()
        let plan = state.withLock { $0.plan }
        if state.withLock({ $0.faults[.away, default: 0] > 0 }) { throw StoreError(.unavailable, "away") }
        if chance.happens(plan.fails) { throw StoreError(.unavailable, "a single failure") }
        let now = now
        // Somebody was in the way: what the first try made of it is not kept.
        if chance.happens(plan.repeats) {
            var values = state.withLock { state in keys.map { state.states[$0] } }
            _ = change(&values, now)
        }
        let answer: Answer
        if mutation == .registerWritesBlindly {
            var values = state.withLock { state in keys.map { state.states[$0] } }
            answer = change(&values, now)
            try await wait()
            state.withLock { state in for (key, value) in zip(keys, values) { state.states[key] = value } }
        } else {
            answer = state.withLock { state in
                var values = keys.map { state.states[$0] }
                let answer = change(&values, now)
                for (key, value) in zip(keys, values) { state.states[key] = value }
                return answer
            }
        }
        try await wait()
        // It is kept, and its caller is told otherwise.
        if chance.happens(plan.doubt) { throw StoreError(.unavailable, "no answer") }
        return answer
    }
}

/// One node's connection to the register.
struct NodeRegister: ThrottleRegister {
    let shared: SharedRegister
    let lifeline: Lifeline?

    func update<Answer: Sendable>(
        _ keys: [String],
        _ change: @escaping @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer {
        try await lifeline?.pass()
        // What one worker's register says, no other sees.
        let isShared = shared.mutation != .registerIsNotShared
        let answer = try await shared.update(
            isShared ? keys : keys.map { "\(lifeline?.incarnation ?? 0) \($0)" }, change)
        try await lifeline?.pass()
        return answer
    }

    func check() async throws(StoreError) {}
    func close() async {}
}
