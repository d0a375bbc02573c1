import Martlet
import Testing
import WasenderProvider

@Suite struct RedactionTests {
    private static func redacted(_ body: String, credentials: JSONObject = Fixture.everything) async throws -> String {
        try await Fixture.withProvider { provider in
            let bytes = provider.redacted(webhook: Array(body.utf8), channel: Fixture.channel(credentials: credentials))
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    static let key = Fixture.apiKey
    static let cases: [(String, String)] = [
        (
            #"{"event":"messages.update","sessionId":"\#(key)","timestamp":1.50e3,"data":{"n":18446744073709551615,"t":"a\u00e9\n"}}"#,
            #"{"event":"messages.update","sessionId":"[redacted]","timestamp":1.50e3,"data":{"n":18446744073709551615,"t":"a\u00e9\n"}}"#
        ),
        (#"{"secret":"\#(Fixture.webhookSecret)","a":1}"#, #"{"secret":"[redacted]","a":1}"#),
        (#"{"sessionId":"another value","a":1}"#, #"{"sessionId":"[redacted]","a":1}"#),
        (#"{ "SESSIONID" : "x" , "a" : [ ] }"#, #"{ "SESSIONID" : "[redacted]" , "a" : [ ] }"#),
        (#"{"sessionId":12345,"a":true}"#, #"{"sessionId":"[redacted]","a":true}"#),
        (#"{"sessionId":null}"#, #"{"sessionId":"[redacted]"}"#),
        (#"{"sessionId":{"a":["}",{"b":"]"}]},"c":1}"#, #"{"sessionId":"[redacted]","c":1}"#),
        (#"{"session\u0049d":"x"}"#, #"{"session\u0049d":"[redacted]"}"#),
        (#"{"data":{"nested":{"sessionId":"x\"y"}}}"#, #"{"data":{"nested":{"sessionId":"[redacted]"}}}"#),
        (#"{"a":"my key is \#(key)."}"#, #"{"a":"[redacted]"}"#),
        (#"{"\#(key)":1}"#, #"{"[redacted]":1}"#),
        (#"["\#(key)","\#(Fixture.token)"]"#, #"["[redacted]","[redacted]"]"#),
        (#"{"a":"\u0035e55104a\#(key.dropFirst(8))"}"#, #"{"a":"[redacted]"}"#),
        (#"{"a":"sessionId"}"#, #"{"a":"sessionId"}"#),
        (#"{"a":"nothing here"}"#, #"{"a":"nothing here"}"#),
        // Bodies that are no documents.
        ("", ""),
        ("token=\(key)&x=1", #""[redacted]""#),
        (#"{"sessionId":"\#(key)"#, #"{"sessionId":"[redacted]""#),
        (#"{"sessionId":"#, #"{"sessionId":"[redacted]""#),
        (#"{"sessionId"#, #"{"sessionId"#),
        (#"{"sessionId":{"a":"#, #"{"sessionId":"[redacted]""#),
        (#"{"a":"\#(key)\"#, #"{"a":"[redacted]""#),
        (#"{"a":"\u00"#, #"{"a":"\u00"#),
        (#"\#(key)"\#(key)"#, #""[redacted]""[redacted]""#),
    ]

    @Test(arguments: cases) func `blanks credentials and nothing else`(_ body: String, _ expected: String) async throws
    {
        #expect(try await Self.redacted(body) == expected)
    }

    @Test func `a key that JSON may escape is found`() async throws {
        let credentials: JSONObject = ["api_key": "abc/def/ghi/jkl/mno/pqr"]
        let body = #"{"a":"abc\/def\/ghi\/jkl\/mno\/pqr","b":"abc/def\/ghi/jkl/mno/pqr"}"#
        #expect(try await Self.redacted(body, credentials: credentials) == #"{"a":"[redacted]","b":"[redacted]"}"#)
    }

    @Test func `a short key is blanked as a value, and does not ruin words and names`() async throws {
        let body = #"{"event":"key","key":{"id":"key"},"a":"monkey","sessionId":"key","n":1}"#
        let expected = #"{"event":"[redacted]","key":{"id":"[redacted]"},"a":"monkey","sessionId":"[redacted]","n":1}"#
        #expect(try await Self.redacted(body, credentials: ["api_key": "key"]) == expected)
    }

    @Test func `without credentials the session's id still goes`() async throws {
        #expect(
            try await Self.redacted(#"{"sessionId":"x","a":1}"#, credentials: [:])
                == #"{"sessionId":"[redacted]","a":1}"#)
    }

    @Test func `whatever is sent, the key is gone and a document stays a document`() async throws {
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0035", " ", "1", "true", "\"sessionId\"", "\"a\"", Self.key,
            "\"\(Self.key)\"", Fixture.token, "x", "é",
        ]
        let random = SeededRandomSource(seed: 7)
        try await Fixture.withProvider { provider in
            let channel = Fixture.channel(credentials: Fixture.everything)
            for _ in 0..<3000 {
                let length = Int(random.next() % 24)
                let body = (0..<length).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
                let redacted = provider.redacted(webhook: Array(body.utf8), channel: channel)
                let text = String(decoding: redacted, as: UTF8.self)
                #expect(!text.contains(Self.key) && !text.contains(Fixture.token), "\(body)")
                if (try? JSONParser.value(body)) != nil {
                    // Only a name that was blanked can be there twice then.
                    let isDocument: Bool
                    do throws(JSONParseError) {
                        _ = try JSONParser.value(redacted)
                        isDocument = true
                    } catch {
                        isDocument = error.reason == .duplicateName
                    }
                    #expect(isDocument, "\(body) → \(text)")
                }
            }
        }
    }

    @Test func `a redacted webhook still says what it said`() async throws {
        let body =
            #"{"event":"messages.update","sessionId":"\#(Self.key)","data":{"update":{"status":3},"key":{"id":"3EB0AA"}}}"#
        try await Fixture.withProvider { provider in
            let channel = Fixture.channel(credentials: Fixture.everything)
            let redacted = provider.redacted(webhook: Array(body.utf8), channel: channel)
            let before = try provider.events(webhook: Array(body.utf8), receivedAt: Fixture.now, channel: channel)
            #expect(try provider.events(webhook: redacted, receivedAt: Fixture.now, channel: channel) == before)
            #expect(before.count == 1)
        }
    }
}
