import Synchronization

/// Lets one loop sleep until there is something to do. A signal that comes while nobody waits is kept for the next wait;
/// several count as one.
package final class WakeSignal: Sendable {
    private struct State: Sendable {
        var isSignalled = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    package func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isSignalled = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// Returns at a signal, after that time, or when the task is cancelled.
    package func wait(atMost duration: Duration, time: any TimeSource) async {
        let isSignalled = state.withLock { state in
            defer { state.isSignalled = false }
            return state.isSignalled
        }
        if isSignalled { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await time.sleep(for: duration) }
            group.addTask { await self.waitForSignal() }
            await group.next()
            group.cancelAll()
        }
    }

    /// Returns at a signal, or when the task is cancelled.
    package func wait() async { await waitForSignal() }

    private func waitForSignal() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if state.isSignalled || Task.isCancelled {
                        state.isSignalled = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume()
        }
    }
}
