import HTTPTypes
import Hummingbird
import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct RefusalTests {
    struct Malformed: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var status: Int
        var pointers: [String]?

        init(_ name: String, _ text: String, _ status: Int, _ pointers: [String]? = nil) {
            self.init(name, bytes: Array(text.utf8), status, pointers)
        }

        init(_ name: String, bytes: [UInt8], _ status: Int, _ pointers: [String]? = nil) {
            testDescription = name
            self.bytes = bytes
            self.status = status
            self.pointers = pointers
        }
    }

    static let malformed: [Malformed] = [
        Malformed("empty", "", 400),
        Malformed("spaces", "   ", 400),
        Malformed("no JSON", "hello", 400),
        Malformed("cut off", #"{"to":"+14155550123""#, 400),
        Malformed("two documents", "{}{}", 400),
        Malformed("single quotes", "{'to':'x'}", 400),
        Malformed("trailing comma", #"{"to":"+14155550123",}"#, 400),
        Malformed("raw control character", "{\"to\":\"\n\"}", 400),
        Malformed("same name twice", #"{"to":"+14155550123","to":"+14155550124"}"#, 400),
        Malformed("not UTF-8", bytes: Array(#"{"to":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8), 400),
        Malformed("UTF-16", bytes: [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00], 400),
        Malformed("huge exponent", #"{"to":1e999}"#, 400),
        Malformed("deep nesting", String(repeating: "[", count: 100_000), 400),
        Malformed("deep nesting, closed", String(repeating: "[", count: 65) + String(repeating: "]", count: 65), 400),
        Malformed("an array", "[]", 422, [""]),
        Malformed("a string", "\"x\"", 422, [""]),
        Malformed("null", "null", 422, [""]),
        Malformed("empty object", "{}", 422, ["/to", "/type"]),
        Malformed("wrong types", #"{"to":14155550123,"type":"text","text":"hi"}"#, 422, ["/to", "/text"]),
        Malformed(
            "unknown field", #"{"to":"+14155550123","type":"text","text":{"body":"x"},"colour":1}"#, 422, ["/colour"]),
        Malformed(
            "unknown inner field", #"{"to":"+14155550123","type":"text","text":{"body":"x","bold":true}}"#, 422,
            ["/text/bold"]),
        Malformed("unknown type", #"{"to":"+14155550123","type":"fax","fax":{}}"#, 422),
        Malformed(
            "content of another type",
            #"{"to":"+14155550123","type":"text","text":{"body":"x"},"image":{"url":"http://x"}}"#,
            422, ["/image"]),
        Malformed("no number", #"{"to":"415","type":"text","text":{"body":"x"}}"#, 422, ["/to"]),
        Malformed("NUL", #"{"to":"+14155550123","type":"text","text":{"body":"a\u0000b"}}"#, 422, ["/text/body"]),
        Malformed(
            "NUL in a name", #"{"to":"+14155550123","type":"text","text":{"body":"x"},"metadata":{"a\u0000":"x"}}"#,
            422,
            ["/metadata"]),
        Malformed("half a pair", #"{"to":"+14155550123","type":"text","text":{"body":"\ud800"}}"#, 422, ["/text/body"]),
        Malformed("low half", #"{"to":"+14155550123","type":"text","text":{"body":"\udc00x"}}"#, 422, ["/text/body"]),
        Malformed("empty text", #"{"to":"+14155550123","type":"text","text":{"body":""}}"#, 422, ["/text/body"]),
        Malformed(
            "huge number",
            #"{"to":"+14155550123","type":"text","text":{"body":"x"},"expires_in":99999999999999999999}"#, 422,
            ["/expires_in"]),
        Malformed(
            "fraction", #"{"to":"+14155550123","type":"text","text":{"body":"x"},"expires_in":1.5}"#, 422,
            ["/expires_in"]),
        Malformed(
            "bad time", #"{"to":"+14155550123","type":"text","text":{"body":"x"},"send_at":"2026-02-30T00:00:00Z"}"#,
            422,
            ["/send_at"]),
        Malformed(
            "expired before sent",
            #"{"to":"+14155550123","type":"text","text":{"body":"x"},"send_at":"2026-11-24T00:00:00Z","expires_in":5}"#,
            422,
            ["/expires_in"]),
        Malformed(
            "location off the earth",
            #"{"to":"+14155550123","type":"location","location":{"latitude":91,"longitude":1e300}}"#, 422,
            ["/location/latitude", "/location/longitude"]),
        Malformed(
            "metadata that is not flat",
            #"{"to":"+14155550123","type":"text","text":{"body":"x"},"metadata":{"a":{"b":1}}}"#, 422, ["/metadata/a"]),
        Malformed(
            "awkward name", #"{"to":"+14155550123","type":"text","text":{"body":"x"},"a/b~c":1}"#, 422, ["/a~1b~0c"]),
    ]

    @Test(arguments: malformed)
    func `a malformed send is refused and stores nothing`(_ body: Malformed) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.send(.post, "/v1/messages", key: harness.a.key, raw: body.bytes)
            expectProblem(answer, body.status, pointers: body.pointers)
            #expect(harness.store.messageCount == 0)
            #expect(harness.woken.all.isEmpty)
        }
    }

    @Test(arguments: malformed.filter { $0.status == 400 && $0.testDescription != "empty" })
    func `every body is read as strictly`(_ body: Malformed) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let dead = try await harness.deadLetter(api)
            for (method, path, key) in [
                (HTTPRequest.Method.post, "/v1/messages/batch", harness.a.key),
                (.post, "/v1/dead-letters/\(dead)/replay", harness.a.key),
                (.post, "/v1/channels", harness.a.key), (.patch, "/v1/channels/\(harness.a.channel.id)", harness.a.key),
                (.post, "/v1/tenants", Harness.adminToken),
                (.patch, "/v1/tenants/\(harness.a.tenant.id)", Harness.adminToken),
                (.post, "/v1/tenants/\(harness.a.tenant.id)/keys", Harness.adminToken),
            ] {
                expectProblem(try await api.send(method, path, key: key, raw: body.bytes), 400)
            }
        }
    }

    @Test func `errors in one answer are bounded`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            var body = Samples.text.objectValue!
            for index in 0..<500 { body["unknown_\(index)"] = 1 }
            let answer = try await api.post("/v1/messages", key: harness.a.key, .object(body))
            expectProblem(answer, 422)
            #expect(answer.pointers.count == 50)
        }
    }

    @Test func `oversized bodies are 413 and store nothing`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let large = Array(repeating: UInt8(ascii: " "), count: 256 * 1024 + 1)
            expectProblem(try await api.send(.post, "/v1/messages", key: harness.a.key, raw: large), 413)
            let body = Array(Samples.text.encodedText.utf8)
            let exact = body + Array(repeating: UInt8(ascii: " "), count: 256 * 1024 - body.count)
            #expect(try await api.send(.post, "/v1/messages", key: harness.a.key, raw: exact).status == 202)
            let batch = Array(repeating: UInt8(ascii: " "), count: 4 * 1024 * 1024 + 1)
            expectProblem(try await api.send(.post, "/v1/messages/batch", key: harness.a.key, raw: batch), 413)
            #expect(harness.store.messageCount == 1)
        }
    }

    @Test(arguments: [
        "text/plain", "application/x-www-form-urlencoded", "application/xml", "application/json; charset=utf-16",
        "json", "",
    ])
    func `another content type is 415`(_ type: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text, headers: [.contentType: type])
            expectProblem(answer, 415)
            #expect(harness.store.messageCount == 0)
        }
    }

    @Test(arguments: ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"])
    func `JSON by any spelling is taken`(_ type: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text, headers: [.contentType: type])
            #expect(answer.status == 202)
        }
    }

    @Test func `an encoded body is 415`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            expectProblem(
                try await api.post(
                    "/v1/messages", key: harness.a.key, Samples.text, headers: [.contentEncoding: "gzip"]), 415)
        }
    }

    @Test(
        arguments: [
            nil, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "mk_abc", "Bearer mk_abc", "Bearer wrong-token",
            "Bearer two words", "Bearer \(String(repeating: "x", count: 2000))",
        ] as [String?])
    func `without a valid key it is 401`(_ header: String?) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for path in ["/v1/messages", "/v1/tenants", "/v1/channels", "/v1/stats", "/v1/events"] {
                let headers: HTTPFields = header.map { [.authorization: $0] } ?? [:]
                let answer = try await api.send(.get, path, headers: headers)
                expectProblem(answer, 401)
                #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer") == true)
            }
        }
    }

    @Test func `a refusal for want of a key does not read the body`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let large = Array(repeating: UInt8(ascii: "x"), count: 5 * 1024 * 1024)
            expectProblem(try await api.send(.post, "/v1/messages", raw: large), 401)
        }
    }

    @Test func `keys of the wrong sort are 403`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for (method, path) in [
                (HTTPRequest.Method.post, "/v1/messages"), (.get, "/v1/messages"), (.get, "/v1/dead-letters"),
                (.get, "/v1/stats"), (.get, "/v1/events"),
            ] {
                expectProblem(try await api.send(method, path, key: Harness.adminToken), 403)
            }
            for (method, path) in [
                (HTTPRequest.Method.get, "/v1/tenants"), (.post, "/v1/tenants"),
                (.get, "/v1/tenants/\(harness.a.tenant.id)"), (.patch, "/v1/tenants/\(harness.a.tenant.id)"),
                (.delete, "/v1/tenants/\(harness.a.tenant.id)"), (.get, "/v1/tenants/\(harness.a.tenant.id)/keys"),
                (.post, "/v1/tenants/\(harness.a.tenant.id)/keys"),
            ] {
                expectProblem(try await api.send(method, path, key: harness.a.key), 403)
            }
        }
    }

    @Test(arguments: [
        "/", "/v1", "/v2/messages", "/v1/messages/", "/v1/messages/msg_1", "/v1/endpoints",
        "/v1/suppressions",
        "/console/", "/v1/messages/batch/x", "/webhooks", "/favicon.ico",
    ])
    func `what is not there is 404`(_ path: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.get(path, key: harness.a.key)
            if path == "/v1/messages/" {
                // A slash at the end changes nothing.
                #expect(answer.status == 200)
            } else {
                expectProblem(answer, 404)
            }
        }
    }

    @Test func `another method is 405 and says which there are`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for (method, path, allowed) in [
                (HTTPRequest.Method.put, "/v1/messages", "GET, HEAD, POST"),
                (.delete, "/v1/messages/batch", "POST"),
                (.get, "/v1/messages/msg_1/cancel", "POST"), (.post, "/health/live", "GET, HEAD"),
                (.delete, "/v1/channels", "GET, HEAD, POST"), (.put, "/webhooks/chn_1/token", "GET, HEAD, POST"),
                (HTTPRequest.Method("BREW")!, "/v1/stats", "GET, HEAD"),
            ] {
                let answer = try await api.send(method, path, key: harness.a.key)
                expectProblem(answer, 405)
                #expect(answer.headers[.allow] == allowed)
            }
        }
    }

    @Test func `HEAD answers as GET does, without the body`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let get = try await api.get("/v1/channels", key: harness.a.key)
            let head = try await api.send(.head, "/v1/channels", key: harness.a.key)
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
            #expect(head.headers[.contentLength] == String(get.body.utf8.count))
            #expect(try await api.send(.head, "/v1/events", key: harness.a.key).status == 200)
            #expect(harness.gateway.feed.listenerCount == 0)
        }
    }

    @Test(
        arguments: [
            (StoreError(.overloaded, "x"), 503), (StoreError(.full, "x"), 503), (StoreError(.unavailable, "x"), 503),
            (StoreError(.unusable, "table communications_log is damaged"), 500),
        ] as [(StoreError, Int)])
    func `a store that fails is 503 when it passes, else 500 without a word of the inside`(
        _ error: StoreError, _ status: Int
    ) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let dead = try await harness.deadLetter(api)
            harness.store.interpose { operation throws(StoreError) in
                // Keys are checked in memory; everything else fails.
                if operation != .key { throw error }
            }
            let calls: [API.Answer] = [
                try await api.post("/v1/messages", key: harness.a.key, Samples.text),
                try await api.post("/v1/messages/batch", key: harness.a.key, ["messages": [Samples.text]]),
                try await api.get("/v1/messages", key: harness.a.key),
                try await api.get("/v1/messages/\(dead)", key: harness.a.key),
                try await api.get("/v1/dead-letters", key: harness.a.key),
                try await api.delete("/v1/dead-letters/\(dead)", key: harness.a.key),
                try await api.get("/v1/stats", key: harness.a.key),
                try await api.post("/v1/tenants", key: Harness.adminToken, ["name": "x"]),
                try await api.post("/v1/channels", key: harness.a.key, Samples.channel),
            ]
            for answer in calls {
                expectProblem(answer, status)
                #expect((answer.headers[.retryAfter] != nil) == (status == 503))
                #expect(!answer.body.contains("communications_log"))
            }
            harness.store.interpose(nil)
            #expect(harness.store.messageCount == 1)
            #expect(harness.gateway.directory.tenants().count == 2)
            #expect(harness.gateway.directory.channels().count == 2)
        }
    }
}
