import Foundation
import NIOCore

/// A moment at the sandbox: on the clock that only runs forward, and on the wall.
package struct SandboxInstant: Sendable, Comparable {
    /// Nanoseconds on the monotonic clock that limits, delays and windows are measured with.
    package let nanoseconds: Int64

    /// Microseconds since 1970. Taken from the monotonic clock, so that a jump of the wall clock neither reorders the
    /// ledger nor bends a rate that is computed from it.
    package let wallMicroseconds: Int64

    package static func < (left: Self, right: Self) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// Whole seconds since 1970.
    var wallSeconds: Int64 { wallMicroseconds / 1_000_000 }
}

/// Reads the time. The wall clock is looked at once, at the start.
struct SandboxClock: Sendable {
    private let startNanoseconds: Int64
    private let startWallMicroseconds: Int64

    init() {
        startWallMicroseconds = Int64(Date().timeIntervalSince1970 * 1_000_000)
        startNanoseconds = Int64(NIODeadline.now().uptimeNanoseconds)
    }

    /// The present moment.
    func now() -> SandboxInstant {
        let nanoseconds = Int64(NIODeadline.now().uptimeNanoseconds)
        return SandboxInstant(
            nanoseconds: nanoseconds,
            wallMicroseconds: startWallMicroseconds + (nanoseconds - startNanoseconds) / 1000)
    }
}
