import Hummingbird
import Martlet

/// A tenant's numbers.
struct StatisticsRoutes: Sendable {
    let gateway: Gateway
    let channels: ChannelRendering

    init(gateway: Gateway, address: PublicAddress) {
        self.gateway = gateway
        channels = ChannelRendering(providers: gateway.directory.providers, address: address)
    }

    /// What is served.
    var routes: [Route] { [.get("/v1/stats", .tenant, show)] }

    private func show(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let tenant = try exchange.tenant
        let now = gateway.time.now()
        let statistics = try await gateway.store.statistics(tenant: tenant, now: now)
        var counts = JSONObject()
        for status in MessageStatus.allCases {
            counts[status.rawValue] = .integer(Int64(statistics.counts[status] ?? 0))
        }
        let backlogs = Dictionary(uniqueKeysWithValues: statistics.backlogs.map { ($0.channel, $0) })
        let tenantChannels = gateway.directory.channels(tenant: tenant)
        let sent = try await gateway.rates.lastMinute(of: tenantChannels.map(\.id))
        let rendered = tenantChannels.map { channel -> JSONValue in
            let backlog = backlogs[channel.id]
            return .object([
                "id": .string(channel.id.text),
                "name": .string(channel.name),
                "status": .string(channel.status.rawValue),
                "waiting": .integer(Int64(backlog?.waiting ?? 0)),
                "oldest_due_seconds": .optional(backlog?.oldestDueAt.map { Int((now - $0).microseconds / 1_000_000) }),
                "sent_last_minute": .integer(Int64(sent[channel.id] ?? 0)),
                "allowed_per_second": channels.allowedPerSecond(channel).map { .double($0) } ?? .null,
            ])
        }
        return .json([
            "counts": .object(counts),
            "dead_letters": .integer(Int64(statistics.deadLetters)),
            "channels": .array(rendered),
        ])
    }
}
