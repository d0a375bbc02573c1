#if Redis
    /// What operators need not choose; tests shorten it.
    struct RedisOptions: Sendable {
        /// How long a connection may take until it stands and is signed in.
        var connectTimeout: Duration = .seconds(3)
        /// How long the server may keep silent while an answer is due; then the connection is taken for dead.
        var commandTimeout: Duration = .seconds(5)
        /// The first pause after a failed connection; each one after it is twice as long.
        var pauseFirst: Duration = .milliseconds(100)
        var pauseMax: Duration = .seconds(3)
        /// Calls that may wait for a connection; the next is refused as `overloaded`.
        var waitingMax = 1000
        /// How long the server holds an answer back until something comes; well under ``commandTimeout``. What becomes due
        /// or free without anything being added is noticed after that time.
        var blockMax: Duration = .milliseconds(500)
        /// How long a job notice lies with a receiver until it goes to another.
        var redeliverAfter: Duration = .seconds(60)
        /// How often a receiver looks for such notices.
        var reclaimEvery: Duration = .seconds(5)
        /// How often the names of receivers are cleared away that hold nothing and were not heard of for ``forgetAfter``.
        var tidyEvery: Duration = .seconds(60)
        var forgetAfter: Duration = .seconds(600)
        /// When a webhook that lies with a process, and of which nobody knows until when, is given to another.
        var freeAfter: Duration = .seconds(3600)
        /// Dead letters that are kept in Redis, about.
        var deadLettersMax = 10_000
        /// How long a throttle's state outlives its last change: longer than the longest window it may have to remember.
        var stateLifetime: Duration = .seconds(8 * 86_400)
    }
#endif
