import Martlet
import MartletTestSupport
import Testing
import WasenderProvider

@Suite struct SessionTests {
    static let states: [(Int, String, SessionAnswer)] = [
        (200, #"{"status":"connected"}"#, .up),
        (200, #"{"status":"CONNECTED"}"#, .up),
        (200, #"{"success":true,"data":{"status":"connected"}}"#, .up),
        (200, #"{"status":"disconnected"}"#, .down(detail: "disconnected")),
        (200, #"{"status":"NEED_SCAN"}"#, .down(detail: "need_scan")),
        (200, #"{"status":"logged_out"}"#, .down(detail: "logged_out")),
        (200, #"{"status":"some_new_state"}"#, .down(detail: "some_new_state")),
        (409, #"{"success":false,"message":"Session is not connected"}"#, .down(detail: "Session is not connected")),
        (401, #"{"success":false,"message":"Invalid API key"}"#, .unauthorized(detail: "Invalid API key")),
        (401, "no", .unauthorized(detail: "HTTP 401 without a reason")),
        (500, #"{"success":false,"message":"Oops"}"#, .failed(detail: "Oops")),
        (200, "connected", .failed(detail: "HTTP 200 without a reason")),
        (200, #"{"status":3}"#, .failed(detail: "HTTP 200 without a reason")),
    ]

    @Test(arguments: states) func `tells whether the session is up`(
        _ status: Int, _ body: String, _ expected: SessionAnswer
    ) async throws {
        try await Fixture.withServer(.json(status, body)) { provider, server in
            let answer = await provider.session(of: Fixture.channel(server.baseURL), timeout: .seconds(10))
            #expect(answer == expected)
            #expect(server.requests.map { "\($0.method) \($0.path)" } == ["GET /api/status"])
            #expect(server.requests.first?.header("authorization") == "Bearer \(Fixture.apiKey)")
        }
    }

    @Test func `no answer is a failed question, no key is unauthorized`() async throws {
        try await Fixture.withServer(.closeAfterReading) { provider, server in
            guard case .failed = await provider.session(of: Fixture.channel(server.baseURL), timeout: .seconds(10))
            else {
                Issue.record("should have failed")
                return
            }
            let channel = Fixture.channel(server.baseURL, credentials: [:])
            #expect(
                await provider.session(of: channel, timeout: .seconds(10))
                    == .unauthorized(detail: "the channel has no usable api_key"))
        }
    }

    static let commands: [(SessionCommand, String, String, SessionControlAnswer)] = [
        (
            .connect, "POST /api/whatsapp-sessions/42/connect",
            #"{"success":true,"data":{"status":"NEED_SCAN","qrCode":"2@AbC"}}"#,
            .done(status: "need_scan", qrCode: "2@AbC")
        ),
        (
            .connect, "POST /api/whatsapp-sessions/42/connect",
            #"{"success":true,"data":{"status":"CONNECTED","message":"Session is already connected"}}"#,
            .done(status: "connected", qrCode: nil)
        ),
        (
            .disconnect, "POST /api/whatsapp-sessions/42/disconnect",
            #"{"success":true,"data":{"status":"DISCONNECTED"}}"#, .done(status: "disconnected", qrCode: nil)
        ),
        (
            .disconnect, "POST /api/whatsapp-sessions/42/disconnect", #"{"success":true,"message":"Bye"}"#,
            .done(status: "disconnected", qrCode: nil)
        ),
        (
            .qrCode, "GET /api/whatsapp-sessions/42/qrcode", #"{"success":true,"data":{"qrCode":"2@XyZ"}}"#,
            .done(status: "need_scan", qrCode: "2@XyZ")
        ),
        (
            .qrCode, "GET /api/whatsapp-sessions/42/qrcode", #"{"success":true,"data":{}}"#,
            .failed(detail: "the provider answered without a code")
        ),
        (
            .connect, "POST /api/whatsapp-sessions/42/connect",
            #"{"success":false,"error":"You need to have an active subscription to connect a WhatsApp session."}"#,
            .failed(detail: "HTTP 200: You need to have an active subscription to connect a WhatsApp session.")
        ),
        (
            .connect, "POST /api/whatsapp-sessions/42/connect", "oops",
            .failed(detail: "HTTP 200: no answer in the provider's form")
        ),
    ]

    @Test(arguments: commands) func `starts and ends sessions`(
        _ command: SessionCommand, _ request: String, _ body: String, _ expected: SessionControlAnswer
    ) async throws {
        try await Fixture.withServer(.json(200, body)) { provider, server in
            let channel = Fixture.channel(server.baseURL, credentials: Fixture.everything)
            #expect(await provider.control(command, of: channel, timeout: .seconds(10)) == expected)
            #expect(server.requests.map { "\($0.method) \($0.path)" } == [request])
            #expect(server.requests.first?.header("authorization") == "Bearer \(Fixture.token)")
        }
    }

    @Test func `says which credential is missing`() async throws {
        try await Fixture.withServer(.json(200, #"{"success":true,"data":[]}"#)) { provider, server in
            var channel = Fixture.channel(server.baseURL)
            guard case .unsupported(let token) = await provider.control(.connect, of: channel, timeout: .seconds(10))
            else {
                Issue.record("should not be supported")
                return
            }
            #expect(token.contains("personal_access_token"))
            channel = Fixture.channel(
                server.baseURL,
                credentials: ["api_key": .string(Fixture.apiKey), "personal_access_token": .string(Fixture.token)])
            guard case .unsupported(let session) = await provider.control(.connect, of: channel, timeout: .seconds(10))
            else {
                Issue.record("should not be supported")
                return
            }
            #expect(session.contains("session_id"))
        }
    }

    @Test func `finds the session by its key`() async throws {
        let sessions = #"{"success":true,"data":[{"id":"my-session","api_key":"\#(Fixture.apiKey)"}]}"#
        try await Fixture.withServer(.json(200, sessions), .json(200, #"{"success":true,"data":{}}"#)) {
            provider, server in
            let channel = Fixture.channel(
                server.baseURL,
                credentials: ["api_key": .string(Fixture.apiKey), "personal_access_token": .string(Fixture.token)])
            #expect(
                await provider.control(.connect, of: channel, timeout: .seconds(10))
                    == .done(status: "connecting", qrCode: nil))
            #expect(server.requests.last?.path == "/api/whatsapp-sessions/my-session/connect")
        }
    }
}
