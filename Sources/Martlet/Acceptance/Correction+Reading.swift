extension Correction {
    /// Reads the body of a replay (CONTRACT: `POST /v1/dead-letters/{id}/replay`).
    ///
    /// The content stands under the name of the message's type and is checked as in a send; or, under `payload`, it is
    /// laid over the content there is. An expiry that has passed would fail the message at once, so it goes unless a
    /// new one is given.
    /// - Parameters:
    ///   - message: the dead letter to be replayed.
    ///   - provider: the module of the message's channel.
    package static func read(
        _ value: JSONValue, of message: Message, provider: (any Provider)?, now: Timestamp
    ) -> Result<Correction, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError("", "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object)
        var correction = Correction()
        correction.recipient = reader.phoneNumber("to")
        correction.payload = reader.correctedPayload(of: message)
        let horizon = now + .seconds(MessageDraft.horizonSeconds)
        let expiresAt = reader.timestamp("expires_at")
        if let expiresAt, expiresAt > horizon { reader.refuse("expires_at", "must be within 366 days") }
        let expiresIn = reader.integer("expires_in", in: 1...MessageDraft.horizonSeconds)
        if expiresAt != nil, expiresIn != nil { reader.refuse("expires_in", "does not go with expires_at") }
        if let given = expiresAt ?? expiresIn.map({ now + .seconds($0) }) {
            correction.expiresAt = .some(given)
        } else if let passed = message.expiresAt, passed <= now {
            correction.expiresAt = .some(nil)
        }
        if correction.payload == nil, message.redact, message.payload.content.isEmpty, reader.errors.isEmpty {
            reader.refuse(message.payload.kind.rawValue, "is required, as the message's own content was redacted")
        }
        if let payload = correction.payload, let provider { reader.adopt(provider.validate(payload)) }
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        return .success(correction)
    }
}

extension FieldReader {
    fileprivate mutating func correctedPayload(of message: Message) -> Payload? {
        let kind = message.payload.kind
        for other in Payload.Kind.allCases where other != kind && value(other.rawValue) != nil {
            refuse(other.rawValue, "does not go with a message of type \(kind.rawValue)")
        }
        let whole = object(kind.rawValue)
        let part = object("payload")
        if whole != nil, part != nil { refuse("payload", "does not go with \(kind.rawValue)") }
        let name = whole == nil ? "payload" : kind.rawValue
        guard let content = whole ?? part.map({ message.payload.content.merging($0) }) else { return nil }
        switch Payload.read(kind, content, pointer: pointer(to: name)) {
        case .success(let payload): return payload
        case .failure(let failure):
            adopt(failure.errors)
            return nil
        }
    }
}
