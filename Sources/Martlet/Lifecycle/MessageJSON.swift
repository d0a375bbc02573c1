/// What of a message a database keeps as JSON. It stays text until somebody off the database's thread needs it: no rule looks
/// into it, and parsing it there would hold everybody up.
package struct MessageJSON: Sendable, Equatable {
    /// The content of the payload.
    package let payload: String
    package let event: String?
    package let metadata: String?

    private static let erased = "{}"

    package init(payload: String, event: String?, metadata: String?) {
        self.payload = payload
        self.event = event
        self.metadata = metadata
    }

    /// Writes it.
    package init(_ message: Message) {
        payload = message.payload.content.encodedText
        event = message.event?.encodedText
        metadata = message.metadata.isEmpty ? nil : message.metadata.encodedText
    }

    /// Whether what the message said has been redacted.
    package var isErased: Bool { payload == Self.erased }

    package func applying(_ change: MessageChange.PayloadChange) -> MessageJSON {
        switch change {
        case .keep: self
        case .erase: MessageJSON(payload: Self.erased, event: event, metadata: metadata)
        case .replace(let payload):
            MessageJSON(payload: payload.content.encodedText, event: event, metadata: metadata)
        }
    }

    /// The whole message: what is kept here in its place, and its job as a reader sees it.
    /// - parameter record: as it is stored, without its content.
    /// - throws: ``StoreError/Code/unusable`` when the stored JSON is none.
    package func completing(_ record: TrackedMessage) throws(StoreError) -> Message {
        var message = record.message
        message.payload.content = try object(payload, of: message.id)
        if let event { message.event = try object(event, of: message.id) }
        if let metadata { message.metadata = try object(metadata, of: message.id) }
        message.job = record.job?.snapshot
        return message
    }

    private func object(_ text: String, of message: MessageID) throws(StoreError) -> JSONObject {
        try JSONObject(stored: text, of: "message \(message)")
    }
}

extension JSONObject {
    /// Reads an object that was stored as text.
    /// - throws: ``StoreError/Code/unusable`` when it is none.
    init(stored text: String, of owner: @autoclosure () -> String) throws(StoreError) {
        guard let object = try? JSONParser.value(text).objectValue else {
            throw StoreError(.unusable, "the database holds malformed JSON in \(owner())")
        }
        self = object
    }
}
