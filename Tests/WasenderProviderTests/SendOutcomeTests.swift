import Martlet
import MartletTestSupport
import Testing
import WasenderProvider

/// What the provider's answers mean. Each goes over a socket.
@Suite struct SendOutcomeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var status: Int
        var headers: [String: String] = [:]
        var body: String
        var outcome: Outcome
    }

    static func rejected(_ code: ErrorReason.Code, _ detail: String) -> Outcome { .rejected(ErrorReason(code, detail)) }

    static let cases: [Case] = [
        // Accepted.
        Case(
            testDescription: "the documented success", status: 200,
            body: #"{"success":true,"data":{"msgId":100001,"jid":"+12025550123","status":"in_progress"}}"#,
            outcome: .accepted(submissionID: "100001", messageID: nil)),
        Case(
            testDescription: "the number as a string, status 201", status: 201,
            body: #"{"success":true,"data":{"msgId":"100002"}}"#,
            outcome: .accepted(submissionID: "100002", messageID: nil)),
        Case(
            testDescription: "no success member", status: 200, body: #"{"data":{"msgId":3}}"#,
            outcome: .accepted(submissionID: "3", messageID: nil)),
        // Credentials.
        Case(
            testDescription: "wrong key", status: 401, body: #"{"success":false,"message":"Invalid API key"}"#,
            outcome: .unauthorized(detail: "Invalid API key")),
        Case(
            testDescription: "no key, whatever the status", status: 400,
            body: #"{"success":false,"message":"API key is required"}"#,
            outcome: .unauthorized(detail: "API key is required")),
        Case(
            testDescription: "no subscription, 402", status: 402,
            body: #"{"success":false,"message":"Active subscription or trial is required to use the API"}"#,
            outcome: .unauthorized(detail: "Active subscription or trial is required to use the API")),
        Case(
            testDescription: "no subscription, 403, in error", status: 403,
            body: #"{"success":false,"error":"You need an active subscription."}"#,
            outcome: .unauthorized(detail: "You need an active subscription.")),
        Case(
            testDescription: "no subscription, 200", status: 200,
            body: #"{"success":false,"message":"Active subscription or trial is required to use the API"}"#,
            outcome: .unauthorized(detail: "Active subscription or trial is required to use the API")),
        Case(
            testDescription: "401 without JSON", status: 401, body: "no",
            outcome: .unauthorized(detail: "HTTP 401 without the provider's JSON: no")),
        Case(
            testDescription: "403 of something in front is nobody's fault", status: 403, body: "<html>blocked</html>",
            outcome: .transient(detail: "HTTP 403 without the provider's JSON: <html>blocked</html>", retryAfter: nil)),
        // Rate limits.
        Case(
            testDescription: "account protection", status: 429,
            body:
                #"{"message":"You have account protection enabled. You can only send 1 message every 5 seconds.","retry_after":3,"help":"x"}"#,
            outcome: .throttled(
                retryAfter: .seconds(3),
                detail: "You have account protection enabled. You can only send 1 message every 5 seconds.")),
        Case(
            testDescription: "the trial's limit speaks of the trial and is a limit", status: 429,
            body:
                #"{"message":"You are on a free trial. You can only send 1 message every 1 minute.","retry_after":"60"}"#,
            outcome: .throttled(
                retryAfter: .seconds(60), detail: "You are on a free trial. You can only send 1 message every 1 minute."
            )),
        Case(
            testDescription: "a limit with status 200", status: 200,
            body: #"{"message":"You can only send 1 message every 5 seconds.","retryAfter":2.5}"#,
            outcome: .throttled(retryAfter: .milliseconds(2500), detail: "You can only send 1 message every 5 seconds.")
        ),
        Case(
            testDescription: "the body's delay before the header's", status: 429, headers: ["Retry-After": "9"],
            body: #"{"message":"Slow down","retry_after":4}"#,
            outcome: .throttled(retryAfter: .seconds(4), detail: "Slow down")),
        Case(
            testDescription: "Retry-After in seconds", status: 429, headers: ["Retry-After": "7"],
            body: #"{"message":"Slow down"}"#,
            outcome: .throttled(retryAfter: .seconds(7), detail: "Slow down")),
        Case(
            testDescription: "Retry-After as a date", status: 429,
            headers: ["Retry-After": "Fri, 02 Jan 2026 03:05:05 GMT", "X-RateLimit-Reset": "5"], body: "",
            outcome: .throttled(retryAfter: .seconds(60), detail: "HTTP 429 with an empty body")),
        Case(
            testDescription: "a date that has passed", status: 429,
            headers: ["Retry-After": "Fri, 02 Jan 2026 03:00:00 GMT"],
            body: "", outcome: .throttled(retryAfter: .zero, detail: "HTTP 429 with an empty body")),
        Case(
            testDescription: "the window's reset as a delay", status: 429,
            headers: ["X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "42"], body: #"{"message":"Slow down"}"#,
            outcome: .throttled(retryAfter: .seconds(42), detail: "Slow down")),
        Case(
            testDescription: "the window's reset as a Unix time", status: 429,
            headers: ["X-RateLimit-Reset": "1767323075"], body: #"{"message":"Slow down"}"#,
            outcome: .throttled(retryAfter: .seconds(30), detail: "Slow down")),
        Case(
            testDescription: "the day's window before the minute's", status: 429,
            headers: [
                "X-RateLimit-Reset": "30", "X-RateLimit-Daily-Remaining": "0", "X-RateLimit-Daily-Reset": "7200",
            ],
            body: #"{"message":"Slow down"}"#, outcome: .throttled(retryAfter: .seconds(7200), detail: "Slow down")),
        Case(
            testDescription: "an absurd delay is bounded", status: 429,
            body: #"{"message":"Slow down","retry_after":1e300}"#,
            outcome: .throttled(retryAfter: .seconds(86400), detail: "Slow down")),
        Case(
            testDescription: "a negative delay is none", status: 429,
            body: #"{"message":"Slow down","retry_after":-5}"#,
            outcome: .throttled(retryAfter: .zero, detail: "Slow down")),
        Case(
            testDescription: "no delay told", status: 429, headers: ["Retry-After": "soon"],
            body: #"{"message":"Slow down"}"#,
            outcome: .throttled(retryAfter: nil, detail: "Slow down")),
        // The session.
        Case(
            testDescription: "not connected, 409", status: 409,
            body:
                #"{"success":false,"message":"Your Whatsapp Session is not connected please connect your session first."}"#,
            outcome: .sessionDown(
                detail: "Your Whatsapp Session is not connected please connect your session first.")),
        Case(
            testDescription: "not connected, 200", status: 200,
            body:
                #"{"success":false,"message":"Your Whatsapp Session is not connected please connect your session first."}"#,
            outcome: .sessionDown(
                detail: "Your Whatsapp Session is not connected please connect your session first.")),
        Case(
            testDescription: "not connected, 500, in capitals", status: 500,
            body: #"{"success":false,"error":"SESSION IS NOT CONNECTED"}"#,
            outcome: .sessionDown(detail: "SESSION IS NOT CONNECTED")),
        // The message.
        Case(
            testDescription: "nobody there", status: 422,
            body:
                #"{"success":false,"message":"JID does not exist on WhatsApp","errors":{"to":["JID does not exist on WhatsApp"]}}"#,
            outcome: rejected(.invalidRecipient, "JID does not exist on WhatsApp; to: JID does not exist on WhatsApp")),
        Case(
            testDescription: "nobody there, 200", status: 200,
            body: #"{"success":false,"message":"JID does not exist on WhatsApp"}"#,
            outcome: rejected(.invalidRecipient, "JID does not exist on WhatsApp")),
        Case(
            testDescription: "a faulty recipient", status: 422,
            body: #"{"success":false,"message":"Validation failed","errors":{"to":["The to field is invalid."]}}"#,
            outcome: rejected(.invalidRecipient, "Validation failed; to: The to field is invalid.")),
        Case(
            testDescription: "a faulty text", status: 400,
            body:
                #"{"success":false,"message":"Validation failed","errors":{"text":["Too long.","Too odd."],"imageUrl":"Bad"}}"#,
            outcome: rejected(.rejected, "Validation failed; text: Too long. Too odd.; imageUrl: Bad")),
        Case(
            testDescription: "another refusal", status: 409, body: #"{"success":false,"message":"Nope"}"#,
            outcome: rejected(.rejected, "Nope")),
        Case(
            testDescription: "another refusal, 200", status: 200, body: #"{"success":false,"message":"Nope"}"#,
            outcome: rejected(.rejected, "Nope")),
        Case(
            testDescription: "refused without a word, 200", status: 200, body: #"{"success":false}"#,
            outcome: rejected(.rejected, "HTTP 200 without a reason")),
        // Something in between, or the wrong place.
        Case(
            testDescription: "no such route", status: 404, body: #"{"message":"Not Found"}"#,
            outcome: .transient(detail: "there is no send-message at the base URL: Not Found", retryAfter: nil)),
        Case(
            testDescription: "not found by the provider", status: 404,
            body: #"{"success":false,"message":"Not found"}"#,
            outcome: rejected(.rejected, "Not found")),
        Case(
            testDescription: "a redirect is not followed", status: 301, headers: ["Location": "https://example.com/"],
            body: "",
            outcome: .transient(detail: "HTTP 301 with an empty body", retryAfter: nil)),
        Case(
            testDescription: "413 of a proxy", status: 413, body: "too big",
            outcome: .transient(detail: "HTTP 413 without the provider's JSON: too big", retryAfter: nil)),
        Case(
            testDescription: "408", status: 408, body: #"{"success":false,"message":"Timeout"}"#,
            outcome: .unknown(detail: "Timeout")),
        Case(
            testDescription: "408 without JSON", status: 408, body: "",
            outcome: .unknown(detail: "HTTP 408 with an empty body")),
        // The provider in trouble.
        Case(
            testDescription: "500 with the provider's error", status: 500,
            body: #"{"success":false,"message":"Internal server error"}"#,
            outcome: .transient(detail: "Internal server error", retryAfter: nil)),
        Case(
            testDescription: "503 with the provider's error and a delay", status: 503,
            body: #"{"message":"Down for maintenance","retry_after":90}"#,
            outcome: .transient(detail: "Down for maintenance", retryAfter: .seconds(90))),
        Case(
            testDescription: "502 of a proxy", status: 502, body: "<html>\n<title>502 Bad Gateway</title>",
            outcome: .unknown(
                detail: "HTTP 502 without the provider's JSON: <html> <title>502 Bad Gateway</title>")),
        Case(
            testDescription: "500 with JSON that says nothing", status: 500, body: #"{"errors":[1,2]}"#,
            outcome: .unknown(detail: "HTTP 500 without a reason")),
        Case(
            testDescription: "504 of a gateway that speaks JSON", status: 504,
            body: #"{"message":"Endpoint request timed out"}"#,
            outcome: .unknown(detail: "Endpoint request timed out")),
        Case(
            testDescription: "500 empty", status: 500, body: "",
            outcome: .unknown(detail: "HTTP 500 with an empty body")),
        // Answers that cannot be read.
        Case(
            testDescription: "200 empty", status: 200, body: "",
            outcome: .unknown(detail: "HTTP 200 with an empty body")),
        Case(
            testDescription: "200 without a number", status: 200, body: #"{"success":true,"data":{"jid":"x"}}"#,
            outcome: .unknown(detail: "HTTP 200 without a msgId")),
        Case(
            testDescription: "200 with a number of another kind", status: 200,
            body: #"{"success":true,"data":{"msgId":{"a":1}}}"#,
            outcome: .unknown(detail: "HTTP 200 without a msgId")),
        Case(
            testDescription: "200 with a number that leads elsewhere", status: 200,
            body: #"{"success":true,"data":{"msgId":"../../user"}}"#,
            outcome: .unknown(detail: "HTTP 200 without a msgId")),
        Case(
            testDescription: "200 half", status: 200, body: #"{"success":true,"data":{"msg"#,
            outcome: .unknown(detail: #"HTTP 200 without the provider's JSON: {"success":true,"data":{"msg"#)),
        Case(
            testDescription: "200 nested without end", status: 200, body: String(repeating: "[", count: 100),
            outcome: .unknown(detail: "HTTP 200 without the provider's JSON: " + String(repeating: "[", count: 100))),
        Case(
            testDescription: "200 that is a list", status: 200, body: "[1]",
            outcome: .unknown(detail: "HTTP 200 without the provider's JSON: [1]")),
    ]

    @Test(arguments: cases) func `reads answers`(_ expected: Case) async throws {
        let reply = ScriptedServer.Reply.answer(expected.status, headers: expected.headers, expected.body)
        try await Fixture.withServer(reply) { provider, server in
            let answer = await provider.send(
                Fixture.message(), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
            #expect(answer == SendAnswer(expected.outcome, httpStatus: expected.status))
        }
    }

    @Test func `keeps the provider's words without the credentials in them, on one line, bounded`() async throws {
        let echo = "Key \(Fixture.apiKey) and \(Fixture.token)\\nrefused " + String(repeating: "x", count: 5000)
        try await Fixture.withServer(.json(422, #"{"success":false,"message":"\#(echo)"}"#)) { provider, server in
            let channel = Fixture.channel(server.baseURL, credentials: Fixture.everything)
            let answer = await provider.send(Fixture.message(), over: channel, timeout: .seconds(10))
            guard case .rejected(let reason) = answer.outcome, let detail = reason.detail else {
                Issue.record("\(answer)")
                return
            }
            #expect(detail.hasPrefix("Key [secret] and [secret] refused xxx"))
            #expect(detail.count == ErrorReason.detailCharactersMax)
        }
    }

    /// Counted as people count characters, a letter with a thousand marks is one: words would have no bound, and a key that
    /// is cut through where the search for it ends would be kept.
    @Test func `words are bounded however many marks stand on one letter`() {
        let answer = Answer(
            status: 422, headers: [:],
            body: Array(#"{"success":false,"message":"x\#(String(repeating: "\u{301}", count: 200_000))"}"#.utf8))
        let outcome = SendOutcome.read(answer, words: ProviderWords(hiding: [Fixture.apiKey]), now: Fixture.now)
        let max = ErrorReason.Code.rejected.text.count + 2 + ErrorReason.detailCharactersMax
        #expect(outcome.detail?.unicodeScalars.count == max)
    }

    @Test func `an error page that repeats the key is kept without it`() async throws {
        try await Fixture.withServer(.answer(502, "bad gateway for Bearer \(Fixture.apiKey)")) { provider, server in
            let answer = await provider.send(
                Fixture.message(), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
            let detail = "HTTP 502 without the provider's JSON: bad gateway for Bearer [secret]"
            #expect(answer.outcome == .unknown(detail: detail))
        }
    }
}
