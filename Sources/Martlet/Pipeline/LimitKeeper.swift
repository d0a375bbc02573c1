import Synchronization

/// Keeps the throttle in step with the limits of channels and tenants, and fills windows with what was sent before, so that
/// no limit begins anew with a restart. A channel may send only when that is done for itself and for its tenant.
final class LimitKeeper: Sendable {
    private struct Pending: Sendable {
        /// Grows with each change, so that a change that comes while an earlier one is worked on is not lost.
        var version: Int
    }

    private struct State: Sendable {
        var version = 0
        var channels: [ChannelID: Pending] = [:]
        var tenants: [TenantID: Pending] = [:]
        var tenantsKnown: Set<TenantID> = []
    }

    private let store: any DispatchQueue
    private let directory: Directory
    private let throttle: any Throttle
    private let time: any TimeSource
    private let observer: PipelineObserver
    private let state = Mutex(State())

    /// What was claimed is kept for this long at least, so that a window that becomes longer need not begin empty.
    private static let historyMin: Duration = .seconds(600)
    /// Scopes that are brought up to date in one go, at most.
    private static let atOnce = 128
    /// A request arrives up to this long after its claim: what was claimed a moment ago may arrive yet.
    private static let wayToProvider: Duration = .seconds(1)

    init(
        store: any DispatchQueue, directory: Directory, throttle: any Throttle, time: any TimeSource,
        observer: PipelineObserver
    ) {
        self.store = store
        self.directory = directory
        self.throttle = throttle
        self.time = time
        self.observer = observer
    }

    /// How long claims must be remembered so that every window of every channel and tenant can be filled again.
    static func historyNeeded(by directory: Directory) -> Duration {
        let ofChannels = directory.channels().flatMap { channel in
            channel.limits ?? directory.providers[channel.provider]?.traits.defaultLimits ?? []
        }
        let ofTenants = directory.tenants().flatMap(\.limits)
        let longest = (ofChannels + ofTenants).map(\.window).max() ?? .zero
        return max(historyMin, longest + .seconds(60))
    }

    /// A channel is new, or its limits have changed.
    func channelChanged(_ channel: Channel) {
        state.withLock { state in
            state.version += 1
            state.channels[channel.id] = Pending(version: state.version)
            if state.tenantsKnown.insert(channel.tenantID).inserted {
                state.tenants[channel.tenantID] = Pending(version: state.version)
            }
        }
    }

    func channelRemoved(_ id: ChannelID) { state.withLock { _ = $0.channels.removeValue(forKey: id) } }

    /// A tenant's limits may have changed.
    func tenantChanged(_ tenant: Tenant) {
        state.withLock { state in
            guard state.tenantsKnown.contains(tenant.id) else { return }
            state.version += 1
            state.tenants[tenant.id] = Pending(version: state.version)
        }
    }

    /// The throttle has lost what it knew of a scope.
    func forgotten(_ scope: ThrottleScope) {
        state.withLock { state in
            state.version += 1
            switch scope {
            case .channel(let id): state.channels[id] = Pending(version: state.version)
            case .tenant(let id): state.tenants[id] = Pending(version: state.version)
            case .provider: break
            }
        }
    }

    /// Whether the channel's limits and its tenant's are in force.
    func isReady(_ channel: Channel) -> Bool {
        state.withLock { $0.channels[channel.id] == nil && $0.tenants[channel.tenantID] == nil }
    }

    /// Brings the throttle up to date, some scopes at a time so that the others need not wait for all. What the store does not
    /// answer for, or the throttle does not take yet, stays to be done. Answers whether it got on and has left any alone.
    func catchUp() async -> Bool {
        let (tenants, channels) = state.withLock { ($0.tenants, $0.channels) }
        var hasGotOn = false
        for batch in [
            tenants.sorted { $0.key < $1.key }.map { Scope.tenant($0.key, version: $0.value.version) },
            channels.sorted { $0.key < $1.key }.map { Scope.channel($0.key, version: $0.value.version) },
        ] {
            if await catchUp(with: batch.prefix(Self.atOnce)) { hasGotOn = true }
        }
        return hasGotOn && max(tenants.count, channels.count) > Self.atOnce
    }

    private enum Scope: Sendable {
        case tenant(TenantID, version: Int)
        case channel(ChannelID, version: Int)
    }

    /// Answers whether any came into force.
    private func catchUp(with scopes: ArraySlice<Scope>) async -> Bool {
        guard !scopes.isEmpty else { return false }
        let outcomes = await withTaskGroup(of: (scope: Scope, outcome: Outcome).self) { group in
            for scope in scopes { group.addTask { (scope, await self.bringIntoForce(scope)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for (scope, outcome) in outcomes {
            switch outcome {
            case .inForce: done(scope)
            case .notYet: break
            case .failed(let error): observer.storeFailed(error, doing: "read what was sent before")
            }
        }
        return outcomes.contains { if case .inForce = $0.outcome { true } else { false } }
    }

    private enum Outcome: Sendable {
        /// Also of a scope that is gone.
        case inForce
        case notYet
        case failed(StoreError)
    }

    private func bringIntoForce(_ scope: Scope) async -> Outcome {
        do throws(StoreError) {
            let isInForce: Bool
            switch scope {
            case .tenant(let id, _):
                guard let tenant = directory.tenant(id) else { return .inForce }
                isInForce = try await apply(
                    tenant.limits, headroom: Channel.defaultHeadroom, to: .tenant(id),
                    sentOver: directory.channels(tenant: id).map(\.id))
            case .channel(let id, _):
                guard let channel = directory.channel(id), let provider = directory.providers[channel.provider] else {
                    return .inForce
                }
                isInForce = try await apply(
                    channel.limits ?? provider.traits.defaultLimits, headroom: channel.headroom, to: .channel(id),
                    sentOver: [id])
            }
            return isInForce ? .inForce : .notYet
        } catch {
            return .failed(error)
        }
    }

    private func done(_ scope: Scope) {
        state.withLock { state in
            switch scope {
            case .tenant(let id, let version): if state.tenants[id]?.version == version { state.tenants[id] = nil }
            case .channel(let id, let version): if state.channels[id]?.version == version { state.channels[id] = nil }
            }
        }
    }

    /// Answers whether the limits are in force.
    private func apply(
        _ limits: [RateLimit], headroom: Double, to scope: ThrottleScope, sentOver channels: [ChannelID]
    ) async throws(StoreError) -> Bool {
        await throttle.configure(scope, limits: limits, headroom: headroom)
        guard let windowMax = limits.map(\.window).max(), let countMax = limits.map(\.count).max() else { return true }
        var sentAt: [Timestamp] = []
        for channel in channels {
            let since = time.now() - (windowMax + Self.wayToProvider)
            sentAt += try await store.claimHistory(channel: channel, since: since, limit: countMax)
        }
        let now = time.now()
        // A clock that was set back makes claims seem to lie in the future; none counts for longer than one of this moment.
        return await throttle.restore(scope, ages: sentAt.map { max(.zero, now - $0) - Self.wayToProvider })
    }
}
