/// An engine besides the store: it may be away while the store is not.
package protocol SeparateEngine: Sendable {
    /// Makes sure that it can do now all that it is there for.
    func check() async throws(StoreError)

    /// Ends the connections. What was taken from it and not finished is given out again, to whoever asks.
    func close() async
}

/// What may be an engine of its own.
package enum SeparatePart: String, Sendable { case queue, throttle, inbox }
