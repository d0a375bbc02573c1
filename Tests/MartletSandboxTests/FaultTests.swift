import AsyncHTTPClient
import Foundation
import MartletSandbox
import NIOCore
import Testing

@Suite struct FaultTests {
    @Test(arguments: [
        (#"{"kind":"status","status":503}"#, 503, #"{"message":"Internal server error","success":false}"#),
        (#"{"kind":"status","status":502,"body":"<html>Bad gateway</html>"}"#, 502, "<html>Bad gateway</html>"),
        (
            #"{"kind":"status","status":402,"json":{"success":false,"message":"Pay"}}"#, 402,
            #"{"message":"Pay","success":false}"#
        ),
        (#"{"kind":"status","status":429,"retry_after":7}"#, 429, #"{"message":"Too many requests.","retry_after":7}"#),
        (#"{"kind":"status","status":401}"#, 401, #"{"message":"Invalid API key","success":false}"#),
        (#"{"kind":"garbage","body":"not JSON"}"#, 200, "not JSON"),
    ])
    func `answers what was asked for, as often as was asked for`(
        fault: String, status: Int, body: String
    ) async throws {
        try await withSandbox { running async throws in
            try await running.fault(fault.dropLast() + #","count":2}"#)
            for _ in 0..<2 {
                let answer = try await running.send()
                #expect(answer.status == status)
                #expect(answer.text == body)
            }
            #expect(try await running.send().status == 200)
            #expect(running.sandbox.ledger().count == 1)
            #expect(running.sandbox.statistics.refusedByFault == 2)
            #expect(running.sandbox.statistics.refusedByLimit == 0)
        }
    }

    @Test func `sets further headers`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"status","status":503,"headers":{"Retry-After":"3"}}"#)
            #expect(try await running.send().headers.first(name: "Retry-After") == "3")
        }
    }

    @Test func `resets the connection without accepting`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"reset","count":1}"#)
            await #expect(throws: (any Error).self) { try await running.send() }
            #expect(running.sandbox.ledger().isEmpty)
            #expect(running.sandbox.statistics.refusedByFault == 1)
            #expect(try await running.send().status == 200)
        }
    }

    @Test func `accepts and resets the connection`() async throws {
        try await WebhookReceiver.running { receiver in
            try await withSandbox({ $0.webhooksTo = URL(string: receiver.url) }) { running async throws in
                try await running.fault(#"{"kind":"accept_then_reset","count":1}"#)
                await #expect(throws: (any Error).self) { try await running.send() }
                let entry = try #require(running.sandbox.ledger().first)
                #expect(entry.outcome == .acceptedThenReset)
                #expect(running.sandbox.statistics.accepted == 1)
                #expect(running.sandbox.statistics.refusedByFault == 0)
                #expect(try await eventually { receiver.statuses == [2, 3, 4] })
            }
        }
    }

    @Test(arguments: ["status", "garbage"])
    func `accepts and answers something else`(kind: String) async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"\#(kind)","accept":true,"count":1}"#)
            let answer = try await running.send()
            #expect(answer.status == (kind == "status" ? 500 : 200))
            #expect(running.sandbox.ledger().map(\.outcome.rawValue) == ["accepted_then_\(kind)"])
        }
    }

    @Test(arguments: [("timeout", 0), ("accept_then_timeout", 1)])
    func `holds a request until the fault is ended`(kind: String, accepted: Int) async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"\#(kind)","count":1}"#)
            let held = Task { try await running.send(timeout: .seconds(60)) }
            #expect(try await eventually { running.sandbox.statistics.received == 1 })
            // Others are served meanwhile.
            #expect(try await running.send().status == 200)
            let ended = try await running.call(.DELETE, "/_sandbox/faults", key: nil)
            #expect(ended.status == 200)
            // Let go, and never answered.
            await #expect(throws: (any Error).self) { try await held.value }
            #expect(running.sandbox.ledger().count == 1 + accepted)
        }
    }

    @Test func `holds a request for a time`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"timeout","delay_ms":100,"count":1}"#)
            let start = ContinuousClock.now
            await #expect(throws: (any Error).self) { try await running.send(timeout: .seconds(60)) }
            let duration = ContinuousClock.now - start
            #expect(duration >= .milliseconds(100))
        }
    }

    @Test func `answers late`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"slow","delay_ms":150,"count":1}"#)
            let start = ContinuousClock.now
            #expect(try await running.send().status == 200)
            #expect(ContinuousClock.now - start >= .milliseconds(150))
            let receivedAt = try #require(running.sandbox.ledger().first).receivedAt
            #expect(try await running.send().status == 200)
            let later = try #require(running.sandbox.ledger().last).receivedAt
            #expect(later.wallMicroseconds - receivedAt.wallMicroseconds >= 150_000)
        }
    }

    @Test func `takes sessions down, and tells so when it begins and ends`() async throws {
        try await WebhookReceiver.running { receiver async throws in
            try await withSandbox({ $0.webhooksTo = URL(string: receiver.url) }) { running async throws in
                #expect(try await running.call(.GET, "/api/status").fields == ["status": "connected"])
                try await running.fault(#"{"kind":"session_down"}"#)
                let answer = try await running.send()
                #expect(answer.status == 409)
                #expect(answer.message?.contains("is not connected") == true)
                #expect(try await running.call(.GET, "/api/status").fields == ["status": "disconnected"])
                let session = try await running.call(.GET, "/api/whatsapp-sessions/1", key: "pat")
                #expect(session.data["status"] == "disconnected")
                _ = try await running.call(.DELETE, "/_sandbox/faults", key: nil)
                #expect(try await running.send().status == 200)
                // And once more, ended by its time.
                try await running.fault(#"{"kind":"session_down","for_ms":100}"#)
                #expect(try await eventually { receiver.webhooks(of: "session.status").count == 4 })
                let states = receiver.webhooks(of: "session.status").map { $0.data["status"] }
                #expect(states == ["disconnected", "connected", "disconnected", "connected"])
                #expect(receiver.webhooks(of: "session.status").first?.fields["sessionId"] == "key")
                #expect(try await running.send().status == 200)
            }
        }
    }

    @Test func `takes one session down until told otherwise`() async throws {
        try await withSandbox { running async throws in
            let id = try await running.fault(#"{"kind":"session_down","key":"first"}"#)
            #expect(try await running.send(key: "first").status == 409)
            #expect(try await running.send(key: "second").status == 200)
            #expect(try await running.call(.DELETE, "/_sandbox/faults/\(id)", key: nil).fields == ["ended": 1])
            #expect(try await running.call(.DELETE, "/_sandbox/faults/\(id)", key: nil).status == 404)
            #expect(try await running.send(key: "first").status == 200)
        }
    }

    @Test func `strikes a recipient alone, and other endpoints`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"status","to":"12025550124"}"#)
            try await running.fault(#"{"kind":"status","path":"info","status":503}"#)
            try await running.fault(#"{"kind":"status","path":"status","status":504}"#)
            try await running.fault(#"{"kind":"status","path":"logs","status":505}"#)
            #expect(try await running.send(to: "+12025550124").status == 500)
            let number = try #require(try await running.send().data["msgId"]?.integer)
            #expect(try await running.call(.GET, "/api/messages/\(number)/info").status == 503)
            #expect(try await running.call(.GET, "/api/status").status == 504)
            #expect(try await running.call(.GET, "/api/whatsapp-sessions/1/message-logs", key: "pat").status == 505)
        }
    }

    @Test func `strikes at a rate`() async throws {
        try await withSandbox({ configuration in
            configuration.seed = 7
            configuration.limits = [SandboxLimit(count: 10_000, per: .seconds(1))]
        }) { running async throws in
            try await running.fault(#"{"kind":"status","rate":0.3}"#)
            for number in 0..<200 { _ = try await running.send(text: "Message \(number)") }
            #expect((35...90).contains(running.sandbox.statistics.refusedByFault))
        }
    }

    @Test func `ends after its time`() async throws {
        // Asked often enough to meet the usual limit before the fault ends.
        try await withSandbox({ $0.limits = [SandboxLimit(count: 10_000, per: .seconds(1))] }) { running async throws in
            try await running.fault(#"{"kind":"status","for_ms":2000}"#)
            #expect(try await running.send().status == 500)
            #expect(try await eventually { try await running.send().status == 200 })
            #expect(try await running.call(.GET, "/_sandbox/faults", key: nil).fields == ["data": []])
        }
    }

    @Test func `loses, repeats and reverses webhooks`() async throws {
        try await WebhookReceiver.running { receiver in
            try await withSandbox({ $0.webhooksTo = URL(string: receiver.url) }) { running async throws in
                try await running.fault(#"{"kind":"webhook_drop","event":"messages.update","count":1}"#)
                _ = try await running.send()
                #expect(try await eventually { receiver.statuses == [3, 4] })
                #expect(running.sandbox.statistics.webhooks.dropped == 1)

                try await running.fault(#"{"kind":"webhook_duplicate","event":"messages.update","count":3}"#)
                _ = try await running.send()
                #expect(try await eventually { receiver.statuses.count == 8 })
                #expect(receiver.statuses.suffix(6) == [2, 2, 3, 3, 4, 4])

                try await running.fault(#"{"kind":"webhook_reorder","count":1}"#)
                _ = try await running.send()
                #expect(try await eventually { receiver.webhooks(of: "messages.update").count == 11 })
                #expect(receiver.statuses.suffix(3) == [4, 3, 2])
            }
        }
    }

    @Test func `posts webhooks before it answers`() async throws {
        try await WebhookReceiver.running { receiver in
            try await withSandbox({ $0.webhooksTo = URL(string: receiver.url) }) { running async throws in
                try await running.fault(#"{"kind":"webhook_before_response","count":1}"#)
                let answer = try await running.send()
                #expect(answer.status == 200)
                #expect(receiver.statuses == [2, 3, 4])
                let number = try #require(answer.data["msgId"]?.integer)
                #expect(try await running.call(.GET, "/api/messages/\(number)/info").data["status"] == 4)
            }
        }
    }

    @Test(arguments: [
        ("", "kind"), ("[]", "kind"), (#"{"kind":"explosion"}"#, "kind"), (#"{"rate":0.5}"#, "kind"),
        (#"{"kind":"reset","rate":0}"#, "rate"), (#"{"kind":"reset","rate":1.1}"#, "rate"),
        (#"{"kind":"reset","count":0}"#, "count"), (#"{"kind":"reset","count":1.5}"#, "count"),
        (#"{"kind":"reset","for_ms":-1}"#, "for_ms"), (#"{"kind":"reset","forms":1}"#, "forms"),
        (#"{"kind":"reset","delay_ms":5}"#, "delay_ms"), (#"{"kind":"slow","delay_ms":"5"}"#, "delay_ms"),
        (#"{"kind":"status","status":99}"#, "status"), (#"{"kind":"status","body":{}}"#, "body"),
        (#"{"kind":"status","body":"a","json":{}}"#, "json"), (#"{"kind":"status","headers":{"a":1}}"#, "headers"),
        (#"{"kind":"status","path":"everything"}"#, "path"), (#"{"kind":"webhook_drop","path":"send"}"#, "path"),
        (#"{"kind":"status","path":"info","to":"+12025550123"}"#, "path"),
        (#"{"kind":"session_down","to":"+12025550123"}"#, "to"),
    ])
    func `names what is wrong with a fault`(body: String, field: String) async throws {
        try await withSandbox { running async throws in
            let answer = try await running.call(.POST, "/_sandbox/faults", key: nil, body: body)
            #expect(answer.status == 422)
            #expect(answer.fields["errors"]?.object?[field] != nil, "\(answer.text)")
            #expect(try await running.call(.GET, "/_sandbox/faults", key: nil).fields == ["data": []])
        }
    }

    @Test func `lists faults with what they did`() async throws {
        try await withSandbox { running async throws in
            let id = try await running.fault(#"{"kind":"status","status":500,"count":5,"for_ms":60000}"#)
            _ = try await running.send()
            let faults = try await running.call(.GET, "/_sandbox/faults", key: nil).fields["data"]?.array
            let fault = try #require(faults?.first?.object)
            #expect(fault["id"] == .integer(id) && fault["struck"] == 1 && fault["kind"] == "status")
            #expect((1...60_000).contains(fault["ends_in_ms"]?.integer ?? 0))
        }
    }
}
