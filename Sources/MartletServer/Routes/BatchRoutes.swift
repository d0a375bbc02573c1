import Hummingbird
import Martlet

extension MessageRoutes {
    /// Sends many; each stands alone, and the answer says what became of each.
    func sendBatch(_ exchange: Exchange) async throws -> Response {
        let tenant = try exchange.tenant
        try exchange.refuseQuery()
        let document = try await exchange.request.jsonDocument(upTo: BodyLimit.batch)
        let drafts = try MessageBatch.drafts(of: document, now: gateway.time.now())
        let results = try await gateway.acceptance.accept(drafts, tenant: tenant)
        let rendered = zip(drafts, results).enumerated().map { index, pair in
            Self.result(index, pair.1, isPrepared: (try? pair.0.get()) != nil)
        }
        return .json(["results": .array(rendered)], status: .accepted)
    }

    /// - parameter isPrepared: whether the entry was read; what is then wrong was found later, with pointers of its
    /// own.
    private static func result(
        _ index: Int, _ result: Result<AcceptanceResult, FieldErrors>, isPrepared: Bool
    ) -> JSONValue {
        var object: JSONObject = ["index": .integer(Int64(index))]
        switch result {
        case .success(.accepted(let message)):
            object["status"] = 202
            object["id"] = .string(message.id.text)
        case .success(.replayed(let message)):
            object["status"] = 200
            object["id"] = .string(message.id.text)
        case .success(.conflict(let id)):
            object["status"] = 409
            object["error"] = .object(Problem.idempotencyConflict(id).object)
        case .failure(let failure):
            let prefix = isPrepared ? "/messages/\(index)" : ""
            object["status"] = 422
            object["error"] = .object(
                Problem.invalid(failure.errors.map { FieldError(prefix + $0.pointer, $0.message) }).object)
        }
        return .object(object)
    }
}

/// The body of `POST /v1/messages/batch`.
package enum MessageBatch {
    /// Messages in one batch at most.
    package static let messagesMax = 1000

    /// Reads each message by itself.
    /// - throws: what is wrong with the batch as a whole.
    package static func drafts(
        of document: JSONParser.Document, now: Timestamp
    ) throws -> [Result<MessageDraft, FieldErrors>] {
        // The parser notes the first few places only; past that nobody can tell which entries are sound.
        guard document.unpairedSurrogates.count < 10 else { throw Problem.invalid(document.stringErrors) }
        return try entries(of: document).enumerated().map { index, entry in
            let pointer = "/messages/\(index)"
            let broken = stringErrors(of: entry, at: pointer, in: document)
            guard broken.isEmpty else { return .failure(FieldErrors(broken)) }
            return MessageDraft.read(entry, pointer: pointer, now: now)
        }
    }

    private static func entries(of document: JSONParser.Document) throws -> [JSONValue] {
        guard let object = document.value.objectValue else {
            throw Problem.invalid([FieldError("", "must be an object, not \(document.value.kindName)")])
        }
        var reader = FieldReader(object)
        let entries = reader.array("messages", required: true, max: messagesMax)
        if entries?.isEmpty == true { reader.refuse("messages", "must have at least one entry") }
        reader.refuseUnknown()
        guard reader.errors.isEmpty, let entries else { throw Problem.invalid(reader.errors) }
        return entries
    }

    private static func stringErrors(
        of entry: JSONValue, at pointer: String, in document: JSONParser.Document
    ) -> [FieldError] {
        let surrogates = document.unpairedSurrogates.filter { $0 == pointer || $0.hasPrefix(pointer + "/") }
        let halves = surrogates.map { FieldError($0, "has half a surrogate pair") }
        let alone = JSONParser.Document(value: entry, unpairedSurrogates: [])
        return halves + alone.stringErrors.map { FieldError(pointer + $0.pointer, $0.message) }
    }
}
