/// The forms in which a recipient is written.
enum Recipient {
    /// The digits of a number or of the number in a JID; empty for groups, channels, linked ids and user names.
    static func digits(of recipient: String) -> String {
        let utf8 = recipient.utf8
        let end = utf8.firstIndex(of: UInt8(ascii: "@")) ?? utf8.endIndex
        if end != utf8.endIndex, !recipient.hasSuffix("@s.whatsapp.net") { return "" }
        let start = utf8.first == UInt8(ascii: "+") ? utf8.index(after: utf8.startIndex) : utf8.startIndex
        guard start <= end else { return "" }
        let digits = utf8[start..<end]
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return "" }
        return String(recipient[start..<end])
    }

    /// Whether a recipient is a group.
    static func isGroup(_ recipient: String) -> Bool { recipient.hasSuffix("@g.us") }

    /// Whether a recipient is a channel, which takes text only.
    static func isChannel(_ recipient: String) -> Bool { recipient.hasSuffix("@newsletter") }
}
