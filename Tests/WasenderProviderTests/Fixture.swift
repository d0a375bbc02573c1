import Foundation
import Martlet
import MartletTestSupport
import WasenderProvider

/// What the tests of this module share: a channel, a message, a provider next to a server.
enum Fixture {
    static let apiKey = String(repeating: "5e55104a", count: 8)
    static let token = "77|qP0vFz6sT4uXkLw9bN1yR3cD8eG5hJ2m"
    static let webhookSecret = "d41d8cd98f00b204e9800998ecf8427e"
    /// 2026-01-02T03:04:05Z
    static let now = Timestamp(seconds: 1_767_323_045)
    static let recipient = PhoneNumber(unchecked: "+12025550123")

    static let keyOnly: JSONObject = ["api_key": .string(apiKey)]
    static let everything: JSONObject = [
        "api_key": .string(apiKey), "personal_access_token": .string(token), "session_id": 42,
    ]

    static func channel(
        _ baseURL: String? = nil, credentials: JSONObject = keyOnly, webhookSecret: String? = webhookSecret
    ) -> Channel {
        Channel(
            id: ChannelID(unchecked: "chn_1"), tenantID: TenantID(unchecked: "ten_1"), name: "support",
            provider: "wasender", baseURL: baseURL, credentials: Secret(credentials),
            webhookSecret: webhookSecret.map { Secret($0) }, webhookToken: "t", statusSince: now, createdAt: now)
    }

    static func message(_ payload: Payload = .text("Your parcel is here."), submissionID: String? = nil) -> Message {
        var message = Message(
            id: MessageID(unchecked: "msg_1"), tenantID: TenantID(unchecked: "ten_1"),
            channelID: ChannelID(unchecked: "chn_1"), recipient: recipient, payload: payload, createdAt: now)
        message.submissionID = submissionID
        return message
    }

    static func question(
        _ purpose: LookUp.Purpose, _ message: Message = message(submissionID: "100001")
    ) -> LookUp {
        LookUp(message: message, purpose: purpose, tries: 0, attemptStartedAt: now)
    }

    /// Runs a body with a provider whose clock stands still.
    static func withProvider<Result>(
        connections: WasenderProvider.ConnectionOptions = .init(),
        _ body: (WasenderProvider) async throws -> Result
    ) async throws -> Result {
        let provider = WasenderProvider(version: "1.2.3", connections: connections, time: StandingTime())
        do {
            let result = try await body(provider)
            try await provider.shutDown()
            return result
        } catch {
            try await provider.shutDown()
            throw error
        }
    }

    /// Runs a body with a provider and a server that replies so, one reply for each request, the last one for ever.
    static func withServer<Result>(
        _ replies: ScriptedServer.Reply..., connectionsMax: Int = 512, idleTimeout: Duration = .seconds(4),
        body: (WasenderProvider, ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let server = ScriptedServer(replies)
        defer { server.stop() }
        return try await withProvider(connections: .init(connectionsMax: connectionsMax, idleTimeout: idleTimeout)) {
            try await body($0, server)
        }
    }
}

private struct StandingTime: TimeSource {
    func now() -> Timestamp { Fixture.now }
    func monotonicNow() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
    func sleep(for duration: Duration) async throws {}
}
