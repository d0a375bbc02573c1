import Crypto

/// A request to send, checked as far as it can be without knowing the tenant's channels.
package struct MessageDraft: Sendable, Equatable {
    /// A channel's name or id; nil when the tenant has one only.
    package var channel: String?
    package var recipient: PhoneNumber
    package var payload: Payload
    package var event: JSONObject?
    package var eventIdentity: EventIdentity?
    package var idempotencyKey: String?
    package var priority: Priority
    package var sendAt: Timestamp?
    package var expiry: Expiry?
    package var onUnknown: UnknownPolicy
    package var redact: Bool
    package var metadata: JSONObject
    /// SHA-256 of the request without its key, members sorted: what "the same content" means.
    package var contentHash: [UInt8]

    package enum Expiry: Sendable, Equatable {
        case at(Timestamp)
        case after(Duration)
    }

    /// What makes two requests without a key the same event.
    package struct EventIdentity: Sendable, Equatable {
        package var userID: String
        package var type: String
        package var timestamp: Timestamp
    }

    /// How far ahead a message may be scheduled or kept, in seconds: 366 days.
    package static let horizonSeconds: Int64 = 366 * 86400

    /// Reads a request body (CONTRACT: `POST /v1/messages`).
    /// - Parameters:
    ///   - headerKey: the value of the header `Idempotency-Key`, which does the same as the field.
    ///   - pointer: where the object stands in the whole body.
    package static func read(
        _ value: JSONValue, headerKey: String? = nil, pointer: String = "", now: Timestamp
    ) -> Result<MessageDraft, FieldErrors> {
        guard let object = value.objectValue else {
            return .failure(FieldErrors([FieldError(pointer, "must be an object, not \(value.kindName)")]))
        }
        var reader = FieldReader(object, pointer: pointer)
        let channel = reader.string("channel", max: 128)
        let recipient = reader.phoneNumber("to", required: true)
        let kind = reader.choice(
            "type", required: true, among: Payload.Kind.allCases.map(\.rawValue), Payload.Kind.init(rawValue:))
        var payload: Payload?
        for candidate in Payload.Kind.allCases {
            if candidate == kind {
                if let content = reader.object(candidate.rawValue, required: true) {
                    switch Payload.read(candidate, content, pointer: reader.pointer(to: candidate.rawValue)) {
                    case .success(let read): payload = read
                    case .failure(let failure): reader.adopt(failure.errors)
                    }
                }
            } else if let kind, reader.value(candidate.rawValue) != nil {
                reader.refuse(candidate.rawValue, "does not go with type \(kind.rawValue)")
            } else {
                // The type itself is in error and was named; its content is not judged.
                _ = reader.value(candidate.rawValue)
            }
        }

        var event: JSONObject?
        var identity: EventIdentity?
        if let object = reader.object("event") {
            var eventReader = FieldReader(object, pointer: reader.pointer(to: "event"))
            let userID = eventReader.string("user_id", required: true, max: 255)
            let type = eventReader.string("type", required: true, max: 255)
            let timestamp = eventReader.timestamp("timestamp", required: true)
            eventReader.refuseUnknown()
            reader.adopt(eventReader.errors)
            if let userID, let type, let timestamp {
                identity = EventIdentity(userID: userID, type: type, timestamp: timestamp)
                event = object
            }
        }

        let bodyKey = reader.string("idempotency_key", max: 255)
        if let bodyKey, !isPrintable(bodyKey) { reader.refuse("idempotency_key", "must be of printable characters") }
        if let headerKey {
            if headerKey.isEmpty || headerKey.unicodeScalars.count > 255 || !isPrintable(headerKey) {
                reader.adopt([
                    FieldError(
                        reader.pointer(to: "idempotency_key"), "the header must have 1 to 255 printable characters")
                ])
            } else if let bodyKey, bodyKey != headerKey {
                reader.refuse("idempotency_key", "differs from the header Idempotency-Key")
            }
        }

        let priority = reader.choice(
            "priority", among: Priority.allCases.map(\.name), { Priority(name: $0) })
        let sendAt = reader.timestamp("send_at")
        let horizon = now + .seconds(horizonSeconds)
        if let sendAt, sendAt > horizon { reader.refuse("send_at", "must be within 366 days") }
        let expiresAt = reader.timestamp("expires_at")
        if let expiresAt, expiresAt > horizon { reader.refuse("expires_at", "must be within 366 days") }
        let expiresIn = reader.integer("expires_in", in: 1...horizonSeconds)
        if expiresAt != nil, expiresIn != nil { reader.refuse("expires_in", "does not go with expires_at") }
        let expiry = expiresAt.map(Expiry.at) ?? expiresIn.map { Expiry.after(.seconds($0)) }
        if let sendAt, let expiry, expiry.moment(from: now) <= sendAt {
            reader.refuse(expiresAt != nil ? "expires_at" : "expires_in", "must be later than send_at")
        }
        let onUnknown = reader.choice(
            "on_unknown", among: UnknownPolicy.allCases.map(\.rawValue), UnknownPolicy.init(rawValue:))
        let redact = reader.bool("redact")
        let metadata = readMetadata(&reader)
        reader.refuseUnknown()

        guard reader.errors.isEmpty, let recipient, let payload else { return .failure(FieldErrors(reader.errors)) }
        return .success(
            MessageDraft(
                channel: channel, recipient: recipient, payload: payload, event: event, eventIdentity: identity,
                idempotencyKey: headerKey ?? bodyKey, priority: priority ?? .normal, sendAt: sendAt, expiry: expiry,
                onUnknown: onUnknown ?? .retry, redact: redact ?? false, metadata: metadata,
                contentHash: hash(of: object)))
    }

    private static func readMetadata(_ reader: inout FieldReader) -> JSONObject {
        guard let object = reader.object("metadata") else { return JSONObject() }
        var errors: [FieldError] = []
        let pointer = reader.pointer(to: "metadata")
        if object.count > 20 { errors.append(FieldError(pointer, "must have at most 20 entries")) }
        for member in object.members.prefix(20) {
            let inner = "\(pointer)/\(JSONPointer.escape(member.name))"
            if member.name.isEmpty || member.name.unicodeScalars.count > 64 {
                errors.append(FieldError(pointer, "names must have 1 to 64 characters"))
            } else if let text = member.value.stringValue {
                if text.unicodeScalars.count > 512 {
                    errors.append(FieldError(inner, "must have at most 512 characters"))
                }
            } else {
                errors.append(FieldError(inner, "must be a string, not \(member.value.kindName)"))
            }
        }
        reader.adopt(errors)
        return object
    }

    static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }

    private static func hash(of object: JSONObject) -> [UInt8] {
        var content = object
        content["idempotency_key"] = nil
        content.members.removeAll { $0.value.isNull }
        return Array(SHA256.hash(data: JSONValue.object(content).sorted.encoded()))
    }

    /// The claim this request makes, or nil when it has neither a key nor an event: then there is no deduplication.
    package func idempotencyClaim(tenant: TenantID, now: Timestamp, window: Duration) -> IdempotencyClaim? {
        guard let key = storedKey(tenant: tenant) else { return nil }
        return IdempotencyClaim(key: key, contentHash: contentHash, expiresAt: now + window)
    }

    /// The key as the message shows it: the caller's own, else the event's hash.
    package func visibleKey(tenant: TenantID) -> String? { idempotencyKey ?? eventHash(tenant: tenant) }

    /// A caller's key and an event's hash live in separate spaces, so that neither can be mistaken for the other.
    private func storedKey(tenant: TenantID) -> String? {
        if let idempotencyKey { return "key:\(idempotencyKey)" }
        return eventHash(tenant: tenant).map { "event:\($0)" }
    }

    /// SHA-256 over tenant, user id, event type and timestamp, each with its length before it so that no two sets of fields
    /// give the same bytes.
    private func eventHash(tenant: TenantID) -> String? {
        guard let eventIdentity else { return nil }
        var hash = SHA256()
        for part in [
            tenant.text, eventIdentity.userID, eventIdentity.type, String(eventIdentity.timestamp.microseconds),
        ] {
            hash.update(data: Array("\(part.utf8.count):\(part)".utf8))
        }
        return hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }
}

/// Everything that is wrong with a document.
package struct FieldErrors: Error, Sendable, Equatable {
    package var errors: [FieldError]
    package init(_ errors: [FieldError]) { self.errors = errors }
}

extension MessageDraft.Expiry {
    /// The moment meant, seen from now.
    package func moment(from now: Timestamp) -> Timestamp {
        switch self {
        case .at(let moment): moment
        case .after(let duration): now + duration
        }
    }
}

extension JSONValue {
    /// The same value with every object's members in the order of their names.
    package var sorted: JSONValue {
        switch self {
        case .object(let object):
            .object(
                JSONObject(
                    members: object.members.map { .init(name: $0.name, value: $0.value.sorted) }
                        .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }))
        case .array(let elements): .array(elements.map(\.sorted))
        default: self
        }
    }
}
