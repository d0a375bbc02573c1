import Foundation
import Logging
import MartletSandbox
import ServiceLifecycle
import Testing

@Suite struct SendingTests {
    @Test func `accepts a send, numbers it, and echoes the recipient`() async throws {
        try await withSandbox { running async throws in
            let first = try await running.send(to: "+12025550123")
            #expect(first.status == 200)
            #expect(first.fields["success"] == true)
            #expect(first.data["jid"] == "+12025550123")
            #expect(first.data["status"] == "in_progress")
            let number = try #require(first.data["msgId"]?.integer)
            // One account, whatever the key.
            let second = try await running.send(to: "12025550123", key: "other")
            #expect(second.data["jid"] == "12025550123")
            #expect(second.data["msgId"] == .integer(number + 1))
        }
    }

    @Test func `refuses wrong credentials as the provider does`() async throws {
        try await withSandbox({ $0.knownKeys = ["known"] }) { running async throws in
            let none = try await running.send(key: nil)
            #expect(none.status == 401)
            #expect(none.fields == ["success": false, "message": "API key is required"])
            let unknown = try await running.send(key: "unknown")
            #expect(unknown.status == 401)
            #expect(unknown.fields == ["success": false, "message": "Invalid API key"])
            #expect(try await running.send(key: "known").status == 200)
            #expect(running.sandbox.statistics.refusedUnauthorized == 2)
        }
        try await withSandbox { running async throws in
            #expect(try await running.send(key: "7|personal-access-token").message == "Invalid API key")
        }
    }

    @Test func `names what is wrong with a body`() async throws {
        try await withSandbox { running async throws in
            let answer = try await running.call(.POST, "/api/send-message", body: #"{"text":"Hello"}"#)
            #expect(answer.status == 422)
            #expect(answer.message == "Validation failed")
            #expect(answer.fields["errors"] == ["to": ["The to field is required."]])
            #expect(running.sandbox.ledger().isEmpty)
        }
    }

    @Test func `refuses a body that is too large`() async throws {
        try await withSandbox { running async throws in
            let answer = try await running.send(text: String(repeating: "a", count: 1 << 20))
            #expect(answer.status == 413)
            #expect(answer.fields["success"] == false)
        }
    }

    @Test func `does not know some numbers`() async throws {
        try await withSandbox { running async throws in
            let answer = try await running.send(to: "+9991230000")
            #expect(answer.status == 422)
            #expect(answer.message == "JID does not exist on WhatsApp")
            #expect(answer.fields["errors"]?.object?["to"] != nil)
            #expect(try await running.call(.GET, "/api/on-whatsapp/+9991230000").data == ["exists": false])
            #expect(try await running.call(.GET, "/api/on-whatsapp/%2B12025550000").data == ["exists": true])
            #expect(try await running.send(to: "+12025550000").status == 200)
        }
    }

    @Test func `limits each key by itself, with the documented answer`() async throws {
        try await withSandbox({ $0.limits = [SandboxLimit(count: 2, per: .seconds(30))] }) { running async throws in
            let first = try await running.send()
            #expect(first.headers.first(name: "X-RateLimit-Limit") == "2")
            #expect(first.headers.first(name: "X-RateLimit-Remaining") == "1")
            #expect(first.headers.first(name: "X-RateLimit-Reset") == "30")
            #expect(try await running.send().headers.first(name: "X-RateLimit-Remaining") == "0")
            let third = try await running.send()
            #expect(third.status == 429)
            #expect(third.fields["success"] == nil)
            #expect(third.message?.isEmpty == false)
            let wait = try #require(third.fields["retry_after"]?.integer)
            #expect((28...30).contains(wait))
            #expect(third.headers.first(name: "X-RateLimit-Remaining") == "0")
            #expect(try await running.send(key: "other").status == 200)
            #expect(running.sandbox.statistics.refusedByLimit == 1)
        }
    }

    @Test func `protects accounts`() async throws {
        try await withSandbox({ $0.accountProtection = true }) { running async throws in
            #expect(try await running.send().status == 200)
            let second = try await running.send()
            #expect(second.status == 429)
            #expect(second.fields.keys.sorted() == ["message", "retry_after"])
            #expect(
                second.message == "You have account protection enabled. You can only send 1 message every 5 seconds.")
            #expect((1...5).contains(second.fields["retry_after"]?.integer ?? 0))
            #expect(second.headers.first(name: "X-RateLimit-Limit") == "1")
        }
    }

    @Test func `lets a burst through to the limit exactly, however many come at once`() async throws {
        try await withSandbox({ $0.limits = [SandboxLimit(count: 20, per: .seconds(60))] }) { running async throws in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<60 {
                    group.addTask { try await running.send(text: "Message \(number)").status }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [200: 20, 429: 40])
            #expect(running.sandbox.ledger().count == 20)
        }
    }

    @Test func `answers after its latency`() async throws {
        try await withSandbox({ $0.latency = .milliseconds(120) }) { running async throws in
            let start = ContinuousClock.now
            #expect(try await running.send().status == 200)
            #expect(ContinuousClock.now - start >= .milliseconds(120))
        }
    }

    @Test func `has the not-connected answer in the status one wants`() async throws {
        try await withSandbox({ $0.sessionDownStatus = 403 }) { running async throws in
            #expect(try await running.send().status == 200)
            let list = try await running.call(.GET, "/api/whatsapp-sessions", key: "pat")
            let id = try #require(list.fields["data"]?.array?.first?.object?["id"]?.integer)
            _ = try await running.call(.POST, "/api/whatsapp-sessions/\(id)/disconnect", key: "pat")
            let answer = try await running.send()
            #expect(answer.status == 403)
            #expect(
                answer.message == "Your Whatsapp Session is not connected please connect your session first.")
            #expect(try await running.call(.GET, "/api/status").fields == ["status": "disconnected"])
        }
    }

    @Test func `answers in its own shape what it has no route for`() async throws {
        try await withSandbox { running async throws in
            let answer = try await running.call(.GET, "/api/nowhere")
            #expect(answer.status == 404)
            #expect(answer.fields["success"] == false)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [true, false])
    func `stops when told, held requests or not`(isGraceful: Bool) async throws {
        var configuration = SandboxConfiguration()
        configuration.latency = .zero
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let logger = Logger(label: "sandbox")
        let sandbox = Sandbox(configuration: configuration, logger: logger) { continuation.yield($0) }
        let services = ServiceGroup(services: [sandbox], logger: logger)
        let run = Task { try await services.run() }
        var iterator = ports.makeAsyncIterator()
        let running = RunningSandbox(sandbox: sandbox, port: try #require(await iterator.next()))
        #expect(sandbox.port == running.port)
        try await running.fault(#"{"kind":"timeout"}"#)
        let held = Task { try await running.send(timeout: .seconds(60)) }
        #expect(try await eventually { sandbox.statistics.refusedByFault == 1 })
        if isGraceful { await services.triggerGracefulShutdown() } else { run.cancel() }
        await #expect(throws: (any Error).self) { try await held.value }
        _ = await run.result
        await #expect(throws: (any Error).self) { try await running.send() }
    }
}
