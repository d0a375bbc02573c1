import Martlet
import Testing

@Suite struct MessageDraftTests {
    static let now = Timestamp(rfc3339: "2026-11-23T10:00:00Z")!
    static let text: JSONObject = ["to": "+14155550123", "type": "text", "text": ["body": "hello"]]

    static func read(_ changes: JSONObject, headerKey: String? = nil) -> Result<MessageDraft, FieldErrors> {
        MessageDraft.read(.object(text.merging(changes)), headerKey: headerKey, now: now)
    }

    static func pointers(_ changes: JSONObject, headerKey: String? = nil) -> [String] {
        guard case .failure(let failure) = read(changes, headerKey: headerKey) else { return [] }
        return failure.errors.map(\.pointer)
    }

    @Test func `an unknown field's name is cut however many marks stand on one letter`() throws {
        let pointers = Self.pointers([String(repeating: "x\u{301}", count: 9999): 1, "y": 1])
        #expect(pointers.map { $0.unicodeScalars.count } == [65, 2])
        #expect(Self.pointers(["x" + String(repeating: "\u{301}", count: 9999): 1])[0].unicodeScalars.count == 65)
    }

    @Test func `a plain text takes the defaults`() throws {
        let draft = try Self.read([:]).get()
        #expect(draft.recipient.text == "+14155550123")
        #expect(draft.payload == .text("hello"))
        #expect(draft.priority == .normal)
        #expect(draft.onUnknown == .retry)
        #expect(!draft.redact)
        #expect(draft.channel == nil && draft.sendAt == nil && draft.expiry == nil && draft.event == nil)
    }

    @Test(arguments: Payload.Kind.allCases)
    func `each type is read from the field of its name`(_ kind: Payload.Kind) throws {
        let contents: [Payload.Kind: JSONValue] = [
            .text: ["body": "x"], .image: ["url": "https://x.example/a", "caption": "c"],
            .video: ["url": "https://x.example/a"], .audio: ["url": "https://x.example/a"],
            .document: ["url": "https://x.example/a", "filename": "a.pdf"], .sticker: ["url": "https://x.example/a"],
            .location: ["latitude": 1.5, "longitude": -180, "name": "n", "address": "a"],
            .contact: ["name": "n", "phone": "+14155550123"],
            .template: ["name": "n", "language": "en", "components": [["type": "body"]]],
        ]
        let content = try #require(contents[kind])
        let body: JSONValue = .object([
            "to": "+14155550123", "type": .string(kind.rawValue), kind.rawValue: content,
        ])
        let draft = try MessageDraft.read(body, now: Self.now).get()
        #expect(draft.payload.kind == kind)
        #expect(JSONValue.object(draft.payload.content) == content)
    }

    @Test(
        arguments: [
            (["to": nil], ["/to"]), (["to": "4155550123"], ["/to"]), (["to": "+04155550123"], ["/to"]),
            (["to": "+1415555012345678"], ["/to"]), (["type": "smoke"], ["/type"]), (["text": nil], ["/text"]),
            (["text": ["body": .string(String(repeating: "x", count: 65_537))]], ["/text/body"]),
            (["priority": "urgent"], ["/priority"]), (["on_unknown": "drop"], ["/on_unknown"]),
            (["redact": 1], ["/redact"]),
            (["expires_in": 0], ["/expires_in"]), (["expires_in": 31_622_401], ["/expires_in"]),
            (["expires_in": 5, "expires_at": "2026-11-24T00:00:00Z"], ["/expires_in"]),
            (["send_at": "2028-01-01T00:00:00Z"], ["/send_at"]), (["send_at": 5], ["/send_at"]),
            (["event": ["user_id": "u", "type": "t"]], ["/event/timestamp"]),
            (["event": ["user_id": "u", "type": "t", "timestamp": "2026-11-23T10:00:00Z", "x": 1]], ["/event/x"]),
            (["metadata": ["a": 1]], ["/metadata/a"]), (["metadata": ["": "x"]], ["/metadata"]),
            (["metadata": ["a": .string(String(repeating: "x", count: 513))]], ["/metadata/a"]),
            (["idempotency_key": ""], ["/idempotency_key"]), (["idempotency_key": "a\u{7}"], ["/idempotency_key"]),
            (["idempotency_key": .string(String(repeating: "k", count: 256))], ["/idempotency_key"]),
            (["channel": 7], ["/channel"]), (["sender": "x"], ["/sender"]),
        ] as [(JSONObject, [String])])
    func `each broken rule names its field`(_ changes: JSONObject, _ expected: [String]) {
        #expect(Self.pointers(changes) == expected)
    }

    @Test func `every error is named, not the first alone`() {
        #expect(Self.pointers(["to": "x", "priority": "x", "colour": 1]) == ["/to", "/priority", "/colour"])
    }

    @Test func `the header and the field must agree`() throws {
        #expect(try Self.read([:], headerKey: "k").get().idempotencyKey == "k")
        #expect(try Self.read(["idempotency_key": "k"], headerKey: "k").get().idempotencyKey == "k")
        #expect(Self.pointers(["idempotency_key": "k"], headerKey: "l") == ["/idempotency_key"])
        #expect(Self.pointers([:], headerKey: "") == ["/idempotency_key"])
    }

    @Test func `content is the same whatever the order, the key and the nulls`() throws {
        let first = try Self.read(["metadata": ["a": "1", "b": "2"]]).get()
        let body: JSONValue = [
            "metadata": ["b": "2", "a": "1"], "text": ["body": "hello"], "type": "text", "to": "+14155550123",
            "idempotency_key": "k", "send_at": nil,
        ]
        let second = try MessageDraft.read(body, now: Self.now).get()
        #expect(first.contentHash == second.contentHash)
        #expect(first.contentHash != (try Self.read(["metadata": ["a": "1"]]).get().contentHash))
    }

    @Test func `an explicit key comes first, else the event makes one`() throws {
        let tenant = TenantID(unchecked: "ten_a")
        let event: JSONValue = ["user_id": "u", "type": "t", "timestamp": "2026-11-23T10:00:00Z"]
        func key(_ changes: JSONObject, _ tenant: TenantID) throws -> String? {
            try Self.read(changes).get().idempotencyClaim(tenant: tenant, now: Self.now, window: .seconds(60))?.key
        }
        #expect(try key([:], tenant) == nil)
        let derived = try #require(try key(["event": event], tenant))
        // The same moment in another spelling is the same event.
        let shifted: JSONValue = ["user_id": "u", "type": "t", "timestamp": "2026-11-23T11:00:00.000+01:00"]
        #expect(try key(["event": shifted], tenant) == derived)
        #expect(try key(["event": event], TenantID(unchecked: "ten_b")) != derived)
        // A caller cannot hit an event's key by sending its hash.
        let visible = try #require(try Self.read(["event": event]).get().visibleKey(tenant: tenant))
        #expect(try key(["idempotency_key": .string(visible)], tenant) != derived)
        #expect(try key(["event": event, "idempotency_key": "k"], tenant) != derived)
    }

    @Test func `merging removes what is null and keeps the rest`() {
        let base: JSONObject = ["a": 1, "b": 2]
        #expect(base.merging(["a": nil, "c": 3]) == ["b": 2, "c": 3])
    }
}
