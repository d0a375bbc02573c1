import Martlet
import Synchronization
import Testing

@Suite struct IdentifierTests {
    private final class SettableTime: TimeSource {
        let timestamp = Mutex(Timestamp(milliseconds: 1_767_323_045_678))
        func now() -> Timestamp { timestamp.withLock { $0 } }
        func monotonicNow() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
        func sleep(for duration: Duration) async throws {}
    }

    private struct Constant: RandomSource {
        var value: UInt64
        func next() -> UInt64 { value }
    }

    @Test func `a reason is bounded however many marks stand on one letter`() {
        let marks = "x" + String(repeating: "\u{301}", count: 9999)
        #expect(ErrorReason(.rejected, marks).detail?.unicodeScalars.count == ErrorReason.detailCharactersMax)
    }

    @Test func `ids of one generator grow, in one millisecond, later, and when the clock is set back`() {
        let time = SettableTime()
        let generator = IdentifierGenerator(time: time)
        var ids: [MessageID] = []
        for step in [0, 0, 0, 1, 0, 5, -1000, 0, 2000] as [Int64] {
            time.timestamp.withLock { $0 = $0 + .milliseconds(step) }
            ids += (0..<200).map { _ in generator.next() }
        }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func `ids of two generators are ordered by time`() {
        let time = SettableTime()
        let first: MessageID = IdentifierGenerator(time: time).next()
        time.timestamp.withLock { $0 = $0 + .milliseconds(1) }
        let second: MessageID = IdentifierGenerator(time: time).next()
        #expect(first < second)
    }

    @Test func `counting up carries over and keeps the form`() {
        let generator = IdentifierGenerator(time: SettableTime(), random: Constant(value: .max))
        let first: EventID = generator.next()
        let second: EventID = generator.next()
        #expect(first < second)
        #expect(EventID(second.text) == second)
    }

    @Test func `ids made at once by many tasks are all different`() async {
        let generator = IdentifierGenerator()
        let ids = await withTaskGroup(of: [MessageID].self) { group in
            for _ in 0..<8 { group.addTask { (0..<2000).map { _ in generator.next() } } }
            return await group.reduce(into: [MessageID]()) { $0 += $1 }
        }
        #expect(Set(ids).count == 16_000)
    }

    @Test func `the text is a prefix and 26 characters that begin with the time`() throws {
        let id: ChannelID = IdentifierGenerator(time: SettableTime(), random: Constant(value: 0)).next()
        #expect(id.text.hasPrefix("chn_"))
        #expect(id.text.utf8.count == 30)
        // The layout of a ULID: ten characters of five bits hold the milliseconds.
        let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz")
        let milliseconds = id.text.dropFirst(4).prefix(10).reduce(0) { $0 << 5 | alphabet.firstIndex(of: $1)! }
        #expect(milliseconds == 1_767_323_045_678)
        #expect(id.madeAt == Timestamp(milliseconds: 1_767_323_045_678))
        #expect(ChannelID(milliseconds: 1_767_323_045_678, number: 0) == id)
        #expect(id.text.hasSuffix("0000000000000000"))
        #expect("\(id)" == id.text)
    }

    @Test func `reads its own and nothing else`() {
        let id: MessageID = IdentifierGenerator().next()
        #expect(MessageID(id.text) == id)
        #expect(ChannelID(id.text) == nil)
        let rest = id.text.dropFirst(4)
        for text in [
            "", "msg_", String(rest), "msg_\(rest)0", "msg_\(rest.dropLast())", "MSG_\(rest)",
            "msg_\(rest.dropLast())l",
            "msg_\(rest.dropLast())U", "msg_\(rest.dropLast())é", " \(id.text)", "\(id.text) ",
            "msg_\(rest.dropLast())\u{0}",
        ] {
            #expect(MessageID(text) == nil, "\(text)")
        }
    }
}

@Suite struct PhoneNumberTests {
    @Test(arguments: ["+1234567", "+12025550123", "+999999999999999", "+491701234567"])
    func `takes E.164`(_ text: String) throws {
        let number = try #require(PhoneNumber(text))
        #expect(number.text == text)
        #expect("+" + number.digits == text)
    }

    @Test(arguments: [
        "", "+", "12025550123", "+123456", "+1234567890123456", "+02025550123", "+1202555012a", "+1 2025550123",
        "++12025550123",
        "+1202-555-0123", " +12025550123", "+12025550123 ", "+12025550123\u{0}", "+١٢٣٤٥٦٧٨٩", "＋12025550123",
        "00120255501234",
        "+12025550123\u{301}",
    ])
    func `takes nothing else`(_ text: String) {
        #expect(PhoneNumber(text) == nil)
    }
}

@Suite struct SecretTests {
    private struct Holder: Sendable {
        var name = "visible"
        var secret = Secret(["api_key": "hunter2-hunter2"] as JSONObject)
        var optional: Secret<String>? = Secret("hunter2-hunter2")
    }

    @Test func `never prints what it holds`() {
        let secret = Secret("hunter2-hunter2")
        var dumped = ""
        dump(Holder(), to: &dumped)
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), secret.debugDescription,
            "\(Optional(secret) as Any)",
            "\([secret])", "\(["a": secret])", String(reflecting: Holder()), "\(Holder())", dumped,
            "\(Mirror(reflecting: secret).children.map { "\($0)" })",
            "\(Secret(["hunter2-hunter2"]))", "\((secret, 1))",
        ]
        for text in texts { #expect(!text.contains("hunter2"), "\(text)") }
        #expect("\(secret)" == "[secret]")
        #expect(secret.exposed == "hunter2-hunter2")
    }

    @Test func `is equal by what it holds`() {
        #expect(Secret("a") == Secret("a"))
        #expect(Secret("a") != Secret("b"))
    }

    @Test func `comparing in constant time compares`() {
        #expect(constantTimeEquals("abc".utf8, "abc".utf8))
        #expect(constantTimeEquals([UInt8](), [UInt8]()))
        #expect(!constantTimeEquals("abc".utf8, "abd".utf8))
        #expect(!constantTimeEquals("abc".utf8, "xbc".utf8))
        #expect(!constantTimeEquals("abc".utf8, "ab".utf8))
        #expect(!constantTimeEquals("".utf8, "a".utf8))
    }
}

@Suite struct SecretBoxTests {
    private static let key = (0..<32).map { UInt8($0) }
    private static let value: JSONValue = ["credentials": ["api_key": "hunter2-hunter2"], "webhook_secret": "é🎉"]

    @Test func `opens what it sealed, and only once looks the same`() throws {
        let box = try #require(SecretBox(key: Self.key))
        let sealed = try box.seal(Self.value, context: "chn_1")
        #expect(try box.open(sealed, context: "chn_1") == Self.value)
        #expect(try box.seal(Self.value, context: "chn_1") != sealed)
        #expect(String(decoding: sealed, as: UTF8.self).contains("hunter2") == false)
        #expect(try SecretBox(key: Self.key)?.open(sealed, context: "chn_1") == Self.value)
    }

    @Test func `another key, another context, any changed or missing byte: closed`() throws {
        let box = try #require(SecretBox(key: Self.key))
        let sealed = try box.seal(Self.value, context: "chn_1")
        func isClosed(_ bytes: [UInt8], _ box: SecretBox = box, context: String = "chn_1") {
            #expect(throws: SecretBox.Failure.wrongKeyOrDamaged) { try box.open(bytes, context: context) }
        }
        isClosed(sealed, context: "chn_2")
        isClosed(sealed, context: "")
        isClosed(sealed, try #require(SecretBox(key: Self.key.reversed())))
        for index in sealed.indices {
            for bit in [0, 7] {
                var damaged = sealed
                damaged[index] ^= 1 << bit
                isClosed(damaged)
            }
        }
        for length in 0..<sealed.count { isClosed(Array(sealed.prefix(length))) }
        isClosed(sealed + [0])
        isClosed([])
    }

    @Test func `a key has 32 bytes, and its fingerprint tells it from another`() throws {
        for count in [0, 16, 31, 33, 64] { #expect(SecretBox(key: [UInt8](repeating: 1, count: count)) == nil) }
        let first = try #require(SecretBox(key: Self.key))
        #expect(first.fingerprint == SecretBox(key: Self.key)?.fingerprint)
        #expect(first.fingerprint != SecretBox(key: Self.key.reversed())?.fingerprint)
        #expect(first.fingerprint.count == 8)
    }
}

@Suite struct ErrorReasonTests {
    @Test func `is a code, then the provider's words, bounded`() {
        #expect(ErrorReason(.rejected).description == "rejected")
        #expect(ErrorReason(.rejected, "No").description == "rejected: No")
        #expect(
            ErrorReason(.rejected, String(repeating: "x", count: 9999)).detail?.count == ErrorReason.detailCharactersMax
        )
    }

    @Test func `the sender's own doing is not dead-lettered`() {
        let codes: [ErrorReason.Code] = [.expired, .cancelled, .recipientOptedOut]
        #expect(codes.allSatisfy { !ErrorReason($0).isDeadLettered })
        let others: [ErrorReason.Code] = [
            .invalidRecipient, .rejected, .unauthorized, .attemptsExhausted, .outcomeUnknown, .failedByProvider,
            .channelDeleted,
        ]
        #expect(others.allSatisfy { ErrorReason($0).isDeadLettered })
    }
}
