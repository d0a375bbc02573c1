import Martlet

/// What a channel at WasenderApi is reached with.
struct Credentials: Sendable {
    /// The key of one WhatsApp session: sends, looks up, asks for the status.
    let apiKey: String
    /// The token of the whole account: reads the message log, starts and ends sessions.
    let personalAccessToken: String?
    /// The session's own id, a number in most answers and free text in the documentation's examples.
    let sessionID: String?
    /// What webhooks prove their origin with. Answers about sessions repeat it.
    let webhookSecret: String?

    static let secretCharactersMax = 512
    static let sessionIDCharactersMax = 64

    /// A shorter webhook secret stands in other words by chance.
    private static let webhookSecretBytesMin = 12

    /// Takes a channel's stored credentials; nil when there is no usable key.
    init?(of channel: Channel) {
        let object = channel.credentials.exposed
        guard let apiKey = object["api_key"]?.stringValue, Self.isToken(apiKey) else { return nil }
        self.apiKey = apiKey
        personalAccessToken = object["personal_access_token"]?.stringValue.flatMap { Self.isToken($0) ? $0 : nil }
        sessionID = object["session_id"].flatMap(Self.sessionID(of:))
        webhookSecret = channel.webhookSecret.flatMap {
            $0.exposed.utf8.count >= Self.webhookSecretBytesMin ? $0.exposed : nil
        }
    }

    /// What must never be stored or shown, longest first.
    var secrets: [String] {
        [apiKey, personalAccessToken, webhookSecret].compactMap { $0 }.sorted { $0.utf8.count > $1.utf8.count }
    }

    static func problems(in object: JSONObject) -> [FieldError] {
        var problems: [FieldError] = []
        if object["api_key"] == nil { problems.append(FieldError("/api_key", "is required")) }
        for member in object.members {
            let pointer = "/" + JSONPointer.escape(member.name)
            switch member.name {
            case "api_key", "personal_access_token":
                guard let text = member.value.stringValue else {
                    problems.append(FieldError(pointer, "must be a string, not \(member.value.kindName)"))
                    continue
                }
                if text.isEmpty {
                    problems.append(FieldError(pointer, "must not be empty"))
                } else if !isToken(text) {
                    problems.append(FieldError(pointer, tokenRule))
                }
            case "session_id":
                if sessionID(of: member.value) == nil { problems.append(FieldError(pointer, sessionIDRule)) }
            default:
                problems.append(
                    FieldError(pointer, "is not known; allowed are api_key, personal_access_token and session_id"))
            }
        }
        return problems
    }

    private static let tokenRule =
        "must be up to \(secretCharactersMax) printable ASCII characters without spaces, quotes and backslashes"
    private static let sessionIDRule =
        "must be a whole number, or up to \(sessionIDCharactersMax) letters, digits, hyphens and underscores"

    /// A token goes into a header line, so nothing that could end the line may be in it; and it is looked for in JSON
    /// texts, so nothing that JSON writes in several ways, except the slash.
    private static func isToken(_ text: String) -> Bool {
        (1...secretCharactersMax).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
    }

    /// The id as it stands in a path.
    static func sessionID(of value: JSONValue) -> String? {
        switch value {
        case .integer(let number): return number >= 0 ? String(number) : nil
        case .string(let text):
            let isFit = text.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
            return isFit && (1...sessionIDCharactersMax).contains(text.utf8.count) ? text : nil
        default: return nil
        }
    }
}
