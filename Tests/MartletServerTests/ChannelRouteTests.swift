import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct ChannelRouteTests {
    @Test func `a channel is created with defaults shown and secrets hidden`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.post("/v1/channels", key: harness.a.key, Samples.channel)
            #expect(answer.status == 201)
            let id = answer.text("id")
            #expect(answer.headers[.location] == "/v1/channels/\(id)")
            #expect(answer["tenant"] == .string(harness.a.tenant.id.text))
            #expect(answer["provider"] == "stand-in")
            #expect(answer["base_url"] == "https://provider.example/api")
            #expect(answer["limits"] == [["count": 50, "per_seconds": 1]])
            #expect(answer["headroom"]?.doubleValue == 0.9)
            #expect(answer["recipient_interval_ms"] == .null)
            #expect(answer["acknowledgement_deadline_seconds"] == 300)
            #expect(answer["status"] == "active")
            #expect(answer["status_reason"] == .null)
            let token = try #require(answer.text("webhook_url").split(separator: "/").last)
            #expect(answer.text("webhook_url") == "\(Harness.publicURL)/webhooks/\(id)/\(token)")
            #expect(token.utf8.count == 48)
            #expect(answer["credentials"] == nil)
            #expect(answer["webhook_secret"] == nil)
            #expect(try await api.get("/v1/channels/\(id)", key: harness.a.key).json == answer.json)
            #expect(try await api.get("/v1/channels", key: harness.a.key).ids == [harness.a.channel.id.text, id])
            expectProblem(try await api.post("/v1/channels", key: harness.a.key, Samples.channel), 409)
        }
    }

    @Test(
        arguments: [
            (["name": nil], ["/name"]), (["name": ""], ["/name"]), (["name": "a\u{7}b"], ["/name"]),
            (["name": "   "], ["/name"]),
            (["provider": "unheard-of"], ["/provider"]), (["credentials": [:]], ["/credentials/api_key"]),
            (["credentials": ["api_key": "k", "pin": "1"]], ["/credentials/pin"]),
            (["credentials": "k"], ["/credentials"]),
            (["base_url": "ftp://x"], ["/base_url"]), (["base_url": "https://u:p@x.example"], ["/base_url"]),
            (["limits": []], ["/limits"]), (["limits": [["count": 0, "per_seconds": 1]]], ["/limits/0/count"]),
            (["limits": [["count": 1_000_001, "per_seconds": 1]]], ["/limits/0/count"]),
            (["limits": [["count": 1, "per_seconds": 0]]], ["/limits/0/per_seconds"]),
            (["limits": [["count": 1]]], ["/limits/0/per_seconds"]), (["limits": [7]], ["/limits/0"]),
            (["limits": [["count": 1, "per_seconds": 1, "burst": 2]]], ["/limits/0/burst"]),
            (["headroom": 1.1], ["/headroom"]), (["headroom": 0.01], ["/headroom"]),
            (["recipient_interval_ms": -1], ["/recipient_interval_ms"]),
            (["recipient_interval_ms": 1.5], ["/recipient_interval_ms"]),
            (["acknowledgement_deadline_seconds": 0], ["/acknowledgement_deadline_seconds"]),
            (["status": "active"], ["/status"]),
            (["tenant": "ten_1"], ["/tenant"]), (["webhook_secret": ""], ["/webhook_secret"]),
        ] as [(JSONObject, [String])])
    func `a bad channel is 422, named, and not stored`(_ change: JSONObject, _ pointers: [String]) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let body = JSONValue.object(Samples.channel.objectValue!.merging(change))
            expectProblem(try await api.post("/v1/channels", key: harness.a.key, body), 422, pointers: pointers)
            #expect(harness.gateway.directory.channels().count == 2)
        }
    }

    @Test func `the refusal of an unknown provider lists the known ones`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let body = JSONValue.object(Samples.channel.objectValue!.merging(["provider": "x"]))
            let answer = try await api.post("/v1/channels", key: harness.a.key, body)
            #expect(answer.body.contains("must be one of stand-in"))
        }
    }

    @Test func `a change merges credentials, null goes back to the default, the rest stays`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let path = "/v1/channels/\(harness.a.channel.id)"
            let changed = try await api.patch(
                path, key: harness.a.key,
                [
                    "name": "invoices", "credentials": ["account_token": "account-token-of-a"],
                    "limits": [["count": 256, "per_seconds": 60], ["count": 1, "per_seconds": 0.5]], "headroom": 0.5,
                    "recipient_interval_ms": 5000, "acknowledgement_deadline_seconds": 60,
                    "base_url": "http://127.0.0.1:9000/api",
                ])
            #expect(changed.status == 200)
            #expect(changed["name"] == "invoices")
            #expect(changed["limits"]?.arrayValue?.count == 2)
            #expect(changed["recipient_interval_ms"] == 5000)
            #expect(changed["acknowledgement_deadline_seconds"] == 60)
            #expect(changed["base_url"] == "http://127.0.0.1:9000/api")
            let stored = try #require(harness.gateway.directory.channel(harness.a.channel.id))
            #expect(
                stored.credentials.exposed == [
                    "api_key": .string(Harness.apiKeyA), "account_token": "account-token-of-a",
                ])
            #expect(stored.webhookSecret?.exposed == Harness.webhookSecret)

            let reset = try await api.patch(
                path, key: harness.a.key,
                [
                    "credentials": ["account_token": nil], "limits": nil, "headroom": nil, "recipient_interval_ms": nil,
                    "acknowledgement_deadline_seconds": nil, "base_url": nil, "webhook_secret": nil,
                ])
            #expect(reset["name"] == "invoices")
            #expect(reset["limits"] == [["count": 50, "per_seconds": 1]])
            #expect(reset["headroom"]?.doubleValue == 0.9)
            #expect(reset["recipient_interval_ms"] == .null)
            #expect(reset["base_url"] == "https://provider.example/api")
            let after = try #require(harness.gateway.directory.channel(harness.a.channel.id))
            #expect(after.credentials.exposed == ["api_key": .string(Harness.apiKeyA)])
            #expect(after.webhookSecret == nil)

            expectProblem(
                try await api.patch(path, key: harness.a.key, ["credentials": ["api_key": nil]]), 422,
                pointers: ["/credentials/api_key"])
            expectProblem(
                try await api.patch(path, key: harness.a.key, ["provider": "stand-in", "name": nil]), 422,
                pointers: ["/name", "/provider"])
        }
    }

    @Test func `a name can be taken once only`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            _ = try await api.post("/v1/channels", key: harness.a.key, Samples.channel)
            expectProblem(
                try await api.patch("/v1/channels/\(harness.a.channel.id)", key: harness.a.key, ["name": "second"]), 409
            )
            #expect(harness.gateway.directory.channel(harness.a.channel.id)?.name == "billing")
            // Another tenant may use the same name.
            #expect(try await api.post("/v1/channels", key: harness.b.key, Samples.channel).status == 201)
        }
    }

    @Test func `new credentials take an unauthorized channel back into service`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = harness.a.channel.id
            let path = "/v1/channels/\(id)"
            try await harness.gateway.directory.setStatus(id, .unauthorized, reason: "401 from the provider")
            #expect(try await api.get(path, key: harness.a.key)["status_reason"] == "401 from the provider")
            let changed = try await api.patch(path, key: harness.a.key, ["credentials": ["api_key": "renewed"]])
            #expect(changed["status"] == "active")
            #expect(changed["status_reason"] == .null)
            #expect(harness.woken.all == [id])
            try await harness.gateway.directory.setStatus(id, .paused, reason: "by hand")
            #expect(
                try await api.patch(path, key: harness.a.key, ["credentials": ["api_key": "k"]])["status"] == "paused")
        }
    }

    @Test(arguments: ChannelStatus.allCases)
    func `pause and resume work from every status`(_ status: ChannelStatus) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let path = "/v1/channels/\(harness.a.channel.id)"
            try await harness.gateway.directory.setStatus(harness.a.channel.id, status, reason: "test")
            let paused = try await api.post("\(path)/pause", key: harness.a.key)
            #expect(paused.status == 200)
            #expect(paused["status"] == "paused")
            try await harness.gateway.directory.setStatus(harness.a.channel.id, status, reason: "test")
            let resumed = try await api.post("\(path)/resume", key: harness.a.key)
            #expect(resumed.status == 200)
            #expect(resumed["status"] == "active")
            #expect(resumed["status_reason"] == .null)
        }
    }

    @Test func `session commands reach the provider`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let path = "/v1/channels/\(harness.a.channel.id)"
            harness.provider.answerCommands(with: .done(status: "need_scan", qrCode: "2@abc"))
            for answer in [
                try await api.post("\(path)/connect", key: harness.a.key),
                try await api.get("\(path)/qr", key: harness.a.key),
            ] {
                #expect(answer.status == 200)
                #expect(answer.json == ["status": "need_scan", "qr_code": "2@abc"])
            }
            harness.provider.answerCommands(with: .done(status: "disconnected", qrCode: nil))
            let ended = try await api.post("\(path)/disconnect", key: harness.a.key)
            #expect(ended.json == ["status": "disconnected", "qr_code": nil])
            #expect(harness.gateway.directory.channel(harness.a.channel.id)?.status == .disconnected)

            harness.provider.answerCommands(with: .unsupported(detail: "account_token is missing"))
            let unsupported = try await api.post("\(path)/connect", key: harness.a.key)
            expectProblem(unsupported, 409)
            #expect(unsupported["detail"] == "account_token is missing")
            harness.provider.answerCommands(with: .failed(detail: "the provider answered 500"))
            expectProblem(try await api.get("\(path)/qr", key: harness.a.key), 502)
        }
    }

    @Test func `the operator manages channels of any tenant`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let admin = Harness.adminToken
            expectProblem(try await api.post("/v1/channels", key: admin, Samples.channel), 422, pointers: ["/tenant"])
            let unknown = JSONValue.object(
                Samples.channel.objectValue!.merging(["tenant": "ten_00000000000000000000000000"]))
            expectProblem(try await api.post("/v1/channels", key: admin, unknown), 422, pointers: ["/tenant"])
            let body = JSONValue.object(
                Samples.channel.objectValue!.merging(["tenant": .string(harness.b.tenant.id.text)]))
            let created = try await api.post("/v1/channels", key: admin, body)
            #expect(created.status == 201)
            #expect(try await api.get("/v1/channels", key: admin).ids.count == 3)
            let ofB = try await api.get("/v1/channels?tenant=\(harness.b.tenant.id)", key: admin)
            #expect(ofB.ids == [harness.b.channel.id.text, created.text("id")])
            expectProblem(try await api.get("/v1/channels?tenant=nobody", key: admin), 400)
            // A tenant's key has no such parameter: it sees its own channels whatever it asks for.
            expectProblem(try await api.get("/v1/channels?tenant=\(harness.b.tenant.id)", key: harness.a.key), 400)
            let page = try await api.get("/v1/channels?limit=2", key: admin)
            #expect(page.ids.count == 2)
            let rest = try await api.get("/v1/channels?limit=2&cursor=\(page.text("next_cursor"))", key: admin)
            #expect(rest.ids.count == 1)
            #expect(rest["next_cursor"] == .null)
            #expect(try await api.post("/v1/channels/\(created.text("id"))/pause", key: admin)["status"] == "paused")
            #expect(try await api.delete("/v1/channels/\(created.text("id"))", key: admin).status == 204)
            expectProblem(try await api.delete("/v1/channels/\(created.text("id"))", key: admin), 404)
        }
    }
}
