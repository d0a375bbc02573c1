import HTTPTypes
import Martlet
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletServer

@Suite struct MessageRouteTests {
    @Test func `a send answers 202 with the whole message and stores it`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let body = Samples.text([
                "channel": "billing",
                "event": ["user_id": "u_981", "type": "invoice.paid", "timestamp": "2026-11-23T10:00:00Z"],
                "metadata": ["invoice": "42"], "priority": "high", "on_unknown": "hold",
            ])
            let answer = try await api.post("/v1/messages", key: harness.a.key, body)
            #expect(answer.status == 202)
            #expect(answer.contentType == "application/json")
            let names = [
                "id", "channel", "to", "type", "payload", "status", "condition", "condition_since", "message_id",
                "submission_id", "attempts", "next_attempt_at", "error_reason", "dead_lettered", "duplicate_risk",
                "priority", "send_at", "expires_at", "idempotency_key", "event", "metadata", "created_at", "updated_at",
                "sent_at", "delivered_at", "read_at", "failed_at",
            ]
            for name in names { #expect(answer[name] != nil, "\(name) is missing") }
            #expect(answer["channel"] == "billing")
            #expect(answer["to"] == "+14155550123")
            #expect(answer["payload"] == ["body": "Invoice 42 is paid."])
            #expect(answer["status"] == "queued")
            #expect(answer["condition"] == .null)
            #expect(answer["next_attempt_at"] == .null)
            #expect(answer["attempts"] == 0)
            #expect(answer["priority"] == "high")
            #expect(answer["metadata"] == ["invoice": "42"])
            #expect(answer["event"]?["user_id"] == "u_981")
            #expect(answer.text("idempotency_key").utf8.count == 64)
            #expect(answer["created_at"] == "2026-11-23T10:00:00.000Z")
            let stored = try #require(harness.store.allMessages.first)
            #expect(stored.id.text == answer.text("id"))
            #expect(stored.onUnknown == .hold)
            #expect(harness.woken.all == [harness.a.channel.id])

            let shown = try await api.get("/v1/messages/\(answer.text("id"))", key: harness.a.key)
            #expect(shown.status == 200)
            #expect(shown.json == answer.json)
        }
    }

    @Test func `a scheduled message says so and when`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let answer = try await api.post(
                "/v1/messages", key: harness.a.key,
                Samples.text(["send_at": "2026-11-23T11:00:00Z", "expires_in": 7200]))
            #expect(answer["condition"] == "scheduled")
            #expect(answer["next_attempt_at"] == "2026-11-23T11:00:00.000Z")
            #expect(answer["send_at"] == "2026-11-23T11:00:00.000Z")
            #expect(answer["expires_at"] == "2026-11-23T12:00:00.000Z")
        }
    }

    @Test func `the same key and content is the same message`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let headers: HTTPFields = [MessageRoutes.idempotencyKey: "order-1"]
            let first = try await api.post("/v1/messages", key: harness.a.key, Samples.text, headers: headers)
            let second = try await api.post("/v1/messages", key: harness.a.key, Samples.text, headers: headers)
            let inBody = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text(["idempotency_key": "order-1"]))
            #expect(first.status == 202)
            #expect(first.headers[MessageRoutes.idempotentReplayed] == nil)
            for again in [second, inBody] {
                #expect(again.status == 200)
                #expect(again.headers[MessageRoutes.idempotentReplayed] == "true")
                #expect(again["id"] == first["id"])
            }
            let other = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text(["text": ["body": "else"]]), headers: headers)
            expectProblem(other, 409)
            #expect(other.text("detail").contains(first.text("id")))
            // Another tenant's keys are another tenant's.
            let elsewhere = try await api.post("/v1/messages", key: harness.b.key, Samples.text, headers: headers)
            #expect(elsewhere.status == 202)
            #expect(harness.store.messageCount == 2)
        }
    }

    @Test func `fifty concurrent sends with one key make one message`() async throws {
        let harness = try await Harness()
        // Slow writes make the sends meet in one batch as well as in several.
        let writes = Mutex(0)
        harness.store.interpose { operation async throws(StoreError) in
            guard operation == .accept else { return }
            writes.withLock { $0 += 1 }
            await Task.yield()
        }
        try await harness.run { api in
            let answers = try await withThrowingTaskGroup(of: API.Answer.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await api.post(
                            "/v1/messages", key: harness.a.key, Samples.text(["idempotency_key": "once"]))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.filter { $0.status == 202 }.count == 1)
            #expect(answers.filter { $0.status == 200 }.count == 49)
            #expect(Set(answers.map { $0.text("id") }).count == 1)
            #expect(harness.store.messageCount == 1)
            #expect(writes.withLock { $0 } >= 1)
        }
    }

    @Test func `the same event without a key is the same message`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let event: JSONValue = ["user_id": "u", "type": "t", "timestamp": "2026-11-23T10:00:00Z"]
            let first = try await api.post("/v1/messages", key: harness.a.key, Samples.text(["event": event]))
            let second = try await api.post("/v1/messages", key: harness.a.key, Samples.text(["event": event]))
            #expect(first.status == 202)
            #expect(second.status == 200)
            #expect(first["id"] == second["id"])
        }
    }

    @Test func `a list is newest first, in pages, and filtered`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            var ids: [String] = []
            for index in 0..<5 {
                let to: JSONValue = index == 2 ? "+14155550199" : "+14155550123"
                ids.append(try await api.post("/v1/messages", key: harness.a.key, Samples.text(["to": to])).text("id"))
                harness.time.advance(by: .seconds(60))
            }
            let first = try await api.get("/v1/messages?limit=2", key: harness.a.key)
            #expect(first.ids == [ids[4], ids[3]])
            let second = try await api.get(
                "/v1/messages?limit=2&cursor=\(first.text("next_cursor"))", key: harness.a.key)
            #expect(second.ids == [ids[2], ids[1]])
            let third = try await api.get(
                "/v1/messages?limit=2&cursor=\(second.text("next_cursor"))", key: harness.a.key)
            #expect(third.ids == [ids[0]])
            #expect(third["next_cursor"] == .null)

            for recipient in ["+14155550199", "%2B14155550199"] {
                let found = try await api.get("/v1/messages?recipient=\(recipient)", key: harness.a.key)
                #expect(found.ids == [ids[2]])
            }
            let window = try await api.get(
                "/v1/messages?since=2026-11-23T10:01:00Z&until=2026-11-23T12:03:00+02:00", key: harness.a.key)
            #expect(window.ids == [ids[2], ids[1]])
            #expect(try await api.get("/v1/messages?status=queued", key: harness.a.key).ids.count == 5)
            #expect(try await api.get("/v1/messages?status=read", key: harness.a.key).ids == [])
            #expect(try await api.get("/v1/messages?channel=billing", key: harness.a.key).ids.count == 5)
            let byID = try await api.get("/v1/messages?channel=\(harness.a.channel.id)", key: harness.a.key)
            #expect(byID.ids.count == 5)

            try await harness.settle(
                #require(MessageID(ids[0])), .sent(submissionID: "sub-1", messageID: "wa-1", lookUpAt: nil),
                outcome: .accepted(submissionID: "sub-1", messageID: "wa-1"))
            for providerID in ["sub-1", "wa-1"] {
                #expect(try await api.get("/v1/messages?message_id=\(providerID)", key: harness.a.key).ids == [ids[0]])
            }
        }
    }

    @Test(arguments: [
        "limit=0", "limit=201", "limit=x", "limit=1&limit=2", "status=lost", "status=", "recipient=12",
        "since=yesterday",
        "until=2026-13-01T00:00:00Z", "cursor=nonsense", "cursor=bXNnXzE", "channel=unknown", "unknown=1", "limit=%zz",
        "message_id=%00", "message_id=%ff",
    ])
    func `a bad query parameter is 400`(_ query: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for path in ["/v1/messages", "/v1/dead-letters"] {
                let answer = try await api.get("\(path)?\(query)", key: harness.a.key)
                expectProblem(answer, 400)
                #expect(answer["type"] == "urn:martlet:problem:bad-parameter")
            }
        }
    }

    @Test func `a timeline names each step`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await api.post("/v1/messages", key: harness.a.key, Samples.text).text("id")
            try await harness.settle(
                #require(MessageID(id)), .retry(at: harness.time.now() + .seconds(5)),
                outcome: .transient(detail: "connection refused", retryAfter: nil))
            let timeline = try await api.get("/v1/messages/\(id)/events", key: harness.a.key)
            #expect(timeline.status == 200)
            let events = try #require(timeline["data"]?.arrayValue)
            #expect(events.map { $0["type"] } == ["accepted", "attempt"])
            #expect(events[0].objectValue?.names == ["id", "type", "at"])
            let attempt = events[1]
            #expect(attempt["attempt"] == 1)
            #expect(attempt["outcome"] == "transient")
            #expect(attempt["http_status"] == 422)
            #expect(attempt["duration_ms"] == 12)
            #expect(attempt["error"] == "connection refused")
            let message = try await api.get("/v1/messages/\(id)", key: harness.a.key)
            #expect(message["condition"] == "retrying")
            #expect(message["attempts"] == 1)
            #expect(message["next_attempt_at"] == "2026-11-23T10:00:05.000Z")
        }
    }

    @Test func `a message can be cancelled until it is being sent`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await api.post("/v1/messages", key: harness.a.key, Samples.text).text("id")
            let cancelled = try await api.post("/v1/messages/\(id)/cancel", key: harness.a.key)
            #expect(cancelled.status == 200)
            #expect(cancelled["status"] == "failed")
            #expect(cancelled["error_reason"] == "cancelled")
            #expect(cancelled["dead_lettered"] == false)
            expectProblem(try await api.post("/v1/messages/\(id)/cancel", key: harness.a.key), 409)

            let other = try await api.post("/v1/messages", key: harness.a.key, Samples.text).text("id")
            _ = try await harness.store.claim(
                [ClaimRequest(channel: harness.a.channel.id, limit: 1)], worker: "w", now: harness.time.now(),
                leaseUntil: harness.time.now() + .seconds(30))
            let tooLate = try await api.post("/v1/messages/\(other)/cancel", key: harness.a.key)
            expectProblem(tooLate, 409)
            #expect(tooLate.text("detail").contains("being sent"))
        }
    }

    @Test func `a waiting message says what its channel waits for`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await api.post("/v1/messages", key: harness.a.key, Samples.text).text("id")
            _ = try await api.post("/v1/channels/\(harness.a.channel.id)/pause", key: harness.a.key)
            let held = try await api.get("/v1/messages/\(id)", key: harness.a.key)
            #expect(held["status"] == "queued")
            #expect(held["condition"] == "held: channel paused")
        }
    }

    @Test func `a provider's own rules and an unknown channel are 422`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let long = String(repeating: "x", count: StandInProvider.textMax + 1)
            expectProblem(
                try await api.post("/v1/messages", key: harness.a.key, Samples.text(["text": ["body": .string(long)]])),
                422,
                pointers: ["/text/body"])
            expectProblem(
                try await api.post("/v1/messages", key: harness.a.key, Samples.text(["channel": "alerts"])), 422,
                pointers: ["/channel"])
            #expect(harness.store.messageCount == 0)
        }
    }
}
