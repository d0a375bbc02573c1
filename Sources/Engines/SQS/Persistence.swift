#if SQS
    import Martlet

    /// How a call goes on after failures that pass: pauses that grow, up to a moment after which it gives up.
    struct Persistence: Sendable {
        private let options: SQSOptions
        private let end: MonotonicInstant
        private var failures = 0

        /// - parameter end: no pause ends after it.
        init(_ options: SQSOptions, until end: MonotonicInstant) {
            self.options = options
            self.end = end
        }

        /// For as long as the options say.
        init(_ options: SQSOptions) { self.init(options, until: options.time.monotonicNow() + options.patience) }

        /// For a call that has to answer soon: long enough to get over a connection that the other side had closed.
        static func brief(_ options: SQSOptions) -> Persistence {
            Persistence(options, until: options.time.monotonicNow() + .seconds(1))
        }

        /// The pause before the next attempt; nil when there is no time for one. Between half and all of a length that doubles:
        /// many processes that failed together do not come back together.
        mutating func nextPause() -> Duration? {
            failures += 1
            let length = min(options.pauseMax, options.pauseMin * (1 << min(failures - 1, 20)))
            let pause = length * (0.5 + options.random.unitInterval() / 2)
            return options.time.monotonicNow() + pause <= end ? pause : nil
        }
    }
#endif
