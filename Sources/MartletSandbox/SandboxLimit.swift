/// So many sends in any window of such a length.
package struct SandboxLimit: Sendable, Hashable, CustomStringConvertible {
    /// The sends allowed in the window, at least 1.
    package let count: Int

    /// The length of the window, more than zero.
    package let period: Duration

    /// - Precondition: both are above zero.
    package init(count: Int, per period: Duration) {
        precondition(count > 0 && period > .zero, "a limit allows at least one send in a window that has a length")
        self.count = count
        self.period = period
    }

    /// The limit in the form ``SandboxConfiguration/parseLimit(_:)`` reads, such as `50/1s` or `3/500ms`.
    package var description: String {
        let milliseconds = period.nanosecondsRounded / 1_000_000
        return milliseconds % 1000 == 0 ? "\(count)/\(milliseconds / 1000)s" : "\(count)/\(milliseconds)ms"
    }

    var periodNanoseconds: Int64 { period.nanosecondsRounded }
}

extension Duration {
    /// The duration in nanoseconds, what is below one cut off.
    var nanosecondsRounded: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
