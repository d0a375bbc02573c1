import Martlet
import Testing
import WasenderProvider

@Suite struct WebhookTests {
    private static let provider = Provider()

    /// One provider for the whole suite: nothing here opens a connection.
    private struct Provider {
        func events(_ body: String, receivedAt: Timestamp = Fixture.now) async throws -> [ProviderEvent] {
            try await Fixture.withProvider { provider in
                try provider.events(
                    webhook: Array(body.utf8), receivedAt: receivedAt,
                    channel: Fixture.channel(credentials: Fixture.everything))
            }
        }
    }

    static func acknowledged(
        _ level: AcknowledgementLevel, _ id: String = "3EB0AA", at: Timestamp = Fixture.now,
        echo: Acknowledgement.Echo? = nil
    ) -> ProviderEvent {
        .acknowledgement(
            Acknowledgement(channel: ChannelID(unchecked: "chn_1"), messageID: id, level: level, at: at, echo: echo))
    }

    static let earlier = Fixture.now - .seconds(3)
    static let echo = Acknowledgement.Echo(recipient: Fixture.recipient, text: "Your parcel is here.")

    static let documented: [(String, [ProviderEvent])] = [
        // messages.update
        (
            #"{"event":"messages.update","sessionId":"[redacted]","timestamp":1767323042000,"data":{"update":{"status":3},"key":{"remoteJid":"12025550123@s.whatsapp.net","id":"3EB0AA","fromMe":true}}}"#,
            [acknowledged(.device, at: earlier)]
        ),
        (
            #"{"event":"messages.update","timestamp":1767323042,"data":{"update":{"status":2},"key":{"id":"3EB0AA","fromMe":false}}}"#,
            [acknowledged(.server, at: earlier)]
        ),
        (
            #"{"event":"messages.update","timestamp":"1767323042","data":[{"key":{"id":"3EB0AA"},"update":{"status":"delivered"}},{"key":{"id":"3EB0BB"},"update":{"status":"4"}}]}"#,
            [acknowledged(.device, at: earlier), acknowledged(.read, "3EB0BB", at: earlier)]
        ),
        (
            #"{"event":"messages.update","timestamp":{"low":1767323042,"high":0,"unsigned":true},"data":{"messages":{"key":{"id":"3EB0AA"},"update":{"status":5}}}}"#,
            [acknowledged(.read, at: earlier)]
        ),
        (
            #"{"event":"messages.update","timestamp":{"low":2091483344,"high":411,"unsigned":true},"data":{"messages":[{"key":{"id":"3EB0AA"},"status":1}]}}"#,
            [acknowledged(.pending, at: earlier)]
        ),
        (
            #"{"event":"Messages.Update","data":{"key":{"id":"3EB0AA"},"update":{"status":"error"}}}"#,
            [acknowledged(.failed)]
        ),
        (
            #"{"event":"messages.update","data":{"key":{"id":"3EB0AA"},"update":{"starred":true}}}"#,
            [.ignored("messages.update without a status")]
        ),
        (
            #"{"event":"messages.update","data":{"key":{"id":"3EB0AA"},"update":{"status":99}}}"#,
            [.ignored("messages.update with an unknown status")]
        ),
        (
            #"{"event":"messages.update","data":[{"update":{"status":3}},{"key":{"id":"3EB0AA"},"update":{"status":3}}]}"#,
            [acknowledged(.device), .ignored("messages.update has a status without a key.id")]
        ),
        // message.sent
        (
            #"{"event":"message.sent","timestamp":1767323042000,"data":{"key":{"id":"3EB0AA","fromMe":true,"remoteJid":"+12025550123"},"message":{"conversation":"Your parcel is here."},"success":true}}"#,
            [acknowledged(.pending, at: earlier, echo: echo)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"12025550123@s.whatsapp.net"},"message":{"extendedTextMessage":{"text":"Your parcel is here."}},"status":2}}"#,
            [acknowledged(.server, echo: echo)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"12025550123:7@s.whatsapp.net"},"message":{"imageMessage":{"caption":"Your parcel is here."}}}}"#,
            [acknowledged(.pending, echo: echo)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"12025550123"},"message":{"documentWithCaptionMessage":{"message":{"documentMessage":{"caption":"Your parcel is here."}}}}}}"#,
            [acknowledged(.pending, echo: echo)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"200000000000001@lid"},"message":{"conversation":"Your parcel is here."}}}"#,
            [acknowledged(.pending)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"120363000000000001@g.us"},"message":{"conversation":"x"}}}"#,
            [acknowledged(.pending)]
        ),
        (
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"+12025550123"},"message":{"stickerMessage":{}}}}"#,
            [acknowledged(.pending)]
        ),
        (
            #"{"event":"message.sent","timestamp":1767323042000,"data":{"success":false,"error":"Failed to send message: Invalid number JID: +12025550123"}}"#,
            [.ignored("message.sent failed: Failed to send message: Invalid number JID: +…")]
        ),
        // messages.upsert
        (
            #"{"event":"messages.upsert","data":{"messages":[{"key":{"id":"3EB0AA","fromMe":true,"remoteJid":"12025550123@s.whatsapp.net"},"message":{"conversation":"Your parcel is here."},"messageTimestamp":1767323042,"status":1},{"key":{"id":"3EB0CC","fromMe":false,"remoteJid":"x@lid"},"message":{"conversation":"Thanks"}}]}}"#,
            [acknowledged(.pending, at: earlier, echo: echo), .ignored("messages.upsert")]
        ),
        (
            #"{"event":"messages.upsert","data":{"messages":{"key":{"id":"3EB0AA","fromMe":true},"messageTimestamp":{"low":1767323042,"high":0},"status":0}}}"#,
            [acknowledged(.pending, at: earlier)]
        ),
        // message-receipt.update
        (
            #"{"event":"message-receipt.update","data":{"message":{"key":{"remoteJid":"1@g.us","id":"3EB0AA","fromMe":true},"receipt":{"userJid":"x","receiptTimestamp":1767323042}}}}"#,
            [acknowledged(.device, at: earlier)]
        ),
        (
            #"{"event":"message-receipt.update","data":{"message":{"key":{"id":"3EB0AA","fromMe":true},"receipt":{"readTimestamp":1767323042}}}}"#,
            [acknowledged(.read, at: earlier)]
        ),
        (
            #"{"event":"message-receipt.update","data":[{"key":{"id":"3EB0AA"},"receipt":{"userJid":"x","status":"read","t":1767323042}},{"key":{"id":"3EB0BB","fromMe":false},"receipt":{"readTimestamp":1}}]}"#,
            [acknowledged(.read, at: earlier), .ignored("message-receipt.update of a received message")]
        ),
        // session.status and the rest
        (
            #"{"event":"session.status","sessionId":"x","timestamp":1767323042,"data":{"status":"connected"}}"#,
            [.session(isUp: true, detail: "connected")]
        ),
        (
            #"{"event":"session.status","data":{"status":"NEED_SCAN","session_id":"12"}}"#,
            [.session(isUp: false, detail: "need_scan")]
        ),
        (
            #"{"event":"messages.received","data":{"messages":{"key":{"id":"3EB0AA"}}}}"#,
            [.ignored("messages.received")]
        ),
        (#"{"event":"messages-personal.received","data":{}}"#, [.ignored("messages-personal.received")]),
        (#"{"event":"qrcode.updated","data":{"qr":"2@AbC"}}"#, [.ignored("qrcode.updated")]),
        (#"{"event":"call","data":{"call":{}}}"#, [.ignored("call")]),
        (#"{"event":"something.new"}"#, [.ignored("something.new")]),
    ]

    @Test(arguments: documented) func `reads every documented form`(_ body: String, _ expected: [ProviderEvent])
        async throws
    {
        #expect(try await Self.provider.events(body) == expected)
    }

    static let times: [(String, Timestamp)] = [
        ("1767323042.5", Timestamp(milliseconds: 1_767_323_042_500)),
        ("1767323045000", Fixture.now),
        // From the future, from long ago, impossible: the time of receipt.
        ("1767323046", Fixture.now),
        ("1767409445000", Fixture.now),
        ("1633456789", Fixture.now),
        ("0", Fixture.now), ("-5", Fixture.now), ("1e300", Fixture.now), ("9223372036854775807", Fixture.now),
        ("99999999999999999999999999", Fixture.now), ("null", Fixture.now), ("\"soon\"", Fixture.now),
        ("true", Fixture.now), ("[]", Fixture.now), ("{}", Fixture.now),
        (#"{"low":-1,"high":9223372036854775807}"#, Fixture.now), (#"{"low":5,"high":-3}"#, Fixture.now),
        (#"{"low":"x","high":0}"#, Fixture.now),
        // The lower half is unsigned, though it may be written as a negative number.
        (#"{"low":-294967296,"high":410}"#, Timestamp(milliseconds: 1_764_936_591_360)),
    ]

    @Test(arguments: times) func `takes times with care`(_ time: String, _ expected: Timestamp) async throws {
        let body =
            #"{"event":"messages.update","timestamp":\#(time),"data":{"key":{"id":"3EB0AA"},"update":{"status":3}}}"#
        #expect(try await Self.provider.events(body) == [Self.acknowledged(.device, at: expected)])
    }

    static let malformed = [
        "", "no", "[]", "1", "null", "{}", #"{"event":1}"#, #"{"event":""}"#, #"{"event":"messages.update""#,
        #"{"event":"messages.update"}"#, #"{"event":"messages.update","data":null}"#,
        #"{"event":"messages.update","data":[]}"#, #"{"event":"messages.update","data":{}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3}}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3},"key":{"id":5}}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3},"key":{"id":""}}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3},"key":{"id":"a\u0000b"}}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3},"key":{"id":"\#(String(repeating: "A", count: 256))"}}}"#,
        #"{"event":"messages.update","data":{"update":{"status":3},"key":"3EB0AA"}}"#,
        #"{"event":"messages.upsert","data":{"messages":[{"message":{}}]}}"#,
        #"{"event":"messages.upsert","data":[1,2]}"#,
        #"{"event":"message.sent","data":{"success":true}}"#,
        #"{"event":"message-receipt.update","data":{"message":{"key":{"id":"3EB0AA"}}}}"#,
        #"{"event":"session.status","data":{}}"#, #"{"event":"session.status"}"#,
        #"{"event":"session.status","data":{"status":1}}"#,
        #"{"event":"a","data":"# + String(repeating: "[", count: 5000),
        "{\"event\":\"a\",\"x\":\"\u{0}\"}",
    ]

    @Test(arguments: malformed) func `says what is wrong with the rest`(_ body: String) async throws {
        let error = try await #require(throws: WebhookError.self) { try await Self.provider.events(body) }
        #expect(!error.reason.isEmpty && error.reason.count < 200)
    }

    @Test func `a status of the wrong kind is ignored`() async throws {
        for status in ["null", "true", "[]", "{}", "1e99", "\"\"", "-1", "3.5"] {
            let body = #"{"event":"messages.update","data":{"key":{"id":"3EB0AA"},"update":{"status":\#(status)}}}"#
            #expect(try await Self.provider.events(body) == [.ignored("messages.update with an unknown status")])
        }
    }

    @Test func `hundreds of acknowledgements in one webhook are hundreds of events, thousands too many are none`()
        async throws
    {
        func body(_ count: Int) -> String {
            let entries = (0..<count).map { #"{"key":{"id":"ID\#($0)"},"update":{"status":3}}"# }
            return #"{"event":"messages.update","data":[\#(entries.joined(separator: ","))]}"#
        }
        let events = try await Self.provider.events(body(800))
        #expect(events.count == 800)
        #expect(events[799] == Self.acknowledged(.device, "ID799"))
        await #expect(throws: WebhookError("messages.update has more than 5000 entries")) {
            try await Self.provider.events(body(5001))
        }
    }

    @Test func `an unknown name is cut and has no credentials in it`() async throws {
        let body = #"{"event":"\#(Fixture.apiKey)\n\#(String(repeating: "x", count: 900))"}"#
        guard case .ignored(let name)? = try await Self.provider.events(body).first else {
            Issue.record()
            return
        }
        #expect(name.hasPrefix("[secret] xxx"))
        #expect(name.count == 64)
    }

    @Test func `wrapped messages are followed only so far`() async throws {
        let depth = 15
        let message =
            String(repeating: #"{"ephemeralMessage":{"message":"#, count: depth) + #"{"conversation":"deep"}"#
            + String(repeating: "}}", count: depth)
        let body =
            #"{"event":"message.sent","data":{"key":{"id":"3EB0AA","remoteJid":"+12025550123"},"message":\#(message)}}"#
        #expect(try await Self.provider.events(body) == [Self.acknowledged(.pending)])
    }

    // MARK: Proof of origin

    @Test func `only the channel's own secret is proof`() async throws {
        try await Fixture.withProvider { provider in
            func isAuthentic(_ headers: [String: String], secret: String? = Fixture.webhookSecret) -> Bool {
                provider.isAuthentic(headers: headers, body: [], channel: Fixture.channel(webhookSecret: secret))
            }
            #expect(isAuthentic(["x-webhook-signature": Fixture.webhookSecret]))
            #expect(!isAuthentic(["x-webhook-signature": Fixture.webhookSecret + " "]))
            #expect(!isAuthentic(["x-webhook-signature": Fixture.webhookSecret.uppercased()]))
            #expect(!isAuthentic(["x-webhook-signature": String(Fixture.webhookSecret.dropLast())]))
            #expect(!isAuthentic(["x-webhook-signature": ""]))
            #expect(!isAuthentic(["x-signature": Fixture.webhookSecret]))
            #expect(!isAuthentic([:]))
            #expect(!isAuthentic([:], secret: nil))
            #expect(!isAuthentic(["x-webhook-signature": ""], secret: ""))
            #expect(!isAuthentic(["x-webhook-signature": Fixture.webhookSecret], secret: nil))
        }
    }
}
