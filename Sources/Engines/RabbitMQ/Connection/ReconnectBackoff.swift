#if RabbitMQ
    /// When to try again to connect: after a pause that grows with each failure, with jitter, so that many processes do not
    /// come back in one moment.
    struct ReconnectBackoff {
        private var pause: Duration = .zero
        /// The moment from which on another try may be made.
        private(set) var nextTry = ContinuousClock.now

        private let firstPause: Duration
        private static let longestPause: Duration = .seconds(5)

        init(firstPause: Duration) { self.firstPause = firstPause }

        var isOver: Bool { ContinuousClock.now >= nextTry }

        mutating func failed() {
            pause = pause == .zero ? firstPause : min(pause * 2, Self.longestPause)
            nextTry = .now + pause * Double.random(in: 0.5...1)
        }

        mutating func reset() {
            pause = .zero
            nextTry = .now
        }
    }
#endif
