import Hummingbird
import Martlet
import ServiceLifecycle
import Synchronization

/// Status changes as they happen, as server-sent events
/// (https://html.spec.whatwg.org/multipage/server-sent-events.html).
final class EventStreamRoutes: Sendable {
    /// Streams open at once; each holds a connection and a backlog.
    static let streamsMax = 1000
    /// How often a silent stream shows that it lives, so that nothing between the ends takes it for dead.
    static let heartbeat: Duration = .seconds(15)

    private enum Item: Sendable {
        case message(Message)
        case heartbeat
    }

    private let gateway: Gateway
    private let rendering: MessageRendering
    private let open = Mutex(0)

    init(gateway: Gateway) {
        self.gateway = gateway
        rendering = MessageRendering(directory: gateway.directory, time: gateway.time)
    }

    /// What is served.
    var routes: [Route] { [.get("/v1/events", .tenant, { try await self.stream($0) })] }

    private func stream(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let tenant = try exchange.tenant
        guard open.withLock({ $0 < Self.streamsMax }) else {
            throw Problem.unavailable(detail: "Too many event streams are open.")
        }
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                self.open.withLock { $0 += 1 }
                defer { self.open.withLock { $0 -= 1 } }
                try await self.write(tenant, to: &writer)
                try await writer.finish(nil)
            })
    }

    /// Writes until the feed ends, the server stops, or the reader goes away, which the next write finds out.
    @concurrent
    private func write(_ tenant: TenantID, to writer: inout any ResponseBodyWriter) async throws {
        let changes = gateway.feed.changes(tenant: tenant)
        let (items, continuation) = AsyncStream.makeStream(
            of: Item.self, bufferingPolicy: .bufferingNewest(StatusFeed.backlogMax))
        // The answer's head goes out with the first bytes, and the reader knows that it is heard.
        try await writer.write(ByteBuffer(string: ": connected\n\n"))
        let time = gateway.time
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await message in changes { continuation.yield(.message(message)) }
                continuation.finish()
            }
            group.addTask {
                while !Task.isCancelled {
                    try await time.sleep(for: Self.heartbeat)
                    continuation.yield(.heartbeat)
                }
            }
            group.addTask {
                try await gracefulShutdown()
                continuation.finish()
            }
            for await item in items {
                switch item {
                case .heartbeat: try await writer.write(ByteBuffer(string: ": still here\n\n"))
                case .message(let message): try await writer.write(event(message))
                }
            }
        }
    }

    private func event(_ message: Message) -> ByteBuffer {
        var bytes = Array("event: status\ndata: ".utf8)
        rendering.write(message, to: &bytes)
        bytes.append(contentsOf: "\n\n".utf8)
        return ByteBuffer(bytes: bytes)
    }
}
