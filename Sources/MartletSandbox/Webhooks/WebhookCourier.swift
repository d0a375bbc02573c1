import AsyncHTTPClient
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// A webhook ready to be posted.
struct WebhookPost: Sendable {
    let url: String
    /// What the signature header carries; no header without it.
    let secret: String?
    let body: ByteBuffer
    /// Posts with the same number keep their order.
    let lane: Int
}

/// Posts webhooks, many at a time, those of one lane in order.
///
/// A post that meets a connection error, a time-out, 408, 429 or 5xx is tried again after 0.1, 0.5 and 2 seconds, and
/// holds up its lane meanwhile; any other answer that is not 2xx is final. How the provider does it is not documented;
/// so few attempts leave a receiver that was away for long with webhooks lost, which it must be able to bear.
final class WebhookCourier: Sendable {
    /// The waits before the second, third and fourth attempt.
    static let retryDelays: [Duration] = [.milliseconds(100), .milliseconds(500), .seconds(2)]

    /// How long a receiver may take to answer.
    static let timeout: TimeAmount = .seconds(10)

    private struct Counts: Sendable {
        var delivered = 0
        var failed = 0
        var discarded = 0
        var pending = 0
        /// Raised by a reset: what was queued before it is neither posted nor counted any more.
        var generation = 0
    }

    private struct Queued: Sendable {
        let post: WebhookPost
        let generation: Int
    }

    private struct Lane: Sendable {
        let queue: AsyncStream<Queued>
        let continuation: AsyncStream<Queued>.Continuation
    }

    private let client: HTTPClient
    private let lanes: [Lane]
    private let capacity: Int
    private let logger: Logger
    private let counts = Mutex(Counts())

    /// - Parameters:
    ///   - client: what posts are made with; its connections per host should be no fewer than the lanes.
    ///   - concurrency: how many lanes there are.
    ///   - capacity: how many posts may wait in all lanes together.
    init(client: HTTPClient, concurrency: Int, capacity: Int, logger: Logger) {
        self.client = client
        self.capacity = max(1, capacity)
        self.logger = logger
        lanes = (0..<max(1, concurrency)).map { _ in
            let (queue, continuation) = AsyncStream.makeStream(of: Queued.self)
            return Lane(queue: queue, continuation: continuation)
        }
    }

    /// Queues a post and returns at once. When too many wait, it is discarded and counted.
    func enqueue(_ post: WebhookPost) {
        let generation: Int? = counts.withLock { counts in
            guard counts.pending < capacity else {
                counts.discarded += 1
                return nil
            }
            counts.pending += 1
            return counts.generation
        }
        guard let generation else { return }
        let lane = lanes[Int(UInt(bitPattern: post.lane) % UInt(lanes.count))]
        lane.continuation.yield(Queued(post: post, generation: generation))
    }

    /// Posts what is queued until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for lane in lanes {
                group.addTask {
                    for await queued in lane.queue where self.isCurrent(queued.generation) {
                        let isDelivered = await self.deliver(queued)
                        self.counts.withLock { counts in
                            guard counts.generation == queued.generation else { return }
                            counts.pending -= 1
                            if isDelivered { counts.delivered += 1 } else { counts.failed += 1 }
                        }
                    }
                }
            }
        }
    }

    /// Posts out of turn, once, and waits for the answer.
    func deliverNow(_ post: WebhookPost) async {
        let isDelivered = await attempt(post) == .delivered
        counts.withLock { if isDelivered { $0.delivered += 1 } else { $0.failed += 1 } }
    }

    /// Adds the counters of the delivery.
    func fill(_ webhooks: inout SandboxStatistics.Webhooks) {
        counts.withLock { counts in
            webhooks.delivered = counts.delivered
            webhooks.failed = counts.failed
            webhooks.discarded = counts.discarded
            webhooks.pending = counts.pending
        }
    }

    /// Forgets what is queued, and what was counted.
    func reset() {
        counts.withLock { $0 = Counts(generation: $0.generation + 1) }
    }

    private func isCurrent(_ generation: Int) -> Bool {
        counts.withLock { $0.generation == generation }
    }

    private enum Result: Equatable { case delivered, refused, unreachable }

    private func deliver(_ queued: Queued) async -> Bool {
        for delay in Self.retryDelays {
            switch await attempt(queued.post) {
            case .delivered: return true
            case .refused: return false
            case .unreachable:
                do { try await Task.sleep(for: delay) } catch { return false }
                guard isCurrent(queued.generation) else { return false }
            }
        }
        return await attempt(queued.post) == .delivered
    }

    private func attempt(_ post: WebhookPost) async -> Result {
        var request = HTTPClientRequest(url: post.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let secret = post.secret { request.headers.add(name: "X-Webhook-Signature", value: secret) }
        request.body = .bytes(post.body)
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            // The body is read to its end, so that the connection can serve the next post.
            var bytes = 0
            for try await part in response.body {
                bytes += part.readableBytes
                if bytes > 1 << 20 { break }
            }
            switch response.status.code {
            case 200..<300: return .delivered
            case 408, 429, 500...: return .unreachable
            default: return .refused
            }
        } catch {
            logger.trace("webhook not delivered", metadata: ["error": "\(type(of: error))"])
            return .unreachable
        }
    }
}
