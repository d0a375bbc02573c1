import Synchronization

/// A wall clock that never goes back.
///
/// When the machine's clock is set back, everything that was due would be due only hours later, and every lease would seem
/// to last as long. This one follows the machine's clock forward at once; when that falls behind, it goes on by the clock
/// that never jumps, a twentieth more slowly, until the two agree again.
package final class SteadyTimeSource: TimeSource {
    private static let slowness = 0.95

    private let base: any TimeSource
    /// Where the machine's clock was last followed. Counting from here, not from call to call, loses no fraction.
    private let anchor: Mutex<(wall: Timestamp, monotonic: MonotonicInstant)>

    package init(_ base: any TimeSource) {
        self.base = base
        anchor = Mutex((base.now(), base.monotonicNow()))
    }

    package func now() -> Timestamp {
        anchor.withLock { anchor in
            let monotonic = base.monotonicNow()
            let wall = base.now()
            let own = anchor.wall + max(.zero, (monotonic - anchor.monotonic) * Self.slowness)
            guard wall >= own else { return own }
            anchor = (wall, monotonic)
            return wall
        }
    }

    package func monotonicNow() -> MonotonicInstant { base.monotonicNow() }
    package func sleep(for duration: Duration) async throws { try await base.sleep(for: duration) }
}
