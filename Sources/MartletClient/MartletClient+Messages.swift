import NIOHTTP1

extension MartletClient {
    // MARK: Sending

    /// Hands over a notification. On return it is safe with the server.
    package func send(_ message: MessageRequest) async throws(ClientError) -> Answer<MessageRecord> {
        try await call(.POST, "/v1/messages", body: message)
    }

    /// Hands over 1 to 1000 notifications, each standing alone.
    package func send(_ messages: [MessageRequest]) async throws(ClientError) -> [BatchResult] {
        try await call(.POST, "/v1/messages/batch", body: BatchRequest(messages: messages), as: BatchAnswer.self)
            .value.results
    }

    // MARK: The communications log

    package func message(_ id: String) async throws(ClientError) -> Answer<MessageRecord> {
        try await call(.GET, "/v1/messages/\(Self.escaped(id))")
    }

    /// Messages, newest first.
    package func messages(_ filter: MessageFilter = MessageFilter()) async throws(ClientError)
        -> Answer<Page<MessageRecord>>
    {
        try await call(.GET, "/v1/messages", query: filter.query)
    }

    /// What happened to a message, oldest first.
    package func timeline(_ id: String) async throws(ClientError) -> Answer<Page<TimelineRecord>> {
        try await call(.GET, "/v1/messages/\(Self.escaped(id))/events")
    }

    /// Takes a message back that is not being sent yet.
    package func cancel(_ id: String) async throws(ClientError) -> Answer<MessageRecord> {
        try await call(.POST, "/v1/messages/\(Self.escaped(id))/cancel")
    }

    package func statistics() async throws(ClientError) -> Answer<Statistics> { try await call(.GET, "/v1/stats") }

    // MARK: Dead letters

    package func deadLetters(_ filter: MessageFilter = MessageFilter()) async throws(ClientError)
        -> Answer<Page<DeadLetterRecord>>
    {
        try await call(.GET, "/v1/dead-letters", query: filter.query)
    }

    package func deadLetter(_ id: String) async throws(ClientError) -> Answer<DeadLetterRecord> {
        try await call(.GET, "/v1/dead-letters/\(Self.escaped(id))")
    }

    /// Queues a dead letter again under its own id.
    /// - parameter correction: fields to replace, such as `to`; empty changes nothing.
    package func replay(_ id: String, correction: [String: JSON]) async throws(ClientError) -> Answer<MessageRecord> {
        try await call(.POST, "/v1/dead-letters/\(Self.escaped(id))/replay", body: correction)
    }

    /// Takes a dead letter out of the queue; the log keeps the failed message.
    package func discard(_ id: String) async throws(ClientError) {
        try await callWithoutValue(.DELETE, "/v1/dead-letters/\(Self.escaped(id))")
    }
}
