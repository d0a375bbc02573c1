import Martlet
import Synchronization

/// Whether a node lives, hangs or is dead, and what its calls to the store meet with.
final class Lifeline: Sendable {
    private struct State {
        var isDead = false
        var stalledUntil: MonotonicInstant?
        var wasStalled = false
    }

    let incarnation: Int
    /// The node's clock.
    let time: SteadyTimeSource
    private let state = Mutex(State())
    private let conditions: StoreConditions
    private let log: RunLog
    private let trace: Trace
    /// Whether it goes on as before when it has hung.
    private let goesOn: Bool
    /// Signalled at death.
    let end = WakeSignal()

    init(
        incarnation: Int, time: SteadyTimeSource, conditions: StoreConditions, log: RunLog, trace: Trace, goesOn: Bool
    ) {
        self.goesOn = goesOn
        self.incarnation = incarnation
        self.time = time
        self.conditions = conditions
        self.log = log
        self.trace = trace
    }

    var isDead: Bool { state.withLock { $0.isDead } }
    var wasStalled: Bool { state.withLock { $0.wasStalled } }

    /// The process is gone, whatever it was doing: what it does from now on reaches nobody.
    func die(_ cause: String) {
        let isNews = state.withLock { state in
            defer { state.isDead = true }
            return !state.isDead
        }
        guard isNews else { return }
        trace.note("node \(incarnation) dies: \(cause)")
        log.died(incarnation)
        end.signal()
    }

    /// Its calls to the store and the register hang until then. What it had claimed may meanwhile be taken over. With a throttle
    /// of its own it makes no new claims afterwards, as it does not know what its successor sends.
    func stall(for duration: Duration) {
        let until = time.monotonicNow() + duration
        state.withLock { state in
            state.stalledUntil = until
            state.wasStalled = true
        }
        log.stalled(incarnation, until: goesOn ? until : nil)
        trace.note("node \(incarnation) hangs for \(duration.seconds) s")
    }

    /// A node that hangs comes back when its time is over, or at the worst of moments: when another one is just about to do
    /// again what this one had begun.
    var isHanging: Bool {
        guard let until = state.withLock({ $0.stalledUntil }) else { return false }
        return until > time.monotonicNow() && !log.isOvertaken(incarnation)
    }

    private static let deathError = StoreError(.unavailable, "the process is dead")

    /// Waits while it hangs.
    /// - throws: when it is dead.
    func pass() async throws(StoreError) {
        while isHanging, !isDead {
            do { try await time.sleep(for: .milliseconds(100)) } catch { throw StoreError(.unavailable, "cancelled") }
        }
        if isDead { throw Self.deathError }
    }

    func before(_ operation: MemoryStoreOperation) async throws(StoreError) {
        if isDead { throw Self.deathError }
        if wasStalled {
            try await pass()
            if !goesOn, Self.begins.contains(operation) {
                throw StoreError(.unavailable, "this node was gone for too long")
            }
        }
        try await conditions.before(operation)
        if isDead { throw Self.deathError }
        if conditions.crashes() {
            die("before \(operation.rawValue)")
            throw Self.deathError
        }
    }

    func after(_ operation: MemoryStoreOperation) async throws(StoreError) {
        await conditions.after(operation)
        if conditions.crashes() { die("after \(operation.rawValue)") }
        if isDead { throw Self.deathError }
    }

    /// Calls with which something new begins.
    private static let begins: Set<MemoryStoreOperation> = [.claim, .claimLookUps, .lease, .accept, .append]
}
