import Martlet

extension MemoryStore: DirectoryStore {
    package func insert(_ tenant: Tenant) async throws(StoreError) {
        try await perform(.insertTenant) { state in state.tenants[tenant.id] = tenant }
    }

    package func tenants() async throws(StoreError) -> [Tenant] {
        try await perform(.tenants) { state in state.tenants.values.sorted { $0.id < $1.id } }
    }

    package func update(_ tenant: Tenant) async throws(StoreError) -> Bool {
        try await perform(.updateTenant) { state in
            guard state.tenants[tenant.id] != nil else { return false }
            state.tenants[tenant.id] = tenant
            return true
        }
    }

    package func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool {
        try await perform(.deleteTenant) { state in
            guard state.tenants.removeValue(forKey: id) != nil else { return false }
            for message in state.idsByTenant[id] ?? [] { state.remove(message) }
            state.idsByTenant[id] = nil
            state.counts[id] = nil
            state.deadLetters[id] = nil
            state.keys = state.keys.filter { $0.value.key.tenantID != id }
            state.keysSeen = state.keysSeen.filter { $0.key.tenant != id }
            state.forgetReplays(of: id)
            for channel in state.channels.values.map(\.channel) where channel.tenantID == id {
                state.forget(channel.id)
            }
            return true
        }
    }

    package func insert(_ key: APIKey, hash: [UInt8]) async throws(StoreError) {
        try await perform(.insertKey) { state in state.keys[key.id] = (key, hash) }
    }

    package func key(hash: [UInt8]) async throws(StoreError) -> APIKey? {
        try await perform(.key) { state in state.keys.values.first { $0.hash == hash }?.key }
    }

    package func keys(tenant: TenantID) async throws(StoreError) -> [APIKey] {
        try await perform(.keys) { state in
            state.keys.values.map(\.key).filter { $0.tenantID == tenant }.sorted { $0.id < $1.id }
        }
    }

    package func revokeKey(_ id: KeyID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await perform(.revokeKey) { state in
            guard let known = state.keys[id]?.key, known.tenantID == tenant else { return false }
            if known.revokedAt == nil { state.keys[id]?.key.revokedAt = now }
            return true
        }
    }

    package func touchKeys(_ usedAt: [KeyID: Timestamp]) async throws(StoreError) {
        try await perform(.touchKeys) { state in
            for (id, moment) in usedAt {
                guard let known = state.keys[id]?.key else { continue }
                state.keys[id]?.key.lastUsedAt = max(moment, known.lastUsedAt ?? moment)
            }
        }
    }

    package func insert(_ channel: ChannelRecord) async throws(StoreError) {
        try await perform(.insertChannel) { (state) throws(StoreError) in
            try state.requireFreeName(of: channel.channel)
            state.channels[channel.channel.id] = channel
        }
    }

    package func channels() async throws(StoreError) -> [ChannelRecord] {
        try await perform(.channels) { state in state.channels.values.sorted { $0.channel.id < $1.channel.id } }
    }

    package func update(_ channel: ChannelRecord) async throws(StoreError) -> Bool {
        try await perform(.updateChannel) { (state) throws(StoreError) in
            guard let current = state.channels[channel.channel.id]?.channel else { return false }
            try state.requireFreeName(of: channel.channel)
            var updated = channel
            updated.channel.status = current.status
            updated.channel.statusReason = current.statusReason
            updated.channel.statusSince = current.statusSince
            state.channels[current.id] = updated
            return true
        }
    }

    package func updateStatus(
        _ id: ChannelID, _ status: ChannelStatus, reason: String?, since: Timestamp
    ) async throws(StoreError) {
        try await perform(.updateStatus) { state in
            guard let known = state.channels[id]?.channel, known.statusSince <= since else { return }
            state.channels[id]?.channel.status = status
            state.channels[id]?.channel.statusReason = reason
            state.channels[id]?.channel.statusSince = since
        }
    }

    package func deleteChannel(_ id: ChannelID, now: Timestamp) async throws(StoreError) -> Bool {
        try await perform(.deleteChannel) { state in
            guard state.channels[id] != nil else { return false }
            let own = state.rows.values.filter { $0.message.channelID == id }.sorted { $0.message.id < $1.message.id }
            for var row in own {
                row.lookUp = nil
                state.put(row, for: row.message.id)
                guard row.job?.state == .waiting else { continue }
                state.change(row.message.id, now: now) { $0.fail(ErrorReason(.channelDeleted)) }
            }
            state.forget(id)
            return true
        }
    }
}

extension MemoryState {
    fileprivate func requireFreeName(of channel: Channel) throws(StoreError) {
        let isTaken = channels.values.contains {
            $0.channel.tenantID == channel.tenantID && $0.channel.name == channel.name && $0.channel.id != channel.id
        }
        if isTaken { throw StoreError(.conflict, "the tenant has a channel of that name") }
    }

    fileprivate mutating func forget(_ channel: ChannelID) {
        channels[channel] = nil
        lanes[channel] = nil
        claimHistory[channel] = nil
        recipientClaims[channel] = nil
        parked = parked.filter { $0.key.channel != channel }
        deletedChannels.insert(channel)
    }
}
