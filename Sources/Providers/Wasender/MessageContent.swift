import Martlet

/// The visible text of a message as WhatsApp's own format holds it.
enum MessageContent {
    /// The members that wrap another message, and how deep that is followed.
    private static let wrappers = [
        "ephemeralMessage", "viewOnceMessage", "viewOnceMessageV2", "documentWithCaptionMessage", "editedMessage",
    ]
    private static let depthMax = 4

    /// The text, or a medium's caption; nil where there is none.
    static func text(in message: JSONValue?, depth: Int = 0) -> String? {
        guard let message = message?.objectValue else { return nil }
        if let text = message["conversation"]?.stringValue, !text.isEmpty { return text }
        if let text = message["extendedTextMessage"]?["text"]?.stringValue, !text.isEmpty { return text }
        for medium in ["imageMessage", "videoMessage", "documentMessage"] {
            if let caption = message[medium]?["caption"]?.stringValue, !caption.isEmpty { return caption }
        }
        guard depth < depthMax else { return nil }
        for wrapper in wrappers {
            if let text = text(in: message[wrapper]?["message"], depth: depth + 1) { return text }
        }
        return nil
    }
}
