import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A moment of a clock that never jumps, for measuring and pacing. It means nothing outside this process.
package struct MonotonicInstant: Sendable, Hashable, Comparable {
    /// Nanoseconds since a start that is the clock's own.
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }
    package static func + (left: Self, right: Duration) -> Self {
        let (seconds, attoseconds) = right.components
        return Self(nanoseconds: left.nanoseconds + seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
    package static func - (left: Self, right: Self) -> Duration { .nanoseconds(left.nanoseconds - right.nanoseconds) }
}

/// Where the pipeline takes its time from: the only way it knows of any.
///
/// Durations come from ``monotonicNow()``, so that a wall clock that is set forward or back neither passes a limit nor
/// stops a channel. ``now()`` is for what is stored.
package protocol TimeSource: Sendable {
    /// The wall clock.
    func now() -> Timestamp
    /// The clock that never jumps.
    func monotonicNow() -> MonotonicInstant
    /// Returns after that time, or throws `CancellationError` when the task is cancelled before.
    func sleep(for duration: Duration) async throws
}

/// The machine's own clocks.
package struct SystemTimeSource: TimeSource {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    package func monotonicNow() -> MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration, tolerance: .zero)
    }
}

/// Where the pipeline takes its chance from: jitter and the random part of ids.
package protocol RandomSource: Sendable {
    func next() -> UInt64
}

/// The system's random source.
package struct SystemRandomSource: RandomSource {
    package init() {}
    package func next() -> UInt64 { UInt64.random(in: .min ... .max) }
}

/// A source that gives the same sequence for the same seed (SplitMix64).
package final class SeededRandomSource: RandomSource {
    private let state: Mutex<UInt64>

    package init(seed: UInt64) { state = Mutex(seed) }

    package func next() -> UInt64 {
        state.withLock { state in
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}

extension RandomSource {
    /// A number in 0 ..< 1.
    package func unitInterval() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
