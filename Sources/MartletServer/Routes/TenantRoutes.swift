import Hummingbird
import Martlet

/// Tenants and their keys, for the operator alone.
struct TenantRoutes: Sendable {
    let gateway: Gateway

    /// What is served.
    var routes: [Route] {
        [
            .post("/v1/tenants", .administrator, create),
            .get("/v1/tenants", .administrator, list),
            .get("/v1/tenants/{id}", .administrator, show),
            .patch("/v1/tenants/{id}", .administrator, change),
            .delete("/v1/tenants/{id}", .administrator, delete),
            .post("/v1/tenants/{id}/keys", .administrator, createKey),
            .get("/v1/tenants/{id}/keys", .administrator, listKeys),
            .delete("/v1/tenants/{id}/keys/{key_id}", .administrator, revokeKey),
        ]
    }

    private func create(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let draft = try Self.read(try await exchange.request.json(), isChange: false)
        let tenant = try await gateway.directory.createTenant(name: draft.name ?? "", limits: draft.limits ?? [])
        return .json(tenant.json, status: .created, headers: [.location: "/v1/tenants/\(tenant.id.text)"])
    }

    private func list(_ exchange: Exchange) async throws -> Response {
        let query = try QueryReader(exchange.request.uri, known: Paging<TenantKind>.parameters)
        let (page, next) = try Paging<TenantKind>(query).page(gateway.directory.tenants(), id: { $0.id })
        return .json(.list(page.map(\.json), nextCursor: next))
    }

    private func show(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        return .json(try await tenant(exchange).json)
    }

    private func change(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        var tenant = try await tenant(exchange)
        let draft = try Self.read(try await exchange.request.json(), isChange: true)
        if let name = draft.name { tenant.name = name }
        if let limits = draft.limits { tenant.limits = limits }
        guard let updated = try await gateway.directory.updateTenant(tenant) else { throw Problem.notFound }
        return .json(updated.json)
    }

    private func delete(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        guard try await gateway.directory.deleteTenant(exchange.identifier("id")) else { throw Problem.notFound }
        return .noContent
    }

    private func createKey(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let tenant = try await tenant(exchange)
        let name: String?
        switch KeyDraft.read(try await exchange.request.json(emptyMeans: .object([:]))) {
        case .success(let draft): name = draft.name
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
        let (key, text) = try await gateway.directory.createKey(tenant: tenant.id, name: name)
        return .json(key.json(text: text), status: .created, headers: [.cacheControl: "no-store"])
    }

    private func listKeys(_ exchange: Exchange) async throws -> Response {
        let query = try QueryReader(exchange.request.uri, known: Paging<KeyKind>.parameters)
        let paging = try Paging<KeyKind>(query)
        let keys = try await gateway.directory.keys(tenant: await tenant(exchange).id)
        let (page, next) = paging.page(keys.sorted { $0.id < $1.id }, id: { $0.id })
        return .json(.list(page.map { $0.json() }, nextCursor: next))
    }

    private func revokeKey(_ exchange: Exchange) async throws -> Response {
        try exchange.refuseQuery()
        let tenant = try await tenant(exchange)
        guard try await gateway.directory.revokeKey(exchange.identifier("key_id"), tenant: tenant.id) else {
            throw Problem.notFound
        }
        return .noContent
    }

    private func tenant(_ exchange: Exchange) async throws -> Tenant {
        guard let tenant = await gateway.directory.findTenant(try exchange.identifier("id")) else {
            throw Problem.notFound
        }
        return tenant
    }

    private static func read(_ body: JSONValue, isChange: Bool) throws -> TenantDraft {
        switch TenantDraft.read(body, isChange: isChange) {
        case .success(let draft): return draft
        case .failure(let failure): throw Problem.invalid(failure.errors)
        }
    }
}
