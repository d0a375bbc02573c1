import HeapModule
import Martlet
import Synchronization

/// A clock that stands still until it is moved: to the next sleeper, or by hand. The wall clock can be set apart from the
/// monotonic one, as an administrator would.
package final class VirtualTime: TimeSource {
    private struct Sleeper: Comparable {
        var at: Int64
        /// Sleepers for the same moment wake in the order in which they went to sleep.
        var order: Int
        static func < (left: Self, right: Self) -> Bool { (left.at, left.order) < (right.at, right.order) }
    }

    private struct State {
        var nanoseconds: Int64 = 0
        var wallOffset: Int64
        var order = 0
        var sleepers: Heap<Sleeper> = []
        var continuations: [Int: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state: Mutex<State>

    /// - parameter start: the wall clock's first time.
    package init(start: Timestamp = Timestamp(seconds: 1_790_000_000)) {
        state = Mutex(State(wallOffset: start.microseconds))
    }

    package func now() -> Timestamp {
        state.withLock { Timestamp(microseconds: $0.wallOffset + $0.nanoseconds / 1000) }
    }

    package func monotonicNow() -> MonotonicInstant { state.withLock { MonotonicInstant(nanoseconds: $0.nanoseconds) } }

    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        let order = state.withLock { state in
            state.order += 1
            return state.order
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    let at = (MonotonicInstant(nanoseconds: state.nanoseconds) + max(.zero, duration)).nanoseconds
                    state.sleepers.insert(Sleeper(at: at, order: order))
                    state.continuations[order] = continuation
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.continuations.removeValue(forKey: order) }?.resume(throwing: CancellationError())
        }
    }

    /// Moves to the moment the first sleeper wakes, and wakes it. False when nobody sleeps.
    package func advanceToNextSleeper() -> Bool {
        while true {
            let woken = state.withLock { state -> CheckedContinuation<Void, any Error>?? in
                guard let sleeper = state.sleepers.popMin() else { return .none }
                guard let continuation = state.continuations.removeValue(forKey: sleeper.order) else {
                    return .some(nil)
                }
                state.nanoseconds = max(state.nanoseconds, sleeper.at)
                return .some(continuation)
            }
            switch woken {
            case .none: return false
            case .some(nil): continue
            case .some(let continuation?):
                continuation.resume()
                return true
            }
        }
    }

    /// Sets the wall clock forward or back; the monotonic clock does not notice.
    package func jumpWallClock(by duration: Duration) {
        state.withLock { $0.wallOffset += duration.microseconds }
    }
}
