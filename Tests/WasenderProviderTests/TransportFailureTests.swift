import Foundation
import Martlet
import MartletTestSupport
import Testing
import WasenderProvider

/// What becomes of a send without an answer: transient where surely nothing was written, unknown everywhere else.
@Suite(.timeLimit(.minutes(1))) struct TransportFailureTests {
    private static func send(_ baseURL: String, timeout: Duration = .seconds(10)) async throws -> Outcome {
        try await Fixture.withProvider { provider in
            let answer = await provider.send(Fixture.message(), over: Fixture.channel(baseURL), timeout: timeout)
            #expect(answer.httpStatus == nil)
            return answer.outcome
        }
    }

    private static func send(to reply: ScriptedServer.Reply, timeout: Duration = .seconds(10)) async throws -> Outcome {
        try await Fixture.withServer(reply) { provider, server in
            await provider.send(Fixture.message(), over: Fixture.channel(server.baseURL), timeout: timeout).outcome
        }
    }

    // MARK: Surely not written

    @Test func `a refused connection is transient, at once`() async throws {
        let server = ScriptedServer([.silence])
        let baseURL = server.baseURL
        server.stop()
        // The socket is closed by the server's own thread, so the very first try may still meet it.
        var outcome = try await Self.send(baseURL)
        while outcome.name != "transient" { outcome = try await Self.send(baseURL) }
        #expect(outcome.detail?.isEmpty == false)
    }

    @Test(arguments: [
        "http://no-such-host.invalid/api", "not a url", "gopher://127.0.0.1/api", "http:///api", "",
        "http://127.0.0.1:0/api",
    ])
    func `an address that leads nowhere is transient`(_ baseURL: String) async throws {
        #expect(try await Self.send(baseURL).name == "transient")
    }

    @Test(arguments: [
        ScriptedServer.Reply.speakFirst("HTTP/1.1 400 Bad Request\r\n\r\n"), .closeAtOnce, .silence,
    ])
    func `a TLS handshake that fails is transient`(_ reply: ScriptedServer.Reply) async throws {
        let server = ScriptedServer([reply])
        defer { server.stop() }
        try await Fixture.withProvider(connections: .init(connectTimeout: .seconds(1))) { provider in
            let channel = Fixture.channel("https://127.0.0.1:\(server.port)/api")
            let answer = await provider.send(Fixture.message(), over: channel, timeout: .seconds(10))
            #expect(answer.outcome.name == "transient")
        }
        #expect(server.requests.isEmpty)
    }

    @Test func `a connection that never comes about is transient, by either time-out`() async throws {
        // One connection fills the queue of a socket that nobody accepts from; the next gets no answer.
        let (listener, port) = ScriptedServer.listener(backlog: 0)
        defer { close(listener) }
        let fillers = (0..<4).map { _ in Self.startConnecting(to: port) }
        defer { for filler in fillers { close(filler) } }
        let channel = Fixture.channel("http://127.0.0.1:\(port)/api")
        for (connect, timeout) in [(300, 20_000), (3000, 300)] {
            try await Fixture.withProvider(connections: .init(connectTimeout: .milliseconds(connect))) { provider in
                let answer = await provider.send(Fixture.message(), over: channel, timeout: .milliseconds(timeout))
                #expect(answer.outcome.name == "transient")
            }
        }
    }

    private static func startConnecting(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return descriptor
    }

    @Test func `waiting for a connection until the time-out is transient`() async throws {
        try await Fixture.withServer(.silence, connectionsMax: 1) { provider, server in
            let channel = Fixture.channel(server.baseURL)
            async let first = provider.send(Fixture.message(), over: channel, timeout: .seconds(3))
            while server.requests.isEmpty { await Task.yield() }
            let second = await provider.send(Fixture.message(), over: channel, timeout: .milliseconds(200))
            #expect(second.outcome.name == "transient")
            #expect(await first.outcome.name == "unknown")
            #expect(server.requests.count == 1)
        }
    }

    @Test func `a client that is shut down sends nothing more`() async throws {
        let provider = WasenderProvider(version: "1")
        try await provider.shutDown()
        let answer = await provider.send(
            Fixture.message(), over: Fixture.channel("http://127.0.0.1:1/api"), timeout: .seconds(1))
        #expect(answer.outcome.name == "transient")
    }

    // MARK: Perhaps written

    @Test func `a server that never answers is unknown, in the time-out`() async throws {
        #expect(try await Self.send(to: .silence, timeout: .milliseconds(300)).name == "unknown")
    }

    @Test(arguments: [
        ScriptedServer.Reply.closeAfterReading,
        .resetAfterReading,
        .raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{\"success\":true"),
        .raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"suc"),
        .raw("HTTP/1.1 20"),
        .raw("SSH-2.0-OpenSSH_9.2\r\n"),
        .raw("{\"success\":true,\"data\":{\"msgId\":1}}"),
        .raw("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        .raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    ])
    func `an answer that breaks off or is none is unknown`(_ reply: ScriptedServer.Reply) async throws {
        #expect(try await Self.send(to: reply).name == "unknown")
    }

    @Test func `a connection that closes before the request is never taken for a refusal`() async throws {
        // Whether the request was written first is a race; both of its ends are right, anything else is not.
        for _ in 0..<20 {
            let outcome = try await Self.send(to: .closeAtOnce)
            #expect(["transient", "unknown"].contains(outcome.name))
        }
    }

    @Test func `half an answer and then nothing is unknown, in the time-out`() async throws {
        try await Fixture.withServer(.stall("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"success\"")) {
            provider, server in
            let answer = await provider.send(
                Fixture.message(), over: Fixture.channel(server.baseURL), timeout: .milliseconds(300))
            #expect(answer.outcome.name == "unknown")
        }
    }

    @Test func `an endless answer is cut off and unknown`() async throws {
        let body = String(repeating: " ", count: 3 << 20)
        let outcome = try await Self.send(to: .answer(200, body))
        #expect(outcome == .unknown(detail: "the answer is larger than 1048576 bytes"))
    }

    @Test func `an endless answer without a length is cut off and unknown`() async throws {
        let chunk = "10000\r\n" + String(repeating: " ", count: 0x10000) + "\r\n"
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let outcome = try await Self.send(to: .raw(head + String(repeating: chunk, count: 64) + "0\r\n\r\n"))
        #expect(outcome == .unknown(detail: "the answer is larger than 1048576 bytes"))
    }

    @Test func `a compressed answer is not unpacked`() async throws {
        let outcome = try await Self.send(to: .answer(200, headers: ["Content-Encoding": "gzip"], "\u{1F}garbage"))
        #expect(outcome.name == "unknown")
    }

    @Test func `a server that speaks first does no harm`() async throws {
        // What came before the request was read says nothing about it, and common servers do send a 408 to a connection
        // that they have waited on for too long.
        for text in ["HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "hello\r\n\r\n"]
        {
            for _ in 0..<20 {
                let outcome = try await Self.send(to: .speakFirst(text), timeout: .seconds(3))
                #expect(["transient", "unknown"].contains(outcome.name))
            }
        }
    }

    @Test func `an answer nobody asked for is not taken for the next one`() async throws {
        let body = #"{"success":true,"data":{"msgId":1}}"#
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        try await Fixture.withServer(.stall(answer + answer)) { provider, server in
            let channel = Fixture.channel(server.baseURL)
            var accepted = 0
            for _ in 0..<20 {
                let outcome = await provider.send(Fixture.message(), over: channel, timeout: .seconds(3)).outcome
                // The superfluous answer breaks the connection, which the next send may still run into.
                #expect(["accepted", "transient"].contains(outcome.name))
                if outcome.name == "accepted" { accepted += 1 }
            }
            #expect(accepted > 0)
            #expect(server.requests.count == accepted)
        }
    }

    // MARK: Cancelling

    @Test func `cancelled while waiting for the answer is unknown`() async throws {
        try await Fixture.withServer(.silence) { provider, server in
            let channel = Fixture.channel(server.baseURL)
            let task = Task { await provider.send(Fixture.message(), over: channel, timeout: .seconds(30)) }
            while server.requests.isEmpty { await Task.yield() }
            task.cancel()
            #expect(await task.value.outcome.name == "unknown")
        }
    }

    @Test func `cancelled beforehand is transient and writes nothing`() async throws {
        try await Fixture.withServer(.json(200, #"{"success":true,"data":{"msgId":1}}"#)) { provider, server in
            let channel = Fixture.channel(server.baseURL)
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                return await provider.send(Fixture.message(), over: channel, timeout: .seconds(30))
            }
            task.cancel()
            #expect(await task.value.outcome.name == "transient")
            #expect(server.requests.isEmpty)
        }
    }

    // MARK: Connections that died in the pool

    @Test func `a connection the server closed while it was idle costs nothing`() async throws {
        let closing = ScriptedServer.Reply.answer(
            200, headers: ["Connection": "close"], #"{"success":true,"data":{"msgId":1}}"#)
        try await Fixture.withServer(closing) { provider, server in
            for _ in 0..<10 {
                let answer = await provider.send(
                    Fixture.message(), over: Fixture.channel(server.baseURL), timeout: .seconds(10))
                #expect(answer.outcome == .accepted(submissionID: "1", messageID: nil))
            }
        }
    }
}
