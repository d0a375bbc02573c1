import NIOHTTP1

extension MartletClient {
    // MARK: Tenants

    package func createTenant(name: String, limits: [LimitRecord]? = nil) async throws(ClientError)
        -> Answer<TenantRecord>
    {
        try await call(.POST, "/v1/tenants", body: TenantRequest(name: name, limits: limits))
    }

    package func tenants() async throws(ClientError) -> Answer<Page<TenantRecord>> {
        try await call(.GET, "/v1/tenants")
    }

    package func tenant(_ id: String) async throws(ClientError) -> Answer<TenantRecord> {
        try await call(.GET, "/v1/tenants/\(Self.escaped(id))")
    }

    /// Removes a tenant with all that is its own.
    package func deleteTenant(_ id: String) async throws(ClientError) {
        try await callWithoutValue(.DELETE, "/v1/tenants/\(Self.escaped(id))")
    }

    // MARK: Keys

    /// Makes a key; its text is in this answer alone.
    package func createKey(tenant: String, name: String? = nil) async throws(ClientError) -> Answer<KeyRecord> {
        try await call(.POST, "/v1/tenants/\(Self.escaped(tenant))/keys", body: KeyRequest(name: name))
    }

    package func keys(tenant: String) async throws(ClientError) -> Answer<Page<KeyRecord>> {
        try await call(.GET, "/v1/tenants/\(Self.escaped(tenant))/keys")
    }

    package func revokeKey(_ id: String, tenant: String) async throws(ClientError) {
        try await callWithoutValue(.DELETE, "/v1/tenants/\(Self.escaped(tenant))/keys/\(Self.escaped(id))")
    }

    // MARK: Channels

    package func createChannel(_ channel: ChannelRequest) async throws(ClientError) -> Answer<ChannelRecord> {
        try await call(.POST, "/v1/channels", body: channel)
    }

    package func channels() async throws(ClientError) -> Answer<Page<ChannelRecord>> {
        try await call(.GET, "/v1/channels")
    }

    package func channel(_ id: String) async throws(ClientError) -> Answer<ChannelRecord> {
        try await call(.GET, "/v1/channels/\(Self.escaped(id))")
    }

    package func updateChannel(_ id: String, _ change: ChannelRequest) async throws(ClientError)
        -> Answer<ChannelRecord>
    {
        try await call(.PATCH, "/v1/channels/\(Self.escaped(id))", body: change)
    }

    package func deleteChannel(_ id: String) async throws(ClientError) {
        try await callWithoutValue(.DELETE, "/v1/channels/\(Self.escaped(id))")
    }

    /// Does something to a channel or the session behind it: `pause`, `resume`, `connect` or `disconnect`.
    package func performOnChannel(_ id: String, _ action: String) async throws(ClientError) -> Answer<JSON> {
        try await call(.POST, "/v1/channels/\(Self.escaped(id))/\(Self.escaped(action))")
    }

    // MARK: Health

    /// Whether the server is ready; a server that is not is no error here.
    package func readiness() async throws(ClientError) -> Answer<Readiness> {
        try await call(.GET, "/health/ready", accepting: 200...503)
    }
}
