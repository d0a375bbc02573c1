import Hummingbird
import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct IsolationTests {
    /// Every described route that has an id in its path and that a tenant may call.
    static let routes: [(method: String, path: String)] = OpenAPIOperation.all
        .filter { $0.security.contains("tenantKey") && $0.path.contains("{id}") }
        .map { ($0.method.uppercased(), $0.path) }

    @Test func `there are routes to hold apart`() { #expect(Self.routes.count == 16) }

    @Test(arguments: routes)
    func `another tenant's thing is as good as absent`(_ method: String, _ path: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let message = try await api.post("/v1/messages", key: harness.a.key, Samples.text).text("id")
            // The dead letter is made first on its channel, so that the message above stays as it is.
            let dead = try await harness.deadLetter(api).text
            let replay = try await api.post("/v1/replays", key: harness.a.key, ["filter": [:]]).text("id")
            let (id, absent) =
                if path.hasPrefix("/v1/messages") {
                    (message, "msg_00000000000000000000000000")
                } else if path.hasPrefix("/v1/dead-letters") {
                    (dead, "msg_00000000000000000000000000")
                } else if path.hasPrefix("/v1/replays") {
                    (replay, "rpl_00000000000000000000000000")
                } else {
                    (harness.a.channel.id.text, "chn_00000000000000000000000000")
                }
            let before = harness.store.allMessages
            let channels = harness.gateway.directory.channels()
            func call(_ id: String) async throws -> API.Answer {
                let method = try #require(HTTPRequest.Method(method))
                return try await api.send(
                    method, path.replacing("{id}", with: id), key: harness.b.key,
                    raw: method == .post || method == .patch ? Array("{}".utf8) : nil)
            }
            let answer = try await call(id)
            expectProblem(answer, 404)
            let toAbsent = try await call(absent)
            #expect(answer.json == toAbsent.json)
            #expect(harness.store.allMessages == before)
            #expect(try await api.get("/v1/replays/\(replay)", key: harness.a.key)["status"] == "running")
            #expect(harness.gateway.directory.channels() == channels)
        }
    }

    @Test func `lists and numbers hold the caller's own`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await api.post("/v1/messages", key: harness.a.key, Samples.text)
            _ = try await harness.deadLetter(api)
            for path in ["/v1/messages", "/v1/dead-letters"] {
                #expect(try await api.get(path, key: harness.a.key).ids.count >= 1)
                let others = try await api.get(path, key: harness.b.key)
                #expect(others.json == ["data": [], "next_cursor": nil])
                expectProblem(try await api.get("\(path)?channel=billing", key: harness.b.key), 400)
                #expect(try await api.get("\(path)?channel=\(harness.a.channel.id)", key: harness.b.key).ids == [])
            }
            #expect(try await api.get("/v1/channels", key: harness.b.key).ids == [harness.b.channel.id.text])
            let numbers = try await api.get("/v1/stats", key: harness.b.key)
            #expect(numbers["counts"]?["queued"] == 0)
            #expect(numbers["dead_letters"] == 0)
            #expect(numbers["channels"]?.arrayValue?.map { $0["name"] } == ["alerts"])
            // A cursor of another tenant's list opens nothing either.
            let cursor = try await api.get("/v1/messages?limit=1", key: harness.a.key).text("next_cursor")
            #expect(!cursor.isEmpty)
            #expect(try await api.get("/v1/messages?cursor=\(cursor)", key: harness.b.key).ids == [])
        }
    }

    @Test func `a bulk replay meets the caller's own dead letters alone`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await harness.deadLetter(api)
            for filter in [[:], ["channel": .string(harness.a.channel.id.text)]] as [JSONValue] {
                let estimate = try await api.post(
                    "/v1/replays", key: harness.b.key, ["filter": filter, "dry_run": true])
                #expect(estimate.json == ["matched": 0, "skipped": 0])
            }
            expectProblem(
                try await api.post("/v1/replays", key: harness.b.key, ["filter": ["channel": "billing"]]), 422,
                pointers: ["/filter/channel"])
        }
    }

    @Test func `a send cannot name another tenant's channel`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for name in [harness.a.channel.name, harness.a.channel.id.text] {
                expectProblem(
                    try await api.post("/v1/messages", key: harness.b.key, Samples.text(["channel": .string(name)])),
                    422,
                    pointers: ["/channel"])
            }
        }
    }

    @Test func `no secret is in any answer, and none in any log line`() async throws {
        let log = LogCapture()
        let harness = try await Harness(logger: log.logger)
        try await harness.run { api in
            var answers = try await Scenario(harness: harness, api: api).run()
            let made = try #require(answers["createKey"])
            #expect(made.text("key").hasPrefix("mk_"))
            answers["createKey"] = nil
            let secrets = [
                Harness.apiKeyA, Harness.apiKeyB, "provider-key-of-second", Harness.webhookSecret,
                "webhook-secret-of-second",
                Harness.adminToken, harness.a.key, harness.b.key, made.text("key"),
            ]
            for (id, answer) in answers {
                for secret in secrets { #expect(!answer.body.contains(secret), "\(id)") }
            }
            _ = try await api.get("/v1/messages?recipient=%2B14155550123", key: harness.a.key)
            let lines = log.lines
            #expect(lines.contains { $0.contains("/v1/messages/{id}") && $0.contains("200") })
            #expect(lines.contains { $0.contains("/webhooks/{channel_id}/{token}") })
            let unspeakable =
                secrets + [
                    "4155550123", "Invoice 42", "hub.verify_token", harness.a.channel.webhookToken, "/webhooks/chn_",
                ]
            for line in lines {
                for secret in unspeakable { #expect(!line.contains(secret), "\(line)") }
            }
        }
    }
}
