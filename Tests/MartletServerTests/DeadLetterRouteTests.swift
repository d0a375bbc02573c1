import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct DeadLetterRouteTests {
    @Test func `a dead letter shows every attempt`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api)
            _ = try await api.post("/v1/messages", key: harness.a.key, Samples.text)
            let shown = try await api.get("/v1/dead-letters/\(id)", key: harness.a.key)
            #expect(shown.status == 200)
            #expect(shown["id"] == .string(id.text))
            #expect(shown["status"] == "failed")
            #expect(shown["dead_lettered"] == true)
            #expect(shown["error_reason"] == "rejected: the number is not on WhatsApp")
            #expect(shown["dead_lettered_at"] == "2026-11-23T10:00:00.000Z")
            let history = try #require(shown["attempt_history"]?.arrayValue)
            #expect(history.map { $0["outcome"] } == ["rejected"])
            #expect(history[0]["http_status"] == 422)
            let list = try await api.get("/v1/dead-letters", key: harness.a.key)
            #expect(list.ids == [id.text])
            #expect(list["data"]?.arrayValue?.first == shown.json)
        }
    }

    @Test func `a replay with a correction queues the same id again`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api, Samples.text(["expires_in": 60]))
            harness.time.advance(by: .seconds(120))
            let answer = try await api.post(
                "/v1/dead-letters/\(id)/replay", key: harness.a.key,
                ["to": "+14155550124", "text": ["body": "corrected"]])
            #expect(answer.status == 202)
            #expect(answer["id"] == .string(id.text))
            #expect(answer["status"] == "queued")
            #expect(answer["to"] == "+14155550124")
            #expect(answer["payload"] == ["body": "corrected"])
            #expect(answer["attempts"] == 0)
            #expect(answer["error_reason"] == .null)
            #expect(answer["dead_lettered"] == false)
            #expect(answer["failed_at"] == .null)
            // The expiry had passed; kept, it would have failed the message at once.
            #expect(answer["expires_at"] == .null)
            #expect(harness.woken.all.count == 2)
            expectProblem(try await api.get("/v1/dead-letters/\(id)", key: harness.a.key), 404)
            let timeline = try await api.get("/v1/messages/\(id)/events", key: harness.a.key)
            let types = timeline["data"]?.arrayValue?.compactMap { $0["type"]?.stringValue } ?? []
            #expect(types == ["accepted", "attempt", "failed", "dead_lettered", "replayed"])
            expectProblem(try await api.post("/v1/dead-letters/\(id)/replay", key: harness.a.key), 404)
        }
    }

    @Test func `a replay needs no body and keeps what is not corrected`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api, Samples.text(["expires_in": 3600]))
            let answer = try await api.post("/v1/dead-letters/\(id)/replay", key: harness.a.key)
            #expect(answer.status == 202)
            #expect(answer["to"] == "+14155550123")
            #expect(answer["payload"] == ["body": "Invoice 42 is paid."])
            #expect(answer["expires_at"] == "2026-11-23T11:00:00.000Z")
        }
    }

    @Test(
        arguments: [
            (["to": "12"], "/to"), (["text": ["body": ""]], "/text/body"),
            (["text": ["title": "x", "body": "y"]], "/text/title"),
            (["image": ["url": "https://x.example/a.png"]], "/image"), (["colour": "red"], "/colour"),
            (["expires_in": 0], "/expires_in"), (["payload": ["body": 7]], "/payload/body"),
            (["type": "image"], "/type"),
            (["text": ["body": "a"], "payload": ["body": "b"]], "/payload"), ([1], ""),
        ] as [(JSONValue, String)])
    func `a bad correction is 422 and changes nothing`(_ body: JSONValue, _ pointer: String) async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api)
            let answer = try await api.post("/v1/dead-letters/\(id)/replay", key: harness.a.key, body)
            expectProblem(answer, 422, pointers: [pointer])
            #expect(try await api.get("/v1/dead-letters/\(id)", key: harness.a.key).status == 200)
        }
    }

    @Test func `a redacted message is replayed only with new content`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api, Samples.text(["redact": true]))
            #expect(try await api.get("/v1/messages/\(id)", key: harness.a.key)["payload"] == [:])
            let path = "/v1/dead-letters/\(id)/replay"
            expectProblem(
                try await api.post(path, key: harness.a.key, ["to": "+14155550124"]), 422, pointers: ["/text"])
            #expect(try await api.post(path, key: harness.a.key, ["text": ["body": "again"]]).status == 202)
        }
    }

    @Test func `a dead letter of a deleted channel cannot be replayed`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api)
            #expect(try await api.delete("/v1/channels/\(harness.a.channel.id)", key: harness.a.key).status == 204)
            expectProblem(try await api.post("/v1/dead-letters/\(id)/replay", key: harness.a.key), 409)
            let message = try await api.get("/v1/messages/\(id)", key: harness.a.key)
            #expect(message["channel"] == .string(harness.a.channel.id.text))
        }
    }

    @Test func `a discarded dead letter stays in the log`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let id = try await harness.deadLetter(api)
            let answer = try await api.delete("/v1/dead-letters/\(id)", key: harness.a.key)
            #expect(answer.status == 204)
            #expect(answer.body.isEmpty)
            expectProblem(try await api.delete("/v1/dead-letters/\(id)", key: harness.a.key), 404)
            #expect(try await api.get("/v1/dead-letters", key: harness.a.key).ids == [])
            #expect(try await api.get("/v1/messages/\(id)", key: harness.a.key)["status"] == "failed")
        }
    }
}
