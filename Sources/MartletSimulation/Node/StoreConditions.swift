import Martlet
import MartletTestSupport
import Synchronization

typealias MemoryStoreOperation = MemoryStore.Operation

/// What the store is like at the moment, for all nodes: slow, busy, full, away, and how often a caller dies in a call.
final class StoreConditions: Sendable {
    private struct State {
        var faults: [Scenario.StoreFault: Int] = [:]
        var failing: Double
        var crash: Double
        var crashesLeft: Int
    }

    private let state: Mutex<State>
    private let latency: Duration
    private let chance: Chance
    private let time: VirtualTime
    private static let latencyMax: Duration = .milliseconds(150)

    init(scenario: Scenario, seed: UInt64, time: VirtualTime) {
        state = Mutex(
            State(
                failing: scenario.odds.storeCallFails, crash: scenario.odds.crash, crashesLeft: scenario.crashesMax))
        latency = scenario.storeLatency
        chance = Chance(seed: seed, for: "store")
        self.time = time
    }

    func begin(_ fault: Scenario.StoreFault) { state.withLock { $0.faults[fault, default: 0] += 1 } }
    func end(_ fault: Scenario.StoreFault) { state.withLock { $0.faults[fault, default: 1] -= 1 } }

    func calmDown() {
        state.withLock { state in
            state.faults = [:]
            state.failing = 0
            state.crash = 0
        }
    }

    func crashes() -> Bool {
        let (probability, left) = state.withLock { ($0.crash, $0.crashesLeft) }
        guard left > 0, chance.happens(probability) else { return false }
        state.withLock { $0.crashesLeft -= 1 }
        return true
    }

    func before(_ operation: MemoryStoreOperation) async throws(StoreError) {
        if latency > .zero {
            try? await time.sleep(for: chance.latency(about: latency * 0.5, most: Self.latencyMax))
        }
        let (faults, failing) = state.withLock { ($0.faults, $0.failing) }
        if faults[.unavailable, default: 0] > 0 { throw StoreError(.unavailable, "away") }
        if faults[.full, default: 0] > 0, Self.writes.contains(operation) { throw StoreError(.full, "no room") }
        if faults[.busy, default: 0] > 0, chance.happens(0.7) { throw StoreError(.overloaded, "busy") }
        if chance.happens(failing) { throw StoreError(.unavailable, "a single failure") }
    }

    func after(_ operation: MemoryStoreOperation) async {
        guard latency > .zero else { return }
        try? await time.sleep(for: chance.latency(about: latency * 0.5, most: Self.latencyMax))
    }

    private static let writes = Set(MemoryStoreOperation.allCases).subtracting([
        .message, .messages, .timeline, .statistics, .queueDepth, .nextDue, .claimHistory, .nextReconciliation,
        .undecided, .tenants, .key, .keys, .channels, .setting, .depth, .entriesSetAside,
    ])
}
