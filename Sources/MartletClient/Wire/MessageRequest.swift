/// A notification to be sent.
package struct MessageRequest: Sendable, Equatable, Encodable {
    /// What makes two requests the same event.
    package struct Event: Sendable, Equatable, Encodable {
        package var userID: String
        package var type: String
        /// RFC 3339.
        package var timestamp: String

        package init(userID: String, type: String, timestamp: String) {
            self.userID = userID
            self.type = type
            self.timestamp = timestamp
        }

        private enum CodingKeys: String, CodingKey {
            case type, timestamp
            case userID = "user_id"
        }
    }

    package var to: String
    /// `text`, `image`, `video`, `audio`, `document`, `sticker`, `location`, `contact` or `template`.
    package var type: String
    /// What the field named like the type holds.
    package var content: [String: JSON]
    /// The channel's name or id; may be left out where the tenant has one only.
    package var channel: String?
    package var event: Event?
    package var idempotencyKey: String?
    package var priority: String?
    /// RFC 3339; not before.
    package var sendAt: String?
    /// Seconds; not after.
    package var expiresIn: Int?
    package var onUnknown: String?
    package var redact: Bool?
    package var metadata: [String: String]?

    package init(to: String, type: String, content: [String: JSON]) {
        self.to = to
        self.type = type
        self.content = content
    }

    /// A text message.
    package init(to: String, text: String) { self.init(to: to, type: "text", content: ["body": .string(text)]) }

    private struct Name: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Name.self)
        try container.encode(to, forKey: Name(stringValue: "to"))
        try container.encode(type, forKey: Name(stringValue: "type"))
        try container.encode(content, forKey: Name(stringValue: type))
        try container.encodeIfPresent(channel, forKey: Name(stringValue: "channel"))
        try container.encodeIfPresent(event, forKey: Name(stringValue: "event"))
        try container.encodeIfPresent(idempotencyKey, forKey: Name(stringValue: "idempotency_key"))
        try container.encodeIfPresent(priority, forKey: Name(stringValue: "priority"))
        try container.encodeIfPresent(sendAt, forKey: Name(stringValue: "send_at"))
        try container.encodeIfPresent(expiresIn, forKey: Name(stringValue: "expires_in"))
        try container.encodeIfPresent(onUnknown, forKey: Name(stringValue: "on_unknown"))
        try container.encodeIfPresent(redact, forKey: Name(stringValue: "redact"))
        try container.encodeIfPresent(metadata, forKey: Name(stringValue: "metadata"))
    }
}

/// A list of notifications to be accepted in one call, each for itself.
struct BatchRequest: Encodable {
    var messages: [MessageRequest]
}

/// What a batch answers.
struct BatchAnswer: Decodable {
    var results: [BatchResult]
}
