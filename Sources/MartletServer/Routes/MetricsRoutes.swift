import Crypto
import Hummingbird
import Martlet
import Synchronization

/// `/metrics`: what was counted, and what is read off the gateway when somebody asks.
final class MetricsRoutes: Sendable {
    /// How long the numbers of one scrape answer for, so that nobody can make the store count without end.
    static let scrapedFor: Duration = .seconds(1)

    private let gateway: Gateway
    private let registry: PrometheusRegistry
    private let tokenHash: [UInt8]?
    private let latest = Mutex<(at: MonotonicInstant, depth: QueueDepth?)?>(nil)

    /// - parameter token: what a scraper must bring; nil lets anybody read.
    init(gateway: Gateway, registry: PrometheusRegistry, token: String?) {
        self.gateway = gateway
        self.registry = registry
        tokenHash = token.map { Array(SHA256.hash(data: Array($0.utf8))) }
    }

    /// What is served.
    var routes: [Route] { [.get("/metrics", .anybody, { try await self.scrape($0) })] }

    private func scrape(_ exchange: Exchange) async throws -> Response {
        if let tokenHash {
            let token = Authenticator.bearerToken(exchange.request.headers[.authorization]) ?? ""
            guard constantTimeEquals(Array(SHA256.hash(data: Array(token.utf8))), tokenHash) else {
                throw Problem(
                    .unauthenticated, "The metrics want their own bearer token.", headers: [.wwwAuthenticate: "Bearer"])
            }
        }
        var writer = ExpositionWriter()
        registry.write(to: &writer)
        writeChannels(to: &writer)
        writeHealth(to: &writer)
        // A store that is away leaves its gauges out; the rest is what tells why.
        if let depth = await queueDepth() { write(depth, to: &writer) }
        return Response(
            status: .ok, headers: [.contentType: ExpositionWriter.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: writer.text)))
    }

    private func queueDepth() async -> QueueDepth? {
        let now = gateway.time.monotonicNow()
        if let latest = latest.withLock({ $0 }), now - latest.at < Self.scrapedFor { return latest.depth }
        let depth = try? await gateway.store.queueDepth(now: gateway.time.now())
        latest.withLock { $0 = (now, depth) }
        return depth
    }

    private func write(_ depth: QueueDepth, to writer: inout ExpositionWriter) {
        Self.head(MetricCatalogue.queueWaiting, to: &writer)
        for priority in Priority.allCases {
            writer.sample(
                MetricCatalogue.queueWaiting, [MetricFamily.Label(name: "priority", value: priority.name)],
                Double(depth.waiting[priority] ?? 0))
        }
        Self.head(MetricCatalogue.queueOldestDue, to: &writer)
        let age = depth.oldestDueAt.map { max(0, (gateway.time.now() - $0).seconds) } ?? 0
        writer.sample(MetricCatalogue.queueOldestDue, [], age)
    }

    private func writeChannels(to writer: inout ExpositionWriter) {
        var counts: [ChannelStatus: Int] = [:]
        for channel in gateway.directory.channels() { counts[channel.status, default: 0] += 1 }
        Self.head(MetricCatalogue.channels, to: &writer)
        for status in ChannelStatus.allCases {
            writer.sample(
                MetricCatalogue.channels, [MetricFamily.Label(name: "status", value: status.rawValue)],
                Double(counts[status] ?? 0))
        }
    }

    private func writeHealth(to writer: inout ExpositionWriter) {
        let checks = gateway.health.all
        guard !checks.isEmpty else { return }
        Self.head(MetricCatalogue.healthCheck, to: &writer)
        for check in checks {
            writer.sample(
                MetricCatalogue.healthCheck, [MetricFamily.Label(name: "check", value: check.name)], check.isOK ? 1 : 0)
        }
    }

    private static func head(_ name: String, to writer: inout ExpositionWriter) {
        let entry = MetricCatalogue.byName[name]
        writer.head(name: name, help: entry?.help ?? "", kind: MetricFamily.Kind.gauge.rawValue)
    }
}
