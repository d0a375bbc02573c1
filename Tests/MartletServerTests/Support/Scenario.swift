import HTTPTypes
import Hummingbird
import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

/// Calls every operation of the API once, successfully, and keeps what came back by the operation's id.
struct Scenario: Sendable {
    let harness: Harness
    let api: API

    func run() async throws -> [String: API.Answer] {
        var answers: [String: API.Answer] = [:]
        try await messages(&answers)
        try await deadLetters(&answers)
        try await channels(&answers)
        try await tenants(&answers)
        try await service(&answers)
        return answers
    }

    private func messages(_ answers: inout [String: API.Answer]) async throws {
        let key = harness.a.key
        let event: JSONValue = ["user_id": "u_981", "type": "invoice.paid", "timestamp": "2026-11-23T10:00:00Z"]
        let sent = try await api.post(
            "/v1/messages", key: key, Samples.text(["event": event, "metadata": ["invoice": "42"]]))
        answers["sendMessage"] = sent
        answers["sendBatch"] = try await api.post(
            "/v1/messages/batch", key: key,
            ["messages": [Samples.text, Samples.text(["to": "x"]), Samples.text(["priority": "low"])]])
        let id = sent.text("id")
        try await harness.settle(
            #require(MessageID(id)), .retry(at: harness.time.now() + .seconds(5)),
            outcome: .transient(detail: "connection refused", retryAfter: nil))
        answers["getMessage"] = try await api.get("/v1/messages/\(id)", key: key)
        answers["getTimeline"] = try await api.get("/v1/messages/\(id)/events", key: key)
        answers["listMessages"] = try await api.get("/v1/messages?limit=2", key: key)
        answers["getStatistics"] = try await api.get("/v1/stats", key: key)
        answers["cancelMessage"] = try await api.post("/v1/messages/\(id)/cancel", key: key)
    }

    private func deadLetters(_ answers: inout [String: API.Answer]) async throws {
        let key = harness.a.key
        let replayed = try await harness.deadLetter(api)
        let discarded = try await harness.deadLetter(api)
        answers["listDeadLetters"] = try await api.get("/v1/dead-letters", key: key)
        answers["getDeadLetter"] = try await api.get("/v1/dead-letters/\(replayed)", key: key)
        answers["replayDeadLetter"] = try await api.post(
            "/v1/dead-letters/\(replayed)/replay", key: key, ["to": "+14155550124"])
        let replay = try await api.post("/v1/replays", key: key, ["filter": [:], "per_second": 2.5])
        answers["createReplay"] = replay
        answers["getReplay"] = try await api.get("/v1/replays/\(replay.text("id"))", key: key)
        answers["cancelReplay"] = try await api.post("/v1/replays/\(replay.text("id"))/cancel", key: key)
        answers["discardDeadLetter"] = try await api.delete("/v1/dead-letters/\(discarded)", key: key)
    }

    private func channels(_ answers: inout [String: API.Answer]) async throws {
        let key = harness.a.key
        let created = try await api.post("/v1/channels", key: key, Samples.channel)
        let path = "/v1/channels/\(created.text("id"))"
        answers["createChannel"] = created
        answers["getChannel"] = try await api.get(path, key: key)
        answers["listChannels"] = try await api.get("/v1/channels", key: key)
        answers["updateChannel"] = try await api.patch(
            path, key: key,
            ["headroom": 0.8, "recipient_interval_ms": 5000, "limits": [["count": 1, "per_seconds": 0.5]]])
        answers["pauseChannel"] = try await api.post("\(path)/pause", key: key)
        answers["resumeChannel"] = try await api.post("\(path)/resume", key: key)
        harness.provider.answerCommands(with: .done(status: "need_scan", qrCode: "2@code"))
        answers["connectChannel"] = try await api.post("\(path)/connect", key: key)
        answers["getChannelCode"] = try await api.get("\(path)/qr", key: key)
        answers["disconnectChannel"] = try await api.post("\(path)/disconnect", key: key)
        let webhook = created.text("webhook_url").dropFirst(Harness.publicURL.count)
        answers["receiveWebhook"] = try await api.post(
            String(webhook), ["event": "messages.update"],
            headers: [HTTPField.Name("X-Proof")!: "webhook-secret-of-second"])
        answers["verifyWebhook"] = try await api.get(
            "\(webhook)?hub.challenge=1158201444&hub.verify_token=webhook-secret-of-second")
        answers["deleteChannel"] = try await api.delete(path, key: key)
    }

    private func tenants(_ answers: inout [String: API.Answer]) async throws {
        let key = Harness.adminToken
        let created = try await api.post(
            "/v1/tenants", key: key, ["name": "Crane", "limits": [["count": 100, "per_seconds": 1]]])
        let path = "/v1/tenants/\(created.text("id"))"
        answers["createTenant"] = created
        answers["getTenant"] = try await api.get(path, key: key)
        answers["listTenants"] = try await api.get("/v1/tenants", key: key)
        answers["updateTenant"] = try await api.patch(path, key: key, ["name": "Heron"])
        let made = try await api.post("\(path)/keys", key: key, ["name": "production"])
        answers["createKey"] = made
        answers["revokeKey"] = try await api.delete("\(path)/keys/\(made.text("id"))", key: key)
        answers["listKeys"] = try await api.get("\(path)/keys", key: key)
        answers["deleteTenant"] = try await api.delete(path, key: key)
    }

    private func service(_ answers: inout [String: API.Answer]) async throws {
        answers["getLive"] = try await api.get("/health/live")
        answers["getReady"] = try await api.get("/health/ready")
        answers["getMetrics"] = try await api.get("/metrics")
        answers["getDescription"] = try await api.get("/openapi.json")
    }
}
