import HeapModule
import Martlet
import Synchronization

/// What is to happen at its time outside of the nodes: requests on their way, acknowledgements, what the clients do.
final class Agenda: Sendable {
    private struct Item: Comparable {
        var at: MonotonicInstant
        var order: Int
        static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
    }

    private struct State {
        var order = 0
        var items: Heap<Item> = []
        var actions: [Int: @Sendable () async -> Void] = [:]
    }

    private let state = Mutex(State())
    private let signal = WakeSignal()
    private let time: any TimeSource

    init(time: any TimeSource) { self.time = time }

    func after(_ wait: Duration, _ action: @escaping @Sendable () async -> Void) {
        let at = time.monotonicNow() + max(.zero, wait)
        let isFirst = state.withLock { state in
            let first = state.items.min
            state.order += 1
            let item = Item(at: at, order: state.order)
            state.items.insert(item)
            state.actions[state.order] = action
            return first.map { item < $0 } ?? true
        }
        if isFirst { signal.signal() }
    }

    /// Forgets everything that was still to happen.
    func clear() {
        state.withLock { state in
            state.items = []
            state.actions = [:]
        }
    }

    /// Runs what is due, each in a task of its own, until it is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let now = time.monotonicNow()
                var wait: Duration = .seconds(86_400)
                let due = state.withLock { state in
                    var due: [@Sendable () async -> Void] = []
                    while let first = state.items.min {
                        guard first.at <= now else {
                            wait = first.at - now
                            break
                        }
                        _ = state.items.popMin()
                        if let action = state.actions.removeValue(forKey: first.order) { due.append(action) }
                    }
                    return due
                }
                for action in due { group.addTask { await action() } }
                if due.isEmpty { await signal.wait(atMost: wait, time: time) }
            }
            group.cancelAll()
        }
    }
}
