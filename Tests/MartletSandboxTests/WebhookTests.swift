import Foundation
import MartletSandbox
import Testing

@Suite struct WebhookTests {
    /// Runs a sandbox that posts to a receiver.
    private func withReceiver(
        _ configure: @Sendable @escaping (inout SandboxConfiguration) -> Void = { _ in },
        _ body: @Sendable (RunningSandbox, WebhookReceiver) async throws -> Void
    ) async throws {
        try await WebhookReceiver.running { receiver in
            try await withSandbox({ configuration in
                configuration.webhooksTo = URL(string: receiver.url)
                configuration.webhookSecret = "s3cret"
                configure(&configuration)
            }) { try await body($0, receiver) }
        }
    }

    @Test func `tells the way of a message, signed with the plain secret`() async throws {
        try await withReceiver { running, receiver async throws in
            let number = try #require(try await running.send(key: "session-key").data["msgId"]?.integer)
            #expect(try await eventually { receiver.webhooks.count == 5 })
            let webhooks = receiver.webhooks
            #expect(
                webhooks.map(\.event) == [
                    "message.sent", "messages.upsert", "messages.update", "messages.update", "messages.update",
                ])
            #expect(receiver.statuses == [2, 3, 4])
            #expect(webhooks.allSatisfy { $0.signature == "s3cret" && $0.path == "/hook" })

            let info = try await running.call(.GET, "/api/messages/\(number)/info", key: "session-key")
            let keyID = try #require(info.data["key"]?.object?["id"]?.string)
            #expect(keyID.hasPrefix("3EB0") && keyID.utf8.count == 20)
            #expect(webhooks.filter { $0.event != "messages.upsert" }.allSatisfy { $0.keyID == keyID })
            let sent = webhooks[0]
            #expect(sent.data["success"] == true)
            #expect(sent.data["message"] == ["conversation": "Hello"])
            #expect(sent.data["key"]?.object?["remoteJid"] == "+12025550123")
            let stored = webhooks[1].data["messages"]?.array?.first?.object
            #expect(
                stored?["key"] == ["id": .string(keyID), "fromMe": true, "remoteJid": "12025550123@s.whatsapp.net"])
            #expect(stored?["messageBody"] == "Hello")
            // The session's API key stands in acknowledgements, and nothing of the message's number anywhere.
            #expect(webhooks[2].fields["sessionId"] == "session-key")
            #expect(webhooks[0].fields["sessionId"] == nil)
            #expect(webhooks.allSatisfy { !$0.text.contains(String(number)) })
            #expect((webhooks[2].fields["timestamp"]?.integer ?? 0) > 100_000_000_000)
        }
    }

    @Test func `has the other documented shapes`() async throws {
        try await withReceiver({ configuration in
            configuration.webhookStyle.timestamp = .seconds
            configuration.webhookStyle.updateData = .array
            configuration.webhookStyle.upsertMessages = .object
            configuration.webhookStyle.status = .string
            configuration.webhookStyle.remoteJID = .lid
            configuration.webhookStyle.fromMe = false
            configuration.webhookSecret = nil
        }) { running, receiver async throws in
            _ = try await running.send()
            #expect(try await eventually { receiver.webhooks.count == 5 })
            let updates = receiver.webhooks(of: "messages.update").compactMap {
                $0.fields["data"]?.array?.first?.object
            }
            #expect(updates.map { $0["update"] } == [["status": "sent"], ["status": "delivered"], ["status": "read"]])
            let key = updates.first?["key"]?.object
            #expect(key?["fromMe"] == false)
            #expect(key?["remoteJid"]?.string?.hasSuffix("@lid") == true)
            #expect(receiver.webhooks(of: "messages.upsert").first?.data["messages"]?.object != nil)
            #expect((receiver.webhooks.first?.fields["timestamp"]?.integer ?? 0) < 100_000_000_000)
            #expect(receiver.webhooks.allSatisfy { $0.signature == nil })
        }
    }

    @Test func `tells groups' receipts`() async throws {
        try await withReceiver { running, receiver async throws in
            _ = try await running.send(to: "120363000000000001@g.us")
            #expect(try await eventually { receiver.webhooks.count == 7 })
            let receipts = receiver.webhooks(of: "message-receipt.update").compactMap {
                $0.data["message"]?.object?["receipt"]?.object
            }
            #expect(receipts.count == 2)
            #expect(receipts.first?["receiptTimestamp"] != nil && receipts.last?["readTimestamp"] != nil)
        }
    }

    @Test func `fails some messages after accepting them, without saying which`() async throws {
        try await withReceiver { running, receiver async throws in
            let number = try #require(try await running.send(to: "+9991230001").data["msgId"]?.integer)
            #expect(try await eventually { receiver.webhooks.count == 1 })
            let webhook = try #require(receiver.webhooks.first)
            #expect(webhook.event == "message.sent")
            #expect(webhook.data["success"] == false)
            #expect(webhook.data["error"] == "Failed to send message: Invalid number JID: +9991230001")
            #expect(webhook.data["key"] == nil)
            #expect(try await running.call(.GET, "/api/messages/\(number)/info").data["status"] == 0)
        }
    }

    @Test(arguments: [("0003", [2]), ("0004", [2, 3]), ("0005", [2, 4])])
    func `ends or shortens the way of some messages`(ending: String, statuses: [Int]) async throws {
        try await withReceiver { running, receiver async throws in
            // What never comes cannot be waited for: a whole course that began later has ended by then.
            _ = try await running.send(to: "+999123\(ending)")
            let whole = try #require(try await running.send().data["msgId"]?.integer)
            #expect(try await eventually { receiver.webhooks.count == 5 + 2 + statuses.count })
            #expect(try await running.call(.GET, "/api/messages/\(whole)/info").data["status"] == 4)
            let ids = Set(receiver.webhooks(of: "messages.update").compactMap(\.keyID))
            #expect(ids.count == 2)
            let first = try #require(try await running.call(.GET, "/api/messages/\(whole - 1)/info").data["id"]?.string)
            let mine = receiver.webhooks(of: "messages.update").filter { $0.keyID == first }.compactMap(\.status)
            #expect(mine == statuses)
        }
    }

    @Test func `never acknowledges some messages`() async throws {
        try await withReceiver { running, receiver async throws in
            let silent = try #require(try await running.send(to: "+9991230002").data["msgId"]?.integer)
            _ = try await running.send()
            #expect(try await eventually { receiver.webhooks.count >= 5 })
            let id = try #require(try await running.call(.GET, "/api/messages/\(silent)/info").data["id"]?.string)
            #expect(receiver.webhooks.allSatisfy { !$0.text.contains(id) })
            #expect(try await running.call(.GET, "/api/messages/\(silent)/info").data["status"] == 1)
        }
    }

    @Test func `delivers and reads a share of the messages`() async throws {
        try await withReceiver({ configuration in
            configuration.acknowledgements.deliveredShare = 0
            configuration.limits = [SandboxLimit(count: 1000, per: .seconds(1))]
        }) { running, receiver async throws in
            for number in 0..<10 { _ = try await running.send(text: "Message \(number)") }
            #expect(try await eventually { receiver.statuses.count == 10 })
            #expect(receiver.statuses == Array(repeating: 2, count: 10))
        }
    }

    @Test func `tries again what the receiver could not take, and keeps the order`() async throws {
        try await withReceiver { running, receiver async throws in
            receiver.answerNext([503, 500])
            _ = try await running.send()
            #expect(try await eventually { running.sandbox.statistics.webhooks.delivered == 5 })
            let taken = receiver.webhooks.filter { $0.answered == 200 }.map(\.event)
            #expect(taken.prefix(2) == ["message.sent", "messages.upsert"])
            #expect(receiver.statuses.suffix(3) == [2, 3, 4])
            #expect(receiver.webhooks.count == 7)
        }
    }

    @Test func `gives up what the receiver refuses`() async throws {
        try await withReceiver { running, receiver async throws in
            receiver.answerNext([401])
            _ = try await running.send()
            #expect(try await eventually { running.sandbox.statistics.webhooks.delivered == 4 })
            #expect(running.sandbox.statistics.webhooks.failed == 1)
            #expect(receiver.webhooks.count == 5)
        }
    }

    @Test func `answers sends while the receiver is away`() async throws {
        try await withSandbox({ $0.webhooksTo = URL(string: "http://127.0.0.1:9/nobody") }) { running async throws in
            for _ in 0..<20 { #expect(try await running.send().status == 200) }
            #expect(try await eventually { running.sandbox.statistics.webhooks.pending > 0 })
        }
    }

    @Test func `posts to a session's own address, what it wants`() async throws {
        try await WebhookReceiver.running { receiver in
            try await withSandbox { running async throws in
                let body = """
                    {"name":"Own","phone_number":"+12025550100","account_protection":false,"log_messages":true,
                    "webhook_url":"\(receiver.url)","webhook_events":["messages.update","session.status"],
                    "api_key":"own-key"}
                    """
                let made = try await running.call(.POST, "/api/whatsapp-sessions", key: "pat", body: body)
                let id = try #require(made.data["id"]?.integer)
                let secret = try #require(made.data["webhook_secret"]?.string)
                _ = try await running.call(
                    .PUT, "/api/whatsapp-sessions/\(id)", key: "pat", body: #"{"name":"Renamed"}"#)
                let connected = try await running.call(.POST, "/api/whatsapp-sessions/\(id)/connect", key: "pat")
                #expect(connected.data["status"] == "NEED_SCAN")
                #expect(try await eventually { receiver.webhooks(of: "session.status").count == 2 })
                let states = receiver.webhooks(of: "session.status").map { $0.data["status"] }
                #expect(states == ["need_scan", "connected"])
                #expect(try await running.send(key: "own-key").status == 200)
                #expect(try await eventually { receiver.statuses == [2, 3, 4] })
                #expect(receiver.webhooks.allSatisfy { $0.signature == secret })
                #expect(receiver.webhooks(of: "messages.update").first?.fields["sessionId"] == "own-key")
                #expect(receiver.webhooks(of: "message.sent").isEmpty)
            }
        }
    }
}
