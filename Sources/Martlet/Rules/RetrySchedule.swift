/// When a message that failed for the moment is tried again.
package struct RetrySchedule: Sendable, Equatable {
    /// The waits before attempt 2, 3, …; after the last attempt the message goes to the dead-letter queue.
    package var delays: [Duration]
    /// Up to this fraction is added to a wait, never taken from it.
    package var jitter: Double

    package static let standard = RetrySchedule(
        delays: [.seconds(5), .seconds(15), .seconds(45), .seconds(135), .seconds(405)], jitter: 0.1)

    package init(delays: [Duration], jitter: Double) {
        self.delays = delays
        self.jitter = jitter
    }

    /// The attempts a message has in all.
    package var attemptsMax: Int { delays.count + 1 }

    /// The wait after that many counted attempts, or nil when they were the last.
    /// - Parameters:
    ///   - attempts: attempts made so far, at least 1.
    ///   - retryAfter: the least wait the provider asked for.
    ///   - chance: a number in 0 ..< 1.
    package func delay(afterAttempts attempts: Int, retryAfter: Duration?, chance: Double) -> Duration? {
        guard attempts >= 1, attempts <= delays.count else { return nil }
        let planned = delays[attempts - 1]
        let wait = planned + planned * (jitter * chance)
        guard let retryAfter else { return wait }
        return max(wait, min(retryAfter, Self.retryAfterMax))
    }

    /// The longest wait a provider may ask for: one day.
    package static let retryAfterMax: Duration = .seconds(86_400)
}
