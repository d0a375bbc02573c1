/// Tenants, their keys and their channels.
package protocol DirectoryStore: Sendable {
    func insert(_ tenant: Tenant) async throws(StoreError)
    func tenants() async throws(StoreError) -> [Tenant]
    /// Changes name and limits. False when there is no such tenant.
    func update(_ tenant: Tenant) async throws(StoreError) -> Bool
    /// Removes the tenant with its keys, channels, messages and events. False when there is no such tenant.
    func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool

    /// Stores a key by its SHA-256.
    func insert(_ key: APIKey, hash: [UInt8]) async throws(StoreError)
    /// The key with that hash, revoked or not.
    func key(hash: [UInt8]) async throws(StoreError) -> APIKey?
    func keys(tenant: TenantID) async throws(StoreError) -> [APIKey]
    /// False when the tenant has no such key. A revoked key stays in the list.
    func revokeKey(_ id: KeyID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool
    /// Notes when keys were last used.
    func touchKeys(_ usedAt: [KeyID: Timestamp]) async throws(StoreError)

    /// - throws: ``StoreError/Code/conflict`` when the tenant has a channel of that name.
    func insert(_ channel: ChannelRecord) async throws(StoreError)
    /// All channels, of all tenants; the directory keeps them in memory.
    func channels() async throws(StoreError) -> [ChannelRecord]
    /// Stores everything of a channel but its status. False when there is no such channel.
    func update(_ channel: ChannelRecord) async throws(StoreError) -> Bool
    /// Stores a channel's status, unless a younger one is stored: a process that was held up may come late.
    func updateStatus(_ id: ChannelID, _ status: ChannelStatus, reason: String?, since: Timestamp)
        async throws(StoreError)
    /// Removes the channel. Its waiting messages fail as `channel_deleted` and are dead-lettered; the log keeps the rest.
    func deleteChannel(_ id: ChannelID, now: Timestamp) async throws(StoreError) -> Bool
}

/// A channel as it is stored: its secrets sealed. `Channel.credentials` and `webhookSecret` in ``channel`` are empty.
package struct ChannelRecord: Sendable, Equatable {
    package var channel: Channel
    /// AES-GCM of `{"credentials": {…}, "webhook_secret": "…"}`; see ``SecretBox``.
    package var sealedSecrets: [UInt8]

    package init(channel: Channel, sealedSecrets: [UInt8]) {
        self.channel = channel
        self.sealedSecrets = sealedSecrets
    }
}
