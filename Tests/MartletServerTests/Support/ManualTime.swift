import Martlet
import Synchronization

/// A clock that stands still until a test moves it.
final class ManualTime: TimeSource {
    static let start = Timestamp(rfc3339: "2026-11-23T10:00:00Z")!

    private let elapsed = Mutex<Duration>(.zero)

    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }

    func now() -> Timestamp { Self.start + elapsed.withLock { $0 } }

    func monotonicNow() -> MonotonicInstant { MonotonicInstant(nanoseconds: 1) + elapsed.withLock { $0 } }

    /// Nothing here wakes a sleeper: it sleeps until it is cancelled.
    func sleep(for duration: Duration) async throws { try await Task.sleep(for: .seconds(3600)) }
}
