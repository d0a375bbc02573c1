#if SQS
    import Martlet

    /// How the queues are used.
    package struct SQSOptions: Sendable {
        /// Requests of one call that are under way at a time, at most.
        package var concurrency = 8
        /// How long a request that failed for a while is tried again before the call fails.
        package var patience: Duration = .seconds(15)
        /// How long one request may take, the time it is asked to wait not counted.
        package var requestTimeout: Duration = .seconds(5)
        /// The first pause before a request is tried again; each is twice the one before, less up to half by chance.
        package var pauseMin: Duration = .milliseconds(100)
        /// The longest pause before a request is tried again.
        package var pauseMax: Duration = .seconds(5)
        /// The longest that one request waits for notices, in whole seconds, 20 at most. It is also how long ``SQSBroker/close()``
        /// waits for what such a request still brings.
        package var longPoll: Duration = .seconds(5)
        /// Notices that came and were not handed out yet, and requests that may bring more, ten each: together at most so many.
        package var heldMax = 200
        package var time: any TimeSource = SystemTimeSource()
        package var random: any RandomSource = SystemRandomSource()

        package init() {}
    }
#endif
