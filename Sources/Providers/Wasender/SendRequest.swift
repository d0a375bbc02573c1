import Martlet

/// The body of `POST /send-message`. There is one endpoint for all types; which type it is follows from the members.
enum SendRequest {
    /// The whole body, or nil for a payload WasenderApi cannot carry.
    static func body(for message: Message) -> JSONObject? {
        guard let content = content(of: message.payload) else { return nil }
        var body: JSONObject = ["to": .string(message.recipient.text)]
        body.members += content.members
        return body
    }

    /// Everything but the recipient, which is also what the provider's message log repeats.
    static func content(of payload: Payload) -> JSONObject? {
        let content = payload.content
        var body = JSONObject()
        switch payload.kind {
        case .text: body["text"] = content["body"]
        case .image: body["imageUrl"] = content["url"]
        case .video: body["videoUrl"] = content["url"]
        case .audio: body["audioUrl"] = content["url"]
        case .sticker: body["stickerUrl"] = content["url"]
        case .document:
            body["documentUrl"] = content["url"]
            body["fileName"] = present(content["filename"])
        case .location: body["location"] = picked(["latitude", "longitude", "name", "address"], from: content)
        case .contact: body["contact"] = picked(["name", "phone"], from: content)
        case .template: return nil
        }
        if let caption = present(content["caption"]), payload.kind.isMedium { body["text"] = caption }
        return body
    }

    /// The value, unless it is null or an empty string, which say the same as nothing.
    private static func present(_ value: JSONValue?) -> JSONValue? {
        guard let value, !value.isNull, value != .string("") else { return nil }
        return value
    }

    private static func picked(_ names: [String], from content: JSONObject) -> JSONValue {
        var object = JSONObject()
        for name in names { object[name] = present(content[name]) }
        return .object(object)
    }
}

extension Payload.Kind {
    fileprivate var isMedium: Bool {
        switch self {
        case .image, .video, .audio, .document, .sticker: true
        case .text, .location, .contact, .template: false
        }
    }
}
