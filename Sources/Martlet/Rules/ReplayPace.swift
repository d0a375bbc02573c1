/// Keeps a bulk replay to its rate.
///
/// Tokens come in at the rate and are spent in portions of about a tenth of a second, so that a fast job takes few
/// transactions and a slow one still goes evenly. What could not be spent is kept for two portions only: a store that was away
/// for a minute is not followed by a minute's worth at once.
package struct ReplayPace: Sendable {
    private static let portionSeconds = 0.1

    private let perSecond: Double
    /// What is spent at a time, when there is enough to do.
    private let portion: Double
    /// A new pace begins with one, so that a job which is restarted again and again gets on.
    private var tokens = 1.0
    private var filledAt: MonotonicInstant

    /// - parameter perSecond: above zero.
    package init(perSecond: Double, now: MonotonicInstant) {
        self.perSecond = perSecond
        portion = max(1, (perSecond * Self.portionSeconds).rounded(.down))
        filledAt = now
    }

    /// How many may go now.
    package mutating func available(now: MonotonicInstant) -> Int {
        if now > filledAt {
            tokens = min(2 * portion, tokens + (now - filledAt).seconds * perSecond)
            filledAt = now
        }
        // A token that is short by a rounding error is a whole one.
        return Int(tokens + 1e-6)
    }

    /// Spends what ``available(now:)`` allowed.
    package mutating func take(_ count: Int) { tokens -= Double(count) }

    /// How long it takes from the last call of ``available(now:)`` until a portion is there.
    package var untilNextPortion: Duration {
        .nanoseconds(Int64((max(0, portion - tokens) / perSecond * 1e9).rounded(.up)))
    }
}
