/// Channels in memory, found by id, by tenant and by name at a cost that does not grow with their number.
struct ChannelIndex: Sendable {
    private struct Owned: Sendable {
        /// In the order in which they were made.
        var ids: [ChannelID] = []
        var byName: [String: ChannelID] = [:]
    }

    private var channels: [ChannelID: Channel] = [:]
    private var owned: [TenantID: Owned] = [:]
    /// Channels without a session or the right to use it: nothing can be asked over them.
    private(set) var withoutSession: Set<ChannelID> = []

    init(_ channels: some Sequence<Channel> = []) {
        for channel in channels.sorted(by: { $0.id < $1.id }) { self[channel.id] = channel }
    }

    var ids: some Collection<ChannelID> { channels.keys }

    /// All of them, in the order in which they were made.
    var all: [Channel] { channels.values.sorted { $0.id < $1.id } }

    /// Setting nil removes the channel.
    subscript(_ id: ChannelID) -> Channel? {
        get { channels[id] }
        set {
            let old = channels[id]
            channels[id] = newValue
            let isWithoutSession = newValue.map { $0.status == .disconnected || $0.status == .unauthorized } ?? false
            if isWithoutSession { withoutSession.insert(id) } else { withoutSession.remove(id) }
            if let old, old.name != newValue?.name { owned[old.tenantID]?.byName[old.name] = nil }
            if let newValue {
                if old == nil { owned[newValue.tenantID, default: Owned()].ids.append(id) }
                owned[newValue.tenantID, default: Owned()].byName[newValue.name] = id
            } else if let old {
                owned[old.tenantID]?.ids.removeAll { $0 == id }
            }
        }
    }

    func ids(of tenant: TenantID) -> [ChannelID] { owned[tenant]?.ids ?? [] }

    func channel(named name: String, of tenant: TenantID) -> Channel? {
        owned[tenant]?.byName[name].flatMap { channels[$0] }
    }

    /// Removes all channels of a tenant. Answers which.
    mutating func removeAll(of tenant: TenantID) -> [ChannelID] {
        let ids = owned.removeValue(forKey: tenant)?.ids ?? []
        for id in ids { self[id] = nil }
        return ids
    }
}
