import AsyncHTTPClient
import Hummingbird
import Logging
import Martlet
import MartletTestSupport
import ServiceLifecycle
import Synchronization
import Testing

@testable import MartletServer

@Suite(.timeLimit(.minutes(1))) struct EventStreamTests {
    /// Waits until that many listen.
    static func listeners(_ count: Int, _ feed: StatusFeed) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while feed.listenerCount != count {
            try #require(ContinuousClock.now < deadline, "nobody came to listen")
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    static func events(_ body: String) -> [JSONValue] {
        body.split(separator: "\n\n").filter { $0.hasPrefix("event: status\n") }.compactMap { event in
            let lines = event.split(separator: "\n")
            guard lines.count == 2, lines[1].hasPrefix("data: ") else { return nil }
            return try? JSONParser.value(String(lines[1].dropFirst(6)))
        }
    }

    @Test func `a tenant hears of its own messages and of no others`() async throws {
        let harness = try await Harness()
        try await harness.run { api in
            async let streamA = api.get("/v1/events", key: harness.a.key)
            async let streamB = api.get("/v1/events", key: harness.b.key)
            try await Self.listeners(2, harness.gateway.feed)
            let sent = try await api.post(
                "/v1/messages", key: harness.a.key, Samples.text(["text": ["body": "one\ntwo"]]))
            let ofB = try await api.post("/v1/messages", key: harness.b.key, Samples.text)
            let cancelled = try await api.post("/v1/messages/\(sent.text("id"))/cancel", key: harness.a.key)
            harness.gateway.feed.finish()
            let (a, b) = (try await streamA, try await streamB)
            #expect(a.contentType == "text/event-stream")
            #expect(a.body.hasPrefix(": connected\n\n"))
            #expect(Self.events(a.body) == [sent.json, cancelled.json])
            #expect(Self.events(b.body) == [ofB.json])
            #expect(!b.body.contains(sent.text("id")))
        }
        try await Self.listeners(0, harness.gateway.feed)
    }

    @Test func `a real server streams at once, stops at shutdown, and says where it listens`() async throws {
        let harness = try await Harness { $0.publicURL = nil }
        let (addresses, ready) = AsyncStream.makeStream(of: ListeningAddress.self)
        var configuration = ServerConfiguration(adminTokenHash: [], version: "1")
        configuration.port = 0
        let server = buildServer(
            gateway: harness.gateway, configuration: configuration, metrics: harness.registry,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), onReady: { ready.yield($0) })
        let services = ServiceGroup(
            services: [server], logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            var iterator = addresses.makeAsyncIterator()
            let address = try #require(await iterator.next())
            #expect(address.port > 0)
            #expect(address.url == "http://127.0.0.1:\(address.port)")

            var channel = HTTPClientRequest(url: "\(address.url)/v1/channels/\(harness.a.channel.id)")
            channel.headers.add(name: "authorization", value: "Bearer \(harness.a.key)")
            let shown = try await HTTPClient.shared.execute(channel, timeout: .seconds(20))
            let body = String(buffer: try await shown.body.collect(upTo: 65_536))
            #expect(body.contains("\(address.url)/webhooks/"))

            var request = HTTPClientRequest(url: "\(address.url)/v1/events")
            request.headers.add(name: "authorization", value: "Bearer \(harness.a.key)")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(40))
            #expect(response.status == .ok)
            var text = ""
            var chunks = response.body.makeAsyncIterator()
            while !text.contains(": connected\n\n"), let chunk = try await chunks.next() {
                text += String(buffer: chunk)
            }
            let message = Message(
                id: IdentifierGenerator().next(), tenantID: harness.a.tenant.id, channelID: harness.a.channel.id,
                recipient: PhoneNumber(unchecked: "+14155550123"), payload: .text("hello"), createdAt: ManualTime.start)
            harness.gateway.feed.publish([message])
            while !text.contains("data: "), let chunk = try await chunks.next() { text += String(buffer: chunk) }
            #expect(Self.events(text + "\n\n").first?["id"] == .string(message.id.text))

            await services.triggerGracefulShutdown()
            while let chunk = try await chunks.next() { text += String(buffer: chunk) }
            try await group.waitForAll()
        }
        #expect(harness.gateway.feed.listenerCount == 0)
    }
}
