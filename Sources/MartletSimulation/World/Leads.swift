import Martlet
import MartletTestSupport
import Synchronization

/// Which of the nodes leads. One that is dead or hangs is cut off; another leads in its place after a while, and it finds out
/// when it comes to itself.
final class Leads: Sendable {
    private struct State {
        var leader: Lifeline?
        var freeSince: MonotonicInstant?
    }

    private let state = Mutex(State())
    private let time: VirtualTime
    private let trace: Trace
    /// How long a leader must be cut off before another leads.
    private static let grace: Duration = .seconds(6)
    private static let interval: Duration = .seconds(1)

    init(time: VirtualTime, trace: Trace) {
        self.time = time
        self.trace = trace
    }

    /// Runs the body whenever the node leads, until its task is cancelled.
    func lead(_ node: Lifeline, _ body: @escaping @Sendable () async -> Void) async {
        while !Task.isCancelled {
            guard !node.isHanging, isElected(node) else {
                try? await time.sleep(for: Self.interval * 0.7)
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await body() }
                group.addTask { [time] in
                    while !Task.isCancelled, node.isHanging || self.leads(node) {
                        try? await time.sleep(for: Self.interval)
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }
        state.withLock { if $0.leader === node { $0.leader = nil } }
    }

    private func leads(_ node: Lifeline) -> Bool { state.withLock { $0.leader === node } }

    private func isElected(_ node: Lifeline) -> Bool {
        let now = time.monotonicNow()
        let isElected = state.withLock { state in
            if let leader = state.leader {
                guard leader.isDead || leader.isHanging else {
                    state.freeSince = nil
                    return false
                }
                let since = state.freeSince ?? now
                state.freeSince = since
                guard now - since >= Self.grace else { return false }
            }
            state.leader = node
            state.freeSince = nil
            return true
        }
        if isElected { trace.note("node \(node.incarnation) leads") }
        return isElected
    }
}
