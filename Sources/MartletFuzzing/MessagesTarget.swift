import Martlet
import MartletServer

/// The bodies of `POST /v1/messages` and `POST /v1/messages/batch`.
enum MessagesTarget {
    static let now = Timestamp(seconds: 1_795_514_400)
    private static let tenant = TenantID(unchecked: "ten_00000000000000000000000000")

    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        guard let document = try DocumentPromises.parse(bytes) else { return }
        if document.stringErrors.isEmpty { try single(document.value) }
        try batch(document)
    }

    private static func single(_ value: JSONValue) throws(BrokenPromise) {
        switch MessageDraft.read(value, headerKey: nil, now: now) {
        case .failure(let failure): try DocumentPromises.errors(failure.errors, in: value)
        case .success(let draft):
            try hold(draft)
            try readsAgain(draft, value)
        }
        // The header does the same as the field, and never changes what is the same content.
        guard case .success(let keyed) = MessageDraft.read(value, headerKey: "header-key", now: now) else { return }
        try promise(keyed.idempotencyKey == "header-key", "the header's key was not taken")
    }

    private static func batch(_ document: JSONParser.Document) throws(BrokenPromise) {
        let drafts: [Result<MessageDraft, FieldErrors>]
        do { drafts = try MessageBatch.drafts(of: document, now: now) } catch { return }
        try promise((1...MessageBatch.messagesMax).contains(drafts.count), "a batch of \(drafts.count)")
        for draft in drafts {
            switch draft {
            case .success(let draft): try hold(draft)
            case .failure(let failure): try DocumentPromises.errors(failure.errors, in: document.value)
            }
        }
    }

    /// What an accepted message is.
    private static func hold(_ draft: MessageDraft) throws(BrokenPromise) {
        try promise(PhoneNumber(draft.recipient.text) == draft.recipient, "a recipient that is no number")
        try promise(draft.contentHash.count == 32, "a hash of \(draft.contentHash.count) bytes")
        try promise(draft.metadata.count <= 20, "metadata of \(draft.metadata.count) entries")
        if let key = draft.idempotencyKey {
            try promise((1...255).contains(key.unicodeScalars.count), "a key that is empty or too long")
        }
        if let sendAt = draft.sendAt, let expiry = draft.expiry {
            try promise(expiry.moment(from: now) > sendAt, "it expires before it is sent")
        }
        let kind = draft.payload.kind
        guard case .success(let payload) = Payload.read(kind, draft.payload.content, pointer: "") else {
            throw BrokenPromise("an accepted payload is refused")
        }
        try promise(payload == draft.payload, "an accepted payload reads as another")
        for part in [draft.payload.content, draft.metadata, draft.event ?? [:]] {
            try DocumentPromises.rewrites(.object(part))
        }
        let claim = draft.idempotencyClaim(tenant: tenant, now: now, window: .seconds(86_400))
        let hasIdentity = draft.idempotencyKey != nil || draft.eventIdentity != nil
        try promise((claim != nil) == hasIdentity, "a claim without a key, or a key without a claim")
    }

    /// The same request, its members in another order and written anew, is the same content.
    private static func readsAgain(_ draft: MessageDraft, _ value: JSONValue) throws(BrokenPromise) {
        let read: JSONValue
        do { read = try JSONParser.value(value.sorted.encoded()) } catch {
            throw BrokenPromise("what was written cannot be read: \(error)")
        }
        guard case .success(let again) = MessageDraft.read(read, now: now) else {
            throw BrokenPromise("an accepted message is refused the second time")
        }
        try promise(again.contentHash == draft.contentHash, "the same content has another hash")
        try promise(again.recipient == draft.recipient && again.sendAt == draft.sendAt, "it reads as another message")
    }
}
