import Martlet
import WasenderProvider

/// A channel at WasenderApi and a message that went over it.
enum Wasender {
    static let apiKey = String(repeating: "5e55104a", count: 8)
    static let accountToken = "77|qP0vFz6sT4uXkLw9bN1yR3cD8eG5hJ2m"
    static let credentials = [apiKey, accountToken]
    static let webhookSecret = "d41d8cd98f00b204e9800998ecf8427e"

    /// Makes no request, so that its connections need not be closed.
    static let provider = WasenderProvider(version: "fuzz")

    static let channel = Channel(
        id: ChannelID(unchecked: "chn_00000000000000000000000000"),
        tenantID: TenantID(unchecked: "ten_00000000000000000000000000"), name: "support", provider: "wasender",
        credentials: Secret([
            "api_key": .string(apiKey), "personal_access_token": .string(accountToken), "session_id": 42,
        ]),
        webhookSecret: Secret(webhookSecret), webhookToken: "t", statusSince: MessagesTarget.now,
        createdAt: MessagesTarget.now)

    static let message = Message(
        id: MessageID(unchecked: "msg_00000000000000000000000000"), tenantID: channel.tenantID, channelID: channel.id,
        recipient: PhoneNumber(unchecked: "+12025550123"),
        payload: Payload(kind: .image, content: ["url": "https://media.example/a.png", "caption": "Invoice 42"]),
        createdAt: MessagesTarget.now)

    /// Whether a text can be stored and shown: without credentials and control characters, not longer than that.
    static func areFit(_ words: String, max: Int) throws(BrokenPromise) {
        try promise(words.unicodeScalars.count <= max, "words of \(words.unicodeScalars.count) characters")
        try promise(
            words.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) },
            "words with control characters")
        try promise(!credentials.contains { words.holds($0) }, "words with a credential")
    }
}

extension String {
    /// Whether the other text's bytes stand in this one. Compared by characters it would hide behind a combining mark.
    func holds(_ other: String) -> Bool { !Array(utf8).ranges(of: Array(other.utf8)).isEmpty }
}
