import Martlet

/// A page of the provider's message log (docs 'Get Message Logs'), newest first.
package struct MessageLogPage {
    package var rows: [MessageLogRow]
    var isLast: Bool

    /// Nil when the answer holds no rows in a form that is known.
    package init?(_ envelope: Envelope, perPage: Int) {
        let values: [JSONValue]
        if let array = envelope.data?.arrayValue {
            values = array
        } else if let array = envelope.data?["data"]?.arrayValue {
            values = array
        } else {
            return nil
        }
        rows = values.compactMap(MessageLogRow.init)
        isLast = values.count < perPage
    }
}

/// One send as the provider remembers it.
package struct MessageLogRow {
    /// The same number the send was answered with.
    var id: String
    /// Nil where the session does not log messages.
    package var recipient: String?
    /// The body of the send without the recipient; nil where the session does not log messages.
    package var content: JSONObject?
    var hasFailed: Bool
    var failure: String?
    var createdAt: Timestamp?

    init?(_ value: JSONValue) {
        guard let row = value.objectValue, let id = row["id"]?.messageLogID else { return nil }
        self.id = id
        recipient = row["to"]?.stringValue
        switch row["content"] {
        case .string(let text)?: content = try? JSONParser.value(text).objectValue
        case .object(let object)?: content = object
        default: content = nil
        }
        hasFailed = row["status"]?.stringValue?.lowercased() == "failed"
        failure = row["failed_reason"]?.stringValue
        createdAt = row["created_at"]?.stringValue.flatMap(Self.timestamp)
    }

    /// Whether this is a send of that content to that recipient.
    package func isSend(of wanted: JSONObject, to number: PhoneNumber) -> Bool {
        guard let recipient, let content else { return false }
        let digits = recipient.prefix { $0 != "@" }.filter(\.isWholeNumber)
        return digits == number.digits
            && wanted.members.allSatisfy { Self.areSame($0.value, content[$0.name]) }
            // What the wanted one does not have, such as a caption, must be absent here, too.
            && Self.contentNames.allSatisfy { wanted[$0] != nil || content[$0] == nil || content[$0] == .null }
    }

    private static let contentNames = [
        "text", "imageUrl", "videoUrl", "audioUrl", "documentUrl", "stickerUrl", "contact", "location", "poll",
    ]

    /// The provider trims strings, and numbers come back in another form.
    private static func areSame(_ left: JSONValue, _ right: JSONValue?) -> Bool {
        switch (left, right) {
        case (.string(let left), .string(let right)?): left.trimmedASCII == right.trimmedASCII
        case (.object(let left), .object(let right)?): left.members.allSatisfy { areSame($0.value, right[$0.name]) }
        case (_, let right?) where left.doubleValue != nil: left.doubleValue == right.looseNumber
        default: left == right
        }
    }

    /// With or without the letter between date and time, and with or without a zone, which then is UTC.
    private static func timestamp(_ text: String) -> Timestamp? {
        let joined = text.replacing(" ", with: "T")
        return Timestamp(rfc3339: joined) ?? Timestamp(rfc3339: joined + "Z")
    }
}
