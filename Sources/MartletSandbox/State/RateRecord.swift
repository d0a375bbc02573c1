import NIOCore

/// The highest count of accepted sends in any sliding second.
///
/// A window is half open, as the limiter's: two sends exactly a second apart do not share one.
struct RateRecord: Sendable {
    private static let second: Int64 = 1_000_000_000

    /// The highest count so far.
    private(set) var highest = 0

    private var moments = CircularBuffer<Int64>()

    /// Counts a send; moments come in order.
    mutating func count(at now: Int64) {
        moments.append(now)
        while let first = moments.first, first <= now - Self.second { moments.removeFirst() }
        highest = max(highest, moments.count)
    }
}
