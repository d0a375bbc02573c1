#if PostgreSQL
    /// How a PostgreSQL store is opened.
    package struct PostgreSQLOptions: Sendable {
        /// Whether an older schema is brought to this version's; if not, an older one is refused.
        package var migrate = true
        /// Connections that write, at most.
        package var writersMax = 4
        /// Connections that read, at most.
        package var readersMax = 4
        /// Calls that may wait for a connection, of each kind.
        package var waitingMax = 1024
        /// An old week with this many messages to remove is emptied as a whole; one with fewer, row by row.
        package var rowsWorthEmptying = 10_000
        /// Whether bulk replays are the leader's (``Leadership``), who takes them over at once.
        package var replaysNeedLead = false
        /// Whether due jobs and dead letters are noted in the outbox, for a relay to publish them to a broker.
        package var writesOutbox = false
        /// Called with the text of every statement that runs, without its arguments: for looking into what the store does.
        package var onStatement: (@Sendable (String) -> Void)?

        package init() {}
    }
#endif
