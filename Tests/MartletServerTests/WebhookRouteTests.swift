import HTTPTypes
import Hummingbird
import Martlet
import MartletTestSupport
import Testing

@testable import MartletServer

@Suite struct WebhookRouteTests {
    static let proof: HTTPFields = [HTTPField.Name("X-Proof")!: Harness.webhookSecret]

    static func path(_ channel: Channel) -> String { "/webhooks/\(channel.id)/\(channel.webhookToken)" }

    @Test func `a webhook is stored, credentials blanked, and answered 200`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let body = #"{"event":"messages.update","sessionId":"\#(Harness.apiKeyA)"}"#
            var headers = Self.proof
            headers[.contentType] = "text/plain"
            let answer = try await api.send(
                .post, Self.path(harness.a.channel), raw: Array(body.utf8), headers: headers)
            #expect(answer.status == 200)
            #expect(answer.body == "{}")
            let now = harness.time.now()
            let entries = try await harness.store.lease(limit: 10, now: now, until: now + .seconds(1))
            #expect(entries.map(\.entry.channel) == [harness.a.channel.id])
            #expect(
                String(decoding: entries[0].entry.body, as: UTF8.self)
                    == #"{"event":"messages.update","sessionId":"***"}"#)
        }
    }

    @Test func `what cannot be JSON is stored as well: reading it is another's work`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let raw: [UInt8] = [0xFF, 0x00, 0x7B]
            let answer = try await api.send(.post, Self.path(harness.a.channel), raw: raw, headers: Self.proof)
            #expect(answer.status == 200)
            #expect(try await harness.store.depth().waiting == 1)
        }
    }

    @Test func `bad proof is 401 and stores nothing`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for headers: HTTPFields in [[:], [HTTPField.Name("X-Proof")!: "wrong"]] {
                let answer = try await api.post(Self.path(harness.a.channel), ["a": 1], headers: headers)
                expectProblem(answer, 401)
            }
            #expect(try await harness.store.depth().waiting == 0)
        }
    }

    @Test func `another address is 404, whatever the proof`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            for path in [
                "/webhooks/\(harness.a.channel.id)/\(harness.b.channel.webhookToken)",
                "/webhooks/\(harness.a.channel.id)/x",
                "/webhooks/chn_00000000000000000000000000/\(harness.a.channel.webhookToken)", "/webhooks/x/y",
            ] {
                expectProblem(try await api.post(path, ["a": 1], headers: Self.proof), 404)
                expectProblem(
                    try await api.get("\(path)?hub.challenge=1&hub.verify_token=\(Harness.webhookSecret)"), 404)
            }
            #expect(try await harness.store.depth().waiting == 0)
        }
    }

    @Test func `what goes to another address is not read`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let large = Array(repeating: UInt8(ascii: " "), count: 1024 * 1024 + 1)
            let path = "/webhooks/\(harness.a.channel.id)/x"
            expectProblem(try await api.send(.post, path, raw: large, headers: Self.proof), 404)
            expectProblem(
                try await api.send(.post, Self.path(harness.a.channel), raw: large, headers: Self.proof), 413)
        }
    }

    @Test func `a full inbox is 503 with a time to come back`() async throws {
        let harness = try await Harness()
        harness.store.interpose { operation throws(StoreError) in
            if operation == .append { throw StoreError(.full, "no room") }
        }
        try await harness.run { api in
            let answer = try await api.post(Self.path(harness.a.channel), ["a": 1], headers: Self.proof)
            expectProblem(answer, 503)
            #expect(answer.headers[.retryAfter] == "1")
        }
    }

    @Test func `a webhook has at most a mebibyte`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let limit = Array(repeating: UInt8(ascii: "x"), count: 1024 * 1024)
            #expect(
                try await api.send(.post, Self.path(harness.a.channel), raw: limit, headers: Self.proof).status == 200)
            expectProblem(
                try await api.send(.post, Self.path(harness.a.channel), raw: limit + [1], headers: Self.proof), 413)
            #expect(try await harness.store.depth().waiting == 1)
        }
    }

    @Test func `the verification handshake answers the challenge as plain text`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            let path = Self.path(harness.a.channel)
            let answer = try await api.get(
                "\(path)?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=\(Harness.webhookSecret)")
            #expect(answer.status == 200)
            #expect(answer.body == "1158201444")
            #expect(answer.contentType.hasPrefix("text/plain"))
            expectProblem(try await api.get("\(path)?hub.challenge=1&hub.verify_token=wrong"), 404)
        }
    }
}
