import Martlet
import MartletTestSupport
import Testing
import WasenderProvider

@Suite(.timeLimit(.minutes(1))) struct LookUpTests {
    // MARK: One message

    static let answers: [(String, Int, String, LookUpAnswer)] = [
        (
            "the documented answer", 200,
            #"{"success":true,"data":{"remoteJid":"12025550123@s.whatsapp.net","id":"3EB0AA","msgId":100001,"key":{"id":"3EB0AA","fromMe":true},"messageTimestamp":"1767323045","status":2}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .server, detail: nil)
        ),
        (
            "delivered, as a string", 200, #"{"success":true,"data":{"key":{"id":"3EB0AA"},"status":"3"}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .device, detail: nil)
        ),
        (
            "played", 200, #"{"success":true,"data":{"key":{"id":"3EB0AA"},"status":5}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .read, detail: nil)
        ),
        (
            "read, by name", 200, #"{"data":{"key":{"id":"3EB0AA"},"status":"READ"}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .read, detail: nil)
        ),
        (
            "a code that is not known", 200, #"{"success":true,"data":{"key":{"id":"3EB0AA"},"status":17}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: nil, detail: nil)
        ),
        (
            "no status", 200, #"{"success":true,"data":{"key":{"id":"3EB0AA"}}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: nil, detail: nil)
        ),
        (
            "the id without a key", 200, #"{"success":true,"data":{"id":"3EB0AA","status":1}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .pending, detail: nil)
        ),
        (
            "failed, with a reason", 200,
            #"{"success":true,"data":{"key":{"id":"3EB0AA"},"status":0,"failed_reason":"Blocked"}}"#,
            .found(submissionID: "100001", messageID: "3EB0AA", level: .failed, detail: "Blocked")
        ),
        (
            "failed before it had an id", 200, #"{"success":true,"data":{"status":0}}"#,
            .found(submissionID: "100001", messageID: nil, level: .failed, detail: nil)
        ),
        ("not sent yet", 200, #"{"success":true,"data":{"msgId":100001,"status":1}}"#, .notFound),
        ("not sent yet, without a status", 200, #"{"success":true,"data":{"msgId":100001}}"#, .notFound),
        ("an id that is none", 200, #"{"success":true,"data":{"key":{"id":"a b\n"},"status":1}}"#, .notFound),
        ("404", 404, #"{"success":false,"message":"Message not found"}"#, .notFound),
        ("not found with status 200", 200, #"{"success":false,"message":"Message not found"}"#, .notFound),
        ("too fast", 429, #"{"message":"Slow down","retry_after":8}"#, .throttled(retryAfter: .seconds(8))),
        (
            "wrong key", 401, #"{"success":false,"message":"Invalid API key"}"#,
            .failed(detail: "HTTP 401: Invalid API key")
        ),
        ("broken", 502, "<html>", .failed(detail: "HTTP 502: no answer in the provider's form")),
        ("not JSON", 200, "hello", .failed(detail: "HTTP 200: no answer in the provider's form")),
        ("no data", 200, #"{"success":true}"#, .failed(detail: "HTTP 200 without data")),
    ]

    @Test(arguments: answers) func `reads what is known of a message`(
        _ name: String, _ status: Int, _ body: String, _ expected: LookUpAnswer
    ) async throws {
        try await Fixture.withServer(.json(status, body)) { provider, server in
            for purpose in [LookUp.Purpose.identity, .acknowledgement] {
                let answer = await provider.lookUp(
                    Fixture.question(purpose), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
                #expect(answer == expected, "\(name)")
            }
            let request = try #require(server.requests.first)
            #expect(request.method == "GET")
            #expect(request.path == "/api/messages/100001/info")
            #expect(request.header("authorization") == "Bearer \(Fixture.apiKey)")
        }
    }

    @Test(arguments: [nil, "", "../user", "3EB0AA", "12345678901234567890123"])
    func `a message without the provider's number cannot be asked for`(_ id: String?) async throws {
        try await Fixture.withServer(.json(200, "{}")) { provider, server in
            let answer = await provider.lookUp(
                Fixture.question(.identity, Fixture.message(submissionID: id)), over: Fixture.channel(server.baseURL),
                timeout: .seconds(10))
            #expect(answer == .unsupported)
            #expect(server.requests.isEmpty)
        }
    }

    @Test func `no answer is a failed question`() async throws {
        try await Fixture.withServer(.closeAfterReading) { provider, server in
            let answer = await provider.lookUp(
                Fixture.question(.identity), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
            guard case .failed(let detail) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(!detail.isEmpty)
        }
    }

    // MARK: A send whose answer was lost

    static func row(
        _ id: Int, to: String? = "+12025550123", _ content: String? = #"{\"text\":\"Your parcel is here.\"}"#,
        status: String = "sent", at: String = "2026-01-02T03:04:06.000000Z", reason: String? = nil
    ) -> String {
        let content = content.map { "\"\($0)\"" } ?? "null"
        let to = to.map { "\"\($0)\"" } ?? "null"
        let reason = reason.map { "\"\($0)\"" } ?? "null"
        return
            #"{"id":\#(id),"whatsapp_session_id":42,"to":\#(to),"content":\#(content),"status":"\#(status)","failed_reason":\#(reason),"created_at":"\#(at)"}"#
    }

    static func page(_ rows: String...) -> ScriptedServer.Reply { page(rows) }
    static func page(_ rows: [String]) -> ScriptedServer.Reply {
        .json(
            200, #"{"success":true,"data":{"current_page":1,"data":[\#(rows.joined(separator: ","))],"per_page":100}}"#)
    }

    static func lookUp(
        _ pages: [ScriptedServer.Reply], payload: Payload = .text("Your parcel is here."),
        credentials: JSONObject = Fixture.everything
    ) async throws -> (LookUpAnswer, [ScriptedServer.Request]) {
        let server = ScriptedServer(pages)
        defer { server.stop() }
        return try await Fixture.withProvider { provider in
            let answer = await provider.lookUp(
                Fixture.question(.outcome, Fixture.message(payload)),
                over: Fixture.channel(server.baseURL, credentials: credentials), timeout: .seconds(10))
            return (answer, server.requests)
        }
    }

    static func found(_ id: String, _ level: AcknowledgementLevel? = nil, _ detail: String? = nil) -> LookUpAnswer {
        .found(submissionID: id, messageID: nil, level: level, detail: detail)
    }

    @Test func `finds the one send that fits`() async throws {
        let (answer, requests) = try await Self.lookUp([
            Self.page(
                Self.row(9, to: "+12025550124"), Self.row(8, #"{\"text\":\"Another text\"}"#), Self.row(7),
                Self.row(6, at: "2026-01-02T03:03:00.000000Z"))
        ])
        #expect(answer == Self.found("7"))
        #expect(requests.map(\.path) == ["/api/whatsapp-sessions/42/message-logs?page=1&per_page=100"])
        #expect(requests.first?.header("authorization") == "Bearer \(Fixture.token)")
    }

    static let forms: [(String, LookUpAnswer)] = [
        (row(7, to: "12025550123"), found("7")),
        (row(7, to: "12025550123@s.whatsapp.net"), found("7")),
        (row(7, #"{\"text\":\"  Your parcel is here. \"}"#), found("7")),
        (row(7, at: "2026-01-02 03:04:05"), found("7")),
        (row(7, at: "2026-01-02T03:03:55Z"), found("7")),
        (row(7, at: "2026-01-02T03:03:54Z"), .notFound),
        (row(7, at: "yesterday"), .notFound),
        (row(7, status: "failed", reason: "No such number"), found("7", .failed, "No such number")),
        (row(7, status: "failed"), found("7", .failed)),
        (row(7, status: "in_progress"), found("7")),
        (row(7, #"{\"text\":\"Your parcel is here.\",\"imageUrl\":\"https://e.com/a.png\"}"#), .notFound),
        (row(7, to: nil, nil), .unsupported),
        (row(7, "not json"), .unsupported),
        (#"{"no":"row"}"#, .notFound),
        (row(7).replacing(#""id":7"#, with: #""id":"7""#), found("7")),
    ]

    @Test(arguments: forms) func `reads the log's forms`(_ row: String, _ expected: LookUpAnswer) async throws {
        #expect(try await Self.lookUp([Self.page(row)]).0 == expected)
        // The same rows without the paginator around them.
        #expect(try await Self.lookUp([.json(200, #"{"data":[\#(row)]}"#)]).0 == expected)
    }

    static let payloads: [(Payload, String)] = [
        (
            Payload(kind: .image, content: ["url": "https://e.com/a.png", "caption": "Look"]),
            #"{\"imageUrl\":\"https:\\/\\/e.com\\/a.png\",\"text\":\"Look\"}"#
        ),
        (
            Payload(kind: .document, content: ["url": "https://e.com/a.pdf", "filename": "a.pdf"]),
            #"{\"documentUrl\":\"https://e.com/a.pdf\",\"fileName\":\"a.pdf\",\"text\":null}"#
        ),
        (
            Payload(kind: .location, content: ["latitude": 52, "longitude": 13.405]),
            #"{\"location\":{\"latitude\":52.0,\"longitude\":\"13.405\",\"name\":null}}"#
        ),
        (
            Payload(kind: .contact, content: ["name": "Support", "phone": "+12025550199"]),
            #"{\"contact\":{\"phone\":\"+12025550199\",\"name\":\"Support\"}}"#
        ),
    ]

    @Test(arguments: payloads) func `knows every type again`(_ payload: Payload, _ content: String) async throws {
        #expect(try await Self.lookUp([Self.page(Self.row(7, content))], payload: payload).0 == Self.found("7"))
        #expect(try await Self.lookUp([Self.page(Self.row(7))], payload: payload).0 == .notFound)
    }

    @Test func `two that fit are no answer`() async throws {
        let (answer, _) = try await Self.lookUp([Self.page(Self.row(8), Self.row(7))])
        #expect(answer == .failed(detail: "2 sends in the provider's message log fit"))
    }

    @Test func `reads on while pages are full and young enough, three at most`() async throws {
        let full = Self.page((0..<100).map { Self.row(1000 - $0, #"{\"text\":\"Another text\"}"#) })
        let second = try await Self.lookUp([full, Self.page(Self.row(8))])
        #expect(second.0 == Self.found("8"))
        #expect(second.1.count == 2)
        let endless = try await Self.lookUp([full])
        #expect(endless.0 == .notFound)
        #expect(endless.1.count == 3)
        let old = Self.page((0..<100).map { Self.row(1000 - $0, at: "2026-01-01T00:00:00Z") })
        #expect(try await Self.lookUp([old]).1.count == 1)
    }

    @Test func `a row that moved to the next page is one row`() async throws {
        let first = (0..<99).map { Self.row(1000 - $0, #"{\"text\":\"Another text\"}"#) } + [Self.row(7)]
        #expect(try await Self.lookUp([Self.page(first), Self.page(Self.row(7))]).0 == Self.found("7"))
    }

    @Test func `finds the session by its key where its id is not configured`() async throws {
        let sessions =
            #"{"success":true,"data":[{"id":1,"api_key":"other"},{"id":2,"api_key":null},{"id":3,"api_key":"\#(Fixture.apiKey)"}]}"#
        let credentials: JSONObject = [
            "api_key": .string(Fixture.apiKey), "personal_access_token": .string(Fixture.token),
        ]
        let (answer, requests) = try await Self.lookUp(
            [.json(200, sessions), Self.page(Self.row(7))], credentials: credentials)
        #expect(answer == Self.found("7"))
        #expect(
            requests.map(\.path) == [
                "/api/whatsapp-sessions", "/api/whatsapp-sessions/3/message-logs?page=1&per_page=100",
            ])
        let none = try await Self.lookUp([.json(200, #"{"success":true,"data":[]}"#)], credentials: credentials)
        #expect(none.0 == .unsupported)
    }

    @Test func `cannot tell without the account's token`() async throws {
        let (answer, requests) = try await Self.lookUp([Self.page(Self.row(7))], credentials: Fixture.keyOnly)
        #expect(answer == .unsupported)
        #expect(requests.isEmpty)
    }

    static let problems: [(ScriptedServer.Reply, LookUpAnswer)] = [
        (.json(401, #"{"success":false,"message":"Unauthenticated."}"#), .failed(detail: "HTTP 401: Unauthenticated.")),
        (.json(404, #"{"success":false,"message":"Session not found"}"#), .unsupported),
        (.json(429, #"{"message":"Slow down","retry_after":5}"#), .throttled(retryAfter: .seconds(5))),
        (.json(500, "oops"), .failed(detail: "HTTP 500: no answer in the provider's form")),
        (
            .json(200, #"{"success":true,"data":{"rows":[]}}"#),
            .failed(detail: "the message log came in an unknown form")
        ),
    ]

    @Test(arguments: problems) func `a log that cannot be read is no answer`(
        _ reply: ScriptedServer.Reply, _ expected: LookUpAnswer
    ) async throws {
        #expect(try await Self.lookUp([reply]).0 == expected)
    }

    @Test func `all its requests share one time-out`() async throws {
        let full = Self.page((0..<100).map { Self.row(1000 - $0, #"{\"text\":\"Another text\"}"#) })
        try await Fixture.withServer(full, .silence) { provider, server in
            let answer = await provider.lookUp(
                Fixture.question(.outcome, Fixture.message()),
                over: Fixture.channel(server.baseURL, credentials: Fixture.everything), timeout: .milliseconds(500))
            guard case .failed = answer else {
                Issue.record("\(answer)")
                return
            }
        }
    }
}
