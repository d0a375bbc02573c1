/// Durations as they were measured, for exact percentiles. Four bytes each: a million samples take 4 MB.
package struct Histogram: Sendable {
    private var microseconds: [UInt32] = []
    private var isSorted = true

    package init() {}

    package var count: Int { microseconds.count }

    /// Adds a duration; one of more than 71 minutes counts as 71 minutes.
    package mutating func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let value = max(
            0, seconds.multipliedReportingOverflow(by: 1_000_000).partialValue + attoseconds / 1_000_000_000_000)
        microseconds.append(UInt32(clamping: value))
        isSorted = false
    }

    /// Adds everything another one holds.
    package mutating func merge(_ other: Histogram) {
        microseconds.append(contentsOf: other.microseconds)
        isSorted = false
    }

    /// The smallest duration that at least that share of the samples does not pass; zero when there are none.
    /// - parameter share: 0 to 1.
    package mutating func percentile(_ share: Double) -> Duration {
        guard !microseconds.isEmpty else { return .zero }
        if !isSorted {
            microseconds.sort()
            isSorted = true
        }
        let rank = Int((share * Double(microseconds.count)).rounded(.up))
        return .microseconds(Int64(microseconds[min(max(rank, 1), microseconds.count) - 1]))
    }

    /// The usual percentiles in one line, such as `p50 1.2 ms  p90 3.0 ms  p99 8.1 ms  max 12 ms`.
    package mutating func summary() -> String {
        guard !microseconds.isEmpty else { return "no samples" }
        return [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)]
            .map { "\($0.0) \(Self.readable(percentile($0.1)))" }.joined(separator: "  ")
    }

    /// A duration as a person would write it: `340 µs`, `1.2 ms`, `3.4 s`.
    package static func readable(_ duration: Duration) -> String {
        let microseconds = Double(duration.components.seconds) * 1e6 + Double(duration.components.attoseconds) / 1e12
        func digits(_ value: Double) -> String {
            // Rounded before it is judged: 9.96 is 10, not 10.0.
            guard (value * 10).rounded() / 10 < 10 else { return "\(Int(value.rounded()))" }
            let tenths = Int((value * 10).rounded())
            return "\(tenths / 10).\(tenths % 10)"
        }
        switch microseconds {
        case ..<1000: return "\(Int(microseconds)) µs"
        case ..<1_000_000: return "\(digits(microseconds / 1000)) ms"
        default: return "\(digits(microseconds / 1_000_000)) s"
        }
    }
}
