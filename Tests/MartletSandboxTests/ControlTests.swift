import Foundation
import MartletSandbox
import Testing

@Suite struct ControlTests {
    @Test func `keeps a ledger of what it accepted`() async throws {
        try await withSandbox { running async throws in
            let before = Int(Date().timeIntervalSince1970 * 1_000_000)
            let body = #"{"to":"+12025550123","imageUrl":"https://files.example.com/a.jpg","text":"Ein \"Bild\"\n"}"#
            let sent = try await running.call(.POST, "/api/send-message", key: "a", body: body)
            _ = try await running.call(.POST, "/api/send-message", key: "a", body: "{}")
            _ = try await running.send(to: "+12025550124", text: "second", key: "b")
            let after = Int(Date().timeIntervalSince1970 * 1_000_000)

            let ledger = try await running.call(.GET, "/_sandbox/messages", key: nil)
            #expect(ledger.status == 200)
            let rows = try #require(ledger.fields["data"]?.array).compactMap(\.object)
            #expect(rows.count == 2)
            let row = try #require(rows.first)
            #expect(
                row.keys.sorted() == ["body", "key", "msg_id", "outcome", "received_us", "seq", "text", "to"])
            #expect(row["seq"] == 1 && row["key"] == "a" && row["to"] == "+12025550123")
            #expect(row["text"] == "Ein \"Bild\"\n" && row["outcome"] == "accepted")
            #expect(row["body"]?.object == JSONValue.parseObject(Array(body.utf8)))
            #expect(row["msg_id"] == sent.data["msgId"])
            // Against the wall clock with some room: it is read at different places.
            #expect((before - 50_000...after + 50_000).contains(row["received_us"]?.integer ?? 0))
            let since = try await running.call(.GET, "/_sandbox/messages?since=1", key: nil)
            #expect(since.fields["data"]?.array?.compactMap { $0.object?["seq"] } == [2])
            #expect(try await running.call(.GET, "/_sandbox/messages?since=2", key: nil).text == #"{"data":[]}"#)
            #expect(try await running.call(.GET, "/_sandbox/messages?since=x", key: nil).status == 422)
            #expect(running.sandbox.ledger().map(\.to) == ["+12025550123", "+12025550124"])
        }
    }

    @Test func `writes a long ledger whole`() async throws {
        try await withSandbox({ $0.limits = [SandboxLimit(count: 100_000, per: .seconds(1))] }) {
            running async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<10 {
                    group.addTask {
                        for number in 0..<120 { _ = try await running.send(text: "Message \(worker) \(number)") }
                    }
                }
                try await group.waitForAll()
            }
            let rows = try await running.call(.GET, "/_sandbox/messages", key: nil).fields["data"]?.array
            #expect(rows?.compactMap { $0.object?["seq"]?.integer } == Array(1...1200))
            let moments = rows?.compactMap { $0.object?["received_us"]?.integer } ?? []
            #expect(moments == moments.sorted())
            let some = try await running.call(.GET, "/_sandbox/messages?since=90&limit=1050", key: nil)
            #expect(some.fields["data"]?.array?.compactMap { $0.object?["seq"]?.integer } == Array(91...1140))
        }
    }

    @Test func `counts`() async throws {
        try await withSandbox({ $0.limits = [SandboxLimit(count: 5, per: .seconds(60))] }) { running async throws in
            _ = try await running.send(text: "once")
            _ = try await running.send(text: "twice")
            _ = try await running.send(text: "twice", key: "other")
            _ = try await running.send(to: "+12025550124", text: "twice")
            _ = try await running.call(.POST, "/api/send-message", body: "{}")
            _ = try await running.send(key: nil)
            try await running.fault(#"{"kind":"status","count":1}"#)
            _ = try await running.send(text: "struck")
            _ = try await running.send(text: "over the limit")
            let statistics = try await running.call(.GET, "/_sandbox/stats", key: nil).fields
            #expect(statistics["accepted"] == 4)
            #expect(statistics["refused_429"] == 1)
            #expect(statistics["refused_fault"] == 1)
            #expect(statistics["refused_invalid"] == 1)
            #expect(statistics["refused_unauthorized"] == 1)
            #expect(statistics["received"] == 8)
            #expect(statistics["duplicates"] == 1)
            #expect((1...3).contains(statistics["highest_in_any_second"]?.integer ?? 0))
            let keys = statistics["by_key"]?.object
            #expect(keys?["other"] == ["accepted": 1, "refused_429": 0, "highest_in_any_second": 1])
        }
    }

    @Test func `forgets everything but which numbers it gave`() async throws {
        try await withSandbox { running async throws in
            try await running.fault(#"{"kind":"status","status":503,"key":"struck"}"#)
            let number = try #require(try await running.send(text: "before").data["msgId"]?.integer)
            #expect(try await running.call(.POST, "/_sandbox/reset", key: nil).status == 200)
            #expect(try await running.call(.GET, "/_sandbox/messages", key: nil).text == #"{"data":[]}"#)
            #expect(running.sandbox.statistics == SandboxStatistics())
            #expect(try await running.call(.GET, "/api/whatsapp-sessions", key: "pat").fields["data"] == [])
            let next = try await running.send(key: "struck")
            #expect(next.status == 200)
            #expect(next.data["msgId"] == .integer(number + 1))
            #expect(running.sandbox.ledger().map(\.sequence) == [1])
        }
    }

    @Test func `says what it is`() async throws {
        try await withSandbox { running async throws in
            let answer = try await running.call(.GET, "/_sandbox", key: nil)
            #expect(answer.status == 200)
            #expect(answer.fields["numbers"]?.object?.count == PurposefulNumber.allCases.count)
            #expect(answer.fields["fault_kinds"]?.array?.contains("accept_then_reset") == true)
            #expect(answer.fields["limits"] == ["256/60s"])
        }
    }
}
