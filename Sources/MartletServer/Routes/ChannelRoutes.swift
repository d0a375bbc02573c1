import Hummingbird
import Martlet

/// Channels and the sessions behind them, for their tenant or for the operator.
struct ChannelRoutes: Sendable {
    let gateway: Gateway
    let rendering: ChannelRendering

    init(gateway: Gateway, address: PublicAddress) {
        self.gateway = gateway
        rendering = ChannelRendering(providers: gateway.directory.providers, address: address)
    }

    /// What is served.
    var routes: [Route] {
        [
            .post("/v1/channels", .tenantOrAdministrator, create),
            .get("/v1/channels", .tenantOrAdministrator, list),
            .get("/v1/channels/{id}", .tenantOrAdministrator, show),
            .patch("/v1/channels/{id}", .tenantOrAdministrator, change),
            .delete("/v1/channels/{id}", .tenantOrAdministrator, delete),
            .post("/v1/channels/{id}/pause", .tenantOrAdministrator, pause),
            .post("/v1/channels/{id}/resume", .tenantOrAdministrator, resume),
            .post("/v1/channels/{id}/connect", .tenantOrAdministrator, connect),
            .post("/v1/channels/{id}/disconnect", .tenantOrAdministrator, disconnect),
            .get("/v1/channels/{id}/qr", .tenantOrAdministrator, qrCode),
        ]
    }

    private func create(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let body = try await exchange.request.json()
        let draft: ChannelDraft
        switch ChannelDraft.read(
            body, providers: gateway.directory.providers, isAdministrator: exchange.caller == .administrator)
        {
        case .success(let read): draft = read
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
        let tenant: TenantID
        if let named = draft.tenant {
            guard await gateway.directory.findTenant(named) != nil else {
                throw Problem.invalid([FieldError("/tenant", "there is no such tenant")])
            }
            tenant = named
        } else {
            tenant = try exchange.tenant
        }
        let channel = try await gateway.directory.createChannel(draft.channel(tenant: tenant))
        return .json(
            rendering.value(channel), status: .created, headers: [.location: "/v1/channels/\(channel.id.text)"])
    }

    private func list(_ exchange: Exchange) async throws -> Response {
        let isAdministrator = exchange.caller == .administrator
        let known = isAdministrator ? Paging<ChannelKind>.parameters.union(["tenant"]) : Paging<ChannelKind>.parameters
        let query = try QueryReader(exchange.request.uri, known: known)
        let paging = try Paging<ChannelKind>(query)
        let channels: [Channel]
        if isAdministrator {
            if let text = try query.text("tenant") {
                guard let tenant = TenantID(text), gateway.directory.tenant(tenant) != nil else {
                    throw QueryReader.refusal("tenant", "names no tenant")
                }
                channels = gateway.directory.channels(tenant: tenant)
            } else {
                channels = gateway.directory.channels()
            }
        } else {
            channels = gateway.directory.channels(tenant: try exchange.tenant)
        }
        let (page, next) = paging.page(channels.sorted { $0.id < $1.id }, id: { $0.id })
        return .json(.list(page.map(rendering.value), nextCursor: next))
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        .json(rendering.value(try await channel(exchange)))
    }

    private func change(_ exchange: Exchange) async throws -> Response {
        let current = try await channel(exchange)
        let body = try await exchange.request.json()
        let changed: Channel
        switch current.changed(by: body, provider: gateway.directory.providers[current.provider]) {
        case .success(let result): changed = result
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
        guard let stored = try await gateway.directory.updateChannel(changed) else { throw Problem.notFound }
        // Whatever was wrong with the credentials is judged anew by the next send.
        if try await gateway.directory.order(stored.id, .active, reason: nil, from: [.unauthorized]) {
            gateway.wake(stored.id, gateway.time.now())
        }
        return try answer(stored.id)
    }

    private func delete(_ exchange: Exchange) async throws -> Response {
        let channel = try await channel(exchange)
        guard try await gateway.directory.deleteChannel(channel.id) else { throw Problem.notFound }
        return .noContent
    }

    private func pause(_ exchange: Exchange) async throws -> Response {
        let channel = try await channel(exchange)
        try await gateway.directory.order(channel.id, .paused, reason: "paused by an operator")
        return try answer(channel.id)
    }

    private func resume(_ exchange: Exchange) async throws -> Response {
        let channel = try await channel(exchange)
        if try await gateway.directory.order(channel.id, .active, reason: nil) {
            gateway.wake(channel.id, gateway.time.now())
        }
        return try answer(channel.id)
    }

    private func connect(_ exchange: Exchange) async throws -> Response {
        try await control(.connect, try await channel(exchange))
    }

    private func disconnect(_ exchange: Exchange) async throws -> Response {
        let channel = try await channel(exchange)
        let response = try await control(.disconnect, channel)
        // Messages hold at once instead of finding out one by one.
        try await gateway.directory.setStatus(
            channel.id, .disconnected, reason: "disconnected by an operator", from: [.active, .unavailable])
        return response
    }

    private func qrCode(_ exchange: Exchange) async throws -> Response {
        try await control(.qrCode, try await channel(exchange))
    }

    private func control(_ command: SessionCommand, _ channel: Channel) async throws -> Response {
        switch await gateway.sessions.perform(command, on: channel) {
        case .done(let status, let qrCode):
            return .json(
                ["status": .string(status), "qr_code": .optional(qrCode)], headers: [.cacheControl: "no-store"])
        case .unsupported(let detail): throw Problem(.conflict, detail)
        case .failed(let detail): throw Problem(.providerFailed, detail)
        }
    }

    private func answer(_ id: ChannelID) throws -> Response {
        guard let channel = gateway.directory.channel(id) else { throw Problem.notFound }
        return .json(rendering.value(channel))
    }

    /// The channel in the path, if the caller may see it.
    private func channel(_ exchange: Exchange) async throws -> Channel {
        let id: ChannelID = try exchange.identifier("id")
        try exchange.refuseQuery()
        guard let channel = await gateway.directory.findChannel(id) else { throw Problem.notFound }
        if case .tenant(let tenant) = exchange.caller, channel.tenantID != tenant { throw Problem.notFound }
        return channel
    }
}
