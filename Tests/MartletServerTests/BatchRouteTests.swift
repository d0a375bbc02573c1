import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct BatchRouteTests {
    @Test func `each entry of a batch stands alone`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let known = try await api.post("/v1/messages", key: harness.a.key, Samples.text(["idempotency_key": "k"]))
            let body: JSONValue = [
                "messages": [
                    Samples.text,
                    Samples.text(["to": "12"]),
                    Samples.text(["idempotency_key": "k"]),
                    Samples.text(["idempotency_key": "k", "text": ["body": "other"]]),
                    Samples.text(["text": ["body": "with \u{0} inside"]]),
                    Samples.text(["channel": "nowhere"]),
                    7,
                ]
            ]
            let answer = try await api.post("/v1/messages/batch", key: harness.a.key, body)
            #expect(answer.status == 202)
            let results = try #require(answer["results"]?.arrayValue)
            #expect(results.map { $0["index"] } == (0..<7).map { .integer($0) })
            #expect(results.map { $0["status"] } == [202, 422, 200, 409, 422, 422, 422])
            #expect(results[2]["id"] == known["id"])
            #expect(results[0]["id"]?.stringValue?.hasPrefix("msg_") == true)
            #expect(results[0]["error"] == nil)
            let pointers = results.map { $0["error"]?["errors"]?.arrayValue?.first?["pointer"]?.stringValue }
            #expect(
                pointers == [
                    nil, "/messages/1/to", nil, nil, "/messages/4/text/body", "/messages/5/channel", "/messages/6",
                ])
            #expect(results[3]["error"]?["status"] == 409)
            #expect(harness.store.messageCount == 2)
        }
    }

    @Test func `half a surrogate pair refuses its own entry`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let good = #"{"to":"+14155550123","type":"text","text":{"body":"ok"}}"#
            let bad = #"{"to":"+14155550123","type":"text","text":{"body":"\ud83d"}}"#
            let answer = try await api.send(
                .post, "/v1/messages/batch", key: harness.a.key, raw: Array("{\"messages\":[\(good),\(bad)]}".utf8))
            let results = try #require(answer["results"]?.arrayValue)
            #expect(results.map { $0["status"] } == [202, 422])
            #expect(results[1]["error"]?["errors"]?.arrayValue?.first?["pointer"] == "/messages/1/text/body")
            // More of them than the parser notes: nobody can tell which entries are sound, so none is taken.
            let many = Array(repeating: bad, count: 12).joined(separator: ",")
            expectProblem(
                try await api.send(
                    .post, "/v1/messages/batch", key: harness.a.key, raw: Array("{\"messages\":[\(many)]}".utf8)), 422)
            #expect(harness.store.messageCount == 1)
        }
    }

    @Test func `a batch has between one and a thousand entries`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let path = "/v1/messages/batch"
            expectProblem(try await api.post(path, key: harness.a.key, ["messages": []]), 422, pointers: ["/messages"])
            expectProblem(try await api.post(path, key: harness.a.key, []), 422, pointers: [""])
            expectProblem(try await api.post(path, key: harness.a.key, [:]), 422, pointers: ["/messages"])
            expectProblem(
                try await api.post(path, key: harness.a.key, ["messages": [Samples.text], "more": 1]), 422,
                pointers: ["/more"])
            let thousand = JSONValue.array(Array(repeating: Samples.text, count: 1000))
            let full = try await api.post(path, key: harness.a.key, ["messages": thousand])
            #expect(full["results"]?.arrayValue?.count == 1000)
            let over = JSONValue.array(Array(repeating: Samples.text, count: 1001))
            expectProblem(
                try await api.post(path, key: harness.a.key, ["messages": over]), 422, pointers: ["/messages"])
            #expect(harness.store.messageCount == 1000)
        }
    }
}
