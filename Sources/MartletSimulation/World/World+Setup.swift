import Martlet
import MartletTestSupport
import Synchronization

/// The tenants and channels of a run by their numbers in the scenario.
final class Places: Sendable {
    private struct State {
        var tenants: [Tenant] = []
        var channels: [[ChannelID]] = []
    }

    private let state = Mutex(State())

    func add(_ tenant: Tenant) {
        state.withLock { state in
            state.tenants.append(tenant)
            state.channels.append([])
        }
    }

    func add(_ channel: ChannelID, tenant: Int) { state.withLock { $0.channels[tenant].append(channel) } }
    func tenant(_ number: Int) -> TenantID { state.withLock { $0.tenants[number].id } }
    func channel(_ tenant: Int, _ number: Int) -> ChannelID { state.withLock { $0.channels[tenant][number] } }
    var tenants: [TenantID] { state.withLock { $0.tenants.map(\.id) } }
    var channels: [ChannelID] { state.withLock { $0.channels.flatMap(\.self) } }
}

extension World {
    /// Makes the tenants and channels, before anything goes wrong.
    func setUp() async throws -> Places {
        if scenario.register?.isNew == false { await surroundings.shared?.register.age() }
        let places = Places()
        let directory = try quietDirectory()
        for (number, plan) in scenario.tenants.enumerated() {
            let tenant = try await directory.createTenant(name: "tenant-\(number)", limits: plan.limits)
            places.add(tenant)
            log.changed(.tenant(tenant.id), log.changing(.tenant(tenant.id), to: plan.limits))
            for channel in plan.channels {
                let created = try await directory.createChannel(
                    Self.channel(channel, tenant: tenant.id, now: time.now()))
                places.add(created.id, tenant: number)
                log.changed(.channel(created.id), log.changing(.channel(created.id), to: channel.limits))
                trace.note(
                    "channel \(created.id.short) of tenant \(number): \(channel.provider), \(channel.limits.map { "\($0.count)/\($0.perSeconds)s" })"
                )
            }
        }
        return places
    }

    /// A directory on a store that nothing hinders.
    private func quietDirectory() throws -> Directory {
        guard let secretBox = SecretBox(key: [UInt8](repeating: 7, count: 32)) else { preconditionFailure("32 bytes") }
        return Directory(
            store: data, providers: ProviderRegistry([]), secretBox: secretBox, time: time,
            identifiers: surroundings.identifiers)
    }

    static func channel(_ plan: Scenario.ChannelPlan, tenant: TenantID, now: Timestamp) -> Channel {
        Channel(
            id: ChannelID(unchecked: ""), tenantID: tenant, name: plan.name, provider: plan.provider.rawValue,
            credentials: Secret(["key": "k"]), webhookSecret: Secret("s3cret"), webhookToken: "", limits: plan.limits,
            headroom: plan.headroom, recipientInterval: plan.recipientInterval, statusSince: now, createdAt: now)
    }
}
