/// How WasenderApi shows messages and addresses.
enum WasenderContent {
    /// Writes what a message consists of, as WhatsApp Web's protocol names it.
    static func write(_ facts: MessageFacts, to writer: inout JSONWriter) {
        guard facts.kind != .text else {
            writer.literal("{\"conversation\":")
            writer.string(facts.text ?? "")
            writer.literal("}")
            return
        }
        writer.value(content(kind: facts.kind, text: facts.text, body: facts.body))
    }

    /// What a message consists of.
    static func content(kind: MessageKind, text: String?, body: [UInt8]) -> JSONValue {
        let fields = JSONValue.parseObject(body) ?? [:]
        let caption: JSONValue = .optional(text)
        switch kind {
        case .text: return ["conversation": .string(text ?? "")]
        case .image: return ["imageMessage": ["url": fields["imageUrl"] ?? .null, "caption": caption]]
        case .video: return ["videoMessage": ["url": fields["videoUrl"] ?? .null, "caption": caption]]
        case .document:
            return [
                "documentMessage": [
                    "url": fields["documentUrl"] ?? .null, "fileName": fields["fileName"] ?? .null, "caption": caption,
                ]
            ]
        case .audio: return ["audioMessage": ["url": fields["audioUrl"] ?? .null, "ptt": true]]
        case .sticker: return ["stickerMessage": ["url": fields["stickerUrl"] ?? .null]]
        case .contact: return ["contactMessage": ["displayName": fields["contact"]?.object?["name"] ?? .null]]
        case .location:
            let place = fields["location"]?.object ?? [:]
            return [
                "locationMessage": [
                    "degreesLatitude": place["latitude"] ?? .null, "degreesLongitude": place["longitude"] ?? .null,
                    "name": place["name"] ?? .null, "address": place["address"] ?? .null,
                ]
            ]
        case .poll:
            let poll = fields["poll"]?.object ?? [:]
            let options = poll["options"]?.array ?? []
            return [
                "pollCreationMessage": [
                    "name": poll["question"] ?? .null, "options": .array(options.map { ["optionName": $0] }),
                    "selectableOptionsCount": poll["multiSelect"] == true ? 0 : 1,
                ]
            ]
        }
    }

    /// The JID of a recipient: a number gets WhatsApp's domain, everything else is one already.
    static func jid(of recipient: String) -> String {
        let digits = Recipient.digits(of: recipient)
        return digits.isEmpty ? recipient : digits + "@s.whatsapp.net"
    }

    /// The linked id WhatsApp shows instead of a person's number; always the same for the same number.
    static func linkedID(of recipient: String) -> String {
        guard let number = UInt64(Recipient.digits(of: recipient)) else { return recipient }
        return "2\(String(1_000_000_000_000_000 + SplitMix64.mix(number) % 100_000_000_000_000).dropFirst(2))@lid"
    }

    /// The words of an asynchronous failure, in webhook and log.
    static func failureReason(to recipient: String) -> String {
        "Failed to send message: Invalid number JID: \(recipient)"
    }
}
