import Hummingbird
import Martlet

/// Bulk replays: begin, look how far it is, end early.
struct ReplayRoutes: Sendable {
    let gateway: Gateway
    private let identifiers: IdentifierGenerator

    init(gateway: Gateway) {
        self.gateway = gateway
        identifiers = IdentifierGenerator(time: gateway.time)
    }

    /// What is served.
    var routes: [Route] {
        [
            .post("/v1/replays", .tenant, create),
            .get("/v1/replays/{id}", .tenant, show),
            .post("/v1/replays/{id}/cancel", .tenant, cancel),
        ]
    }

    private func create(_ exchange: Exchange) async throws -> Response {
        let tenant = try exchange.tenant
        try exchange.refuseQuery()
        let body = try await exchange.request.json()
        let draft: ReplayDraft
        switch ReplayDraft.read(body) {
        case .success(let read): draft = read
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
        var filter = draft.filter
        filter.channel = try channel(draft.channel, tenant)
        let now = gateway.time.now()
        let count = try await gateway.store.countDeadLetters(filter, tenant: tenant, now: now)
        if draft.isDryRun {
            let skipped = draft.includeExpired ? 0 : count.expired
            return .json(["matched": .integer(Int64(count.matched)), "skipped": .integer(Int64(skipped))])
        }
        let job = ReplayJob(
            id: identifiers.next(), tenantID: tenant, filter: filter, perSecond: draft.perSecond,
            includeExpired: draft.includeExpired, correction: draft.correction, matched: count.matched, createdAt: now)
        guard try await gateway.store.insert(job, runningMax: ReplayJob.runningMax) else {
            throw Problem(
                .conflict,
                "There are \(ReplayJob.runningMax) bulk replays running already; let one finish, or cancel one.")
        }
        gateway.wakeReplays()
        return .json(job.json, status: .accepted)
    }

    /// By name, or by id: dead letters outlive their channel, and an id is all that is left of a deleted one.
    private func channel(_ name: String?, _ tenant: TenantID) throws -> ChannelID? {
        guard let name else { return nil }
        if case .success(let channel) = gateway.directory.resolveChannel(named: name, tenant: tenant) {
            return channel.id
        }
        guard let id = ChannelID(name) else {
            throw Problem.invalid([FieldError("/filter/channel", "there is no channel of that name")])
        }
        return id
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        let id: ReplayID = try exchange.identifier("id")
        try exchange.refuseQuery()
        guard let job = try await gateway.store.replayJob(id, tenant: exchange.tenant) else { throw Problem.notFound }
        return .json(job.json)
    }

    private func cancel(_ exchange: Exchange) async throws -> Response {
        let id: ReplayID = try exchange.identifier("id")
        try exchange.refuseQuery()
        switch try await gateway.store.cancelReplayJob(id, tenant: exchange.tenant, now: gateway.time.now()) {
        case .cancelled(let job): return .json(job.json)
        case .notFound: throw Problem.notFound
        case .over(let job): throw Problem(.conflict, "The bulk replay is \(job.status.rawValue) already.")
        }
    }
}
