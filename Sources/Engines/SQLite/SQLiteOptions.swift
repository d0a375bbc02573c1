/// How a SQLite store is opened.
package struct SQLiteOptions: Sendable {
    /// Whether an older schema is brought to this version's; if not, an older one is refused.
    package var migrate = true
    /// Connections for reading, at most; each is used by one query at a time.
    package var readersMax = 4
    /// How long a write waits for another process that holds the file's write lock.
    package var busyTimeout: Duration = .seconds(5)
    /// Pages of the write-ahead log after which a commit also copies them into the database file. Larger makes copying
    /// rarer and each copy longer; 1000 is SQLite's own default.
    package var checkpointPages = 2000
    /// What may wait to be written.
    package var limits = CommitQueue.Limits()

    /// Called with the text of every statement that runs, without its arguments: for looking into what the store does.
    package var onStatement: (@Sendable (String) -> Void)?

    package init() {}
}
