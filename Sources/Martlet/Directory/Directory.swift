import Crypto
import Synchronization

/// Tenants, keys and channels as the running process knows them: read from memory, written through to the store.
package final class Directory: Sendable {
    /// What changed, for those who keep something derived from it.
    package enum Change: Sendable {
        case channel(Channel)
        case channelRemoved(ChannelID)
        case tenant(Tenant)
    }

    private struct State: Sendable {
        var tenants: [TenantID: Tenant] = [:]
        var channels = ChannelIndex()
        /// Keys that were looked up, by hash. A key is checked against the store once, then served from here until revoked.
        var keys: [[UInt8]: APIKey] = [:]
        var usedAt: [KeyID: Timestamp] = [:]
        var observers: [@Sendable (Change) -> Void] = []
        /// When the store was last read because something was not known here, and the next such look, which has not begun.
        var missedAt: MonotonicInstant?
        var nextLook: [CheckedContinuation<Look, Never>]?
        /// Grows with each change that is made here: what was read from the store before it does not know of it.
        var changes: UInt64 = 0
    }

    /// What comes of joining those who look at the store again.
    private enum Look: Sendable {
        /// Nobody takes one: this caller does.
        case own
        case taken(Bool)
        /// Whoever was to take it is gone.
        case abandoned
    }

    /// How often the store is read again, at most, because something is not known here.
    private static let missInterval: Duration = .milliseconds(250)

    /// Keys kept in memory at most; past that all are forgotten and looked up again.
    private static let cachedKeysMax = 10_000

    package let providers: ProviderRegistry
    private let store: any DirectoryStore
    private let secretBox: SecretBox
    private let time: any TimeSource
    private let identifiers: IdentifierGenerator
    private let statuses: ChannelStatusWriter
    package let isShared: Bool
    private let state = Mutex(State())

    /// - parameter isShared: whether other processes may be changing the same store.
    package init(
        store: any DirectoryStore, providers: ProviderRegistry, secretBox: SecretBox, time: any TimeSource,
        identifiers: IdentifierGenerator, isShared: Bool = false
    ) {
        self.isShared = isShared
        self.store = store
        self.providers = providers
        self.secretBox = secretBox
        self.time = time
        self.identifiers = identifiers
        statuses = ChannelStatusWriter(store: store)
    }

    /// Reads everything from the store. Called at start, and again where several processes share a store.
    /// - throws: the store's error, or ``SecretBox/Failure`` when a channel's secrets cannot be opened.
    package func load() async throws {
        let tenants = try await store.tenants()
        let channels = try await store.channels().map { try open($0) }
        state.withLock { state in
            state.tenants = Dictionary(uniqueKeysWithValues: tenants.map { ($0.id, $0) })
            state.channels = ChannelIndex(channels)
            state.keys = [:]
        }
    }

    /// Takes over what other processes on the same store have changed: new, changed and removed tenants and channels, and
    /// revoked keys. Of two words on a channel's status, the younger one stands.
    package func refresh() async throws {
        var (tenants, stored): ([Tenant], [Channel])
        var triesLeft = 3
        var before: UInt64
        repeat {
            before = state.withLock(\.changes)
            tenants = try await store.tenants()
            stored = try await store.channels().map { try open($0) }
            triesLeft -= 1
        } while triesLeft > 0 && state.withLock(\.changes) != before
        let changes = state.withLock { state -> [Change] in
            var changes: [Change] = []
            for tenant in tenants where state.tenants[tenant.id] != tenant { changes.append(.tenant(tenant)) }
            state.tenants = Dictionary(uniqueKeysWithValues: tenants.map { ($0.id, $0) })
            var channels: [ChannelID: Channel] = [:]
            for channel in stored {
                var merged = channel
                if let known = state.channels[channel.id], known.statusSince >= channel.statusSince {
                    merged.status = known.status
                    merged.statusReason = known.statusReason
                    merged.statusSince = known.statusSince
                }
                if state.channels[channel.id] != merged { changes.append(.channel(merged)) }
                channels[channel.id] = merged
            }
            for id in state.channels.ids where channels[id] == nil { changes.append(.channelRemoved(id)) }
            state.channels = ChannelIndex(channels.values)
            state.keys = [:]
            return changes
        }
        for change in changes { notify(change) }
    }

    /// Something is not known here; another process may have made it a moment ago. Reads the store again, once for all who ask
    /// within a quarter of a second. Answers whether it is worth another look.
    package func lookAgain() async -> Bool {
        guard isShared else { return false }
        while !Task.isCancelled {
            // The first to come takes the look for those who come while it waits for its time.
            let look = await withCheckedContinuation { continuation in
                let isFirst = state.withLock { state in
                    guard state.nextLook != nil else {
                        state.nextLook = []
                        return true
                    }
                    state.nextLook?.append(continuation)
                    return false
                }
                if isFirst { continuation.resume(returning: .own) }
            }
            switch look {
            case .own: return await lookForAll()
            case .taken(let isWorthIt): return isWorthIt
            case .abandoned: continue
            }
        }
        return false
    }

    private func lookForAll() async -> Bool {
        let now = time.monotonicNow()
        let pause = state.withLock { $0.missedAt.map { $0 + Self.missInterval - now } } ?? .zero
        if pause > .zero { try? await time.sleep(for: pause) }
        let isCancelled = Task.isCancelled
        let waiting = state.withLock { state in
            if !isCancelled { state.missedAt = time.monotonicNow() }
            // Who comes from here on may have missed what is read now.
            defer { state.nextLook = nil }
            return state.nextLook ?? []
        }
        var isRead = false
        if !isCancelled { isRead = (try? await refresh()) != nil }
        let look: Look = !isRead && Task.isCancelled ? .abandoned : .taken(isRead)
        for continuation in waiting { continuation.resume(returning: look) }
        return isRead
    }

    /// ``tenant(_:)``, also when another process has made it a moment ago.
    package func findTenant(_ id: TenantID) async -> Tenant? {
        if let tenant = tenant(id) { return tenant }
        return await lookAgain() ? tenant(id) : nil
    }

    /// ``channel(_:)``, also when another process has made it a moment ago.
    package func findChannel(_ id: ChannelID) async -> Channel? {
        if let channel = channel(id) { return channel }
        return await lookAgain() ? channel(id) : nil
    }

    /// Calls back after each change, in the caller's context: the callback must be quick.
    package func observe(_ observer: @escaping @Sendable (Change) -> Void) {
        state.withLock { $0.observers.append(observer) }
    }

    private func notify(_ change: Change) {
        for observer in state.withLock({ $0.observers }) { observer(change) }
    }

    // MARK: Tenants

    package func tenant(_ id: TenantID) -> Tenant? { state.withLock { $0.tenants[id] } }

    package func tenants() -> [Tenant] { state.withLock { $0.tenants.values.sorted { $0.id < $1.id } } }

    package func createTenant(name: String, limits: [RateLimit]) async throws(StoreError) -> Tenant {
        let tenant = Tenant(id: identifiers.next(), name: name, limits: limits, createdAt: time.now())
        try await store.insert(tenant)
        state.withLock { state in
            state.tenants[tenant.id] = tenant
            state.changes += 1
        }
        notify(.tenant(tenant))
        return tenant
    }

    /// Changes name and limits; nil when there is no such tenant.
    package func updateTenant(_ tenant: Tenant) async throws(StoreError) -> Tenant? {
        guard try await store.update(tenant) else { return nil }
        state.withLock { state in
            state.tenants[tenant.id] = tenant
            state.changes += 1
        }
        notify(.tenant(tenant))
        return tenant
    }

    package func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool {
        // Its channels stop first, so that nothing is sent while its messages go.
        let channels = state.withLock { state in
            let channels = state.channels.removeAll(of: id)
            state.tenants[id] = nil
            state.changes += 1
            state.keys = state.keys.filter { $0.value.tenantID != id }
            return channels
        }
        for channel in channels { notify(.channelRemoved(channel)) }
        return try await store.deleteTenant(id)
    }

    // MARK: Keys

    /// Makes a key; the text is given out this once.
    package func createKey(tenant: TenantID, name: String?) async throws(StoreError) -> (key: APIKey, text: String) {
        let random = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let text = "mk_" + random.map { Self.hexadecimal($0) }.joined()
        let key = APIKey(id: identifiers.next(), tenantID: tenant, name: name, createdAt: time.now())
        try await store.insert(key, hash: Self.hash(text))
        return (key, text)
    }

    package func keys(tenant: TenantID) async throws(StoreError) -> [APIKey] {
        let used = state.withLock { $0.usedAt }
        return try await store.keys(tenant: tenant).map { key in
            var key = key
            if let usedAt = used[key.id], usedAt > key.lastUsedAt ?? usedAt - .microseconds(1) {
                key.lastUsedAt = usedAt
            }
            return key
        }
    }

    /// Revokes a key, at once. False when the tenant has no such key.
    package func revokeKey(_ id: KeyID, tenant: TenantID) async throws(StoreError) -> Bool {
        let revoked = try await store.revokeKey(id, tenant: tenant, now: time.now())
        state.withLock { state in state.keys = state.keys.filter { $0.value.id != id } }
        return revoked
    }

    /// The key behind a text, if it is valid. Looked up by hash, so that its comparison tells nothing by its duration.
    package func authenticate(_ text: String) async throws(StoreError) -> APIKey? {
        guard text.hasPrefix("mk_"), text.utf8.count == 67 else { return nil }
        let hash = Self.hash(text)
        let now = time.now()
        if let cached = state.withLock({ state -> APIKey? in
            guard let key = state.keys[hash] else { return nil }
            state.usedAt[key.id] = now
            return key
        }) {
            return cached
        }
        guard let key = try await store.key(hash: hash), key.revokedAt == nil else { return nil }
        guard await findTenant(key.tenantID) != nil else { return nil }
        return state.withLock { state in
            guard state.tenants[key.tenantID] != nil else { return nil }
            if state.keys.count >= Self.cachedKeysMax { state.keys = [:] }
            state.keys[hash] = key
            state.usedAt[key.id] = now
            return key
        }
    }

    /// Writes down when keys were last used; called now and then.
    package func flushKeyUse() async throws(StoreError) {
        let used = state.withLock { state in
            defer { state.usedAt = [:] }
            return state.usedAt
        }
        guard !used.isEmpty else { return }
        try await store.touchKeys(used)
    }

    private static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16)
        return text.utf8.count == 1 ? "0" + text : text
    }

    // MARK: Channels

    package func channel(_ id: ChannelID) -> Channel? { state.withLock { $0.channels[id] } }

    package func channels() -> [Channel] { state.withLock { $0.channels.all } }

    /// Channels without a session or the right to use it: nothing can be asked over them.
    package func channelsWithoutSession() -> Set<ChannelID> { state.withLock { $0.channels.withoutSession } }

    package func channels(tenant: TenantID) -> [Channel] {
        state.withLock { state in state.channels.ids(of: tenant).compactMap { state.channels[$0] } }
    }

    /// A tenant's channel by name or id; without either, its only one.
    package func resolveChannel(named name: String?, tenant: TenantID) -> Result<Channel, FieldError> {
        state.withLock { state in
            if let name {
                if let channel = state.channels.channel(named: name, of: tenant) { return .success(channel) }
                if let channel = ChannelID(name).flatMap({ state.channels[$0] }), channel.tenantID == tenant {
                    return .success(channel)
                }
                return .failure(FieldError("/channel", "there is no channel of that name"))
            }
            let ids = state.channels.ids(of: tenant)
            if ids.count == 1, let channel = state.channels[ids[0]] { return .success(channel) }
            return .failure(
                FieldError(
                    "/channel",
                    ids.isEmpty ? "the tenant has no channel yet" : "is required, as the tenant has several channels"))
        }
    }

    /// Stores a new channel. Give it any id, token and times: they are set here.
    /// - throws: ``StoreError/Code/conflict`` when the tenant has one of that name.
    package func createChannel(_ draft: Channel) async throws -> Channel {
        var channel = draft
        let now = time.now()
        channel.id = identifiers.next()
        channel.webhookToken = SymmetricKey(size: .bits192).withUnsafeBytes { $0.map(Self.hexadecimal).joined() }
        channel.status = .active
        channel.statusReason = nil
        channel.statusSince = now
        channel.createdAt = now
        try await store.insert(seal(channel))
        let created = channel
        state.withLock { state in
            state.channels[created.id] = created
            state.changes += 1
        }
        notify(.channel(created))
        return created
    }

    /// Stores everything of a channel but its status; nil when there is no such channel.
    package func updateChannel(_ channel: Channel) async throws -> Channel? {
        guard try await store.update(seal(channel)) else { return nil }
        let updated = state.withLock { state -> Channel? in
            guard let current = state.channels[channel.id] else { return nil }
            var updated = channel
            updated.status = current.status
            updated.statusReason = current.statusReason
            updated.statusSince = current.statusSince
            state.channels[channel.id] = updated
            state.changes += 1
            return updated
        }
        if let updated { notify(.channel(updated)) }
        return updated
    }

    /// Sets a channel's status where it is another; with `from`, only when the present one is among those. On return it is
    /// stored. Answers whether it changed.
    /// - throws: when it is not stored; it holds in this process all the same, and is stored as soon as that is possible.
    @discardableResult
    package func setStatus(
        _ id: ChannelID, _ status: ChannelStatus, reason: String?, from: Set<ChannelStatus>? = nil
    ) async throws(StoreError) -> Bool {
        let now = time.now()
        let changed = state.withLock { state -> Channel? in
            guard var channel = state.channels[id], channel.status != status || channel.statusReason != reason,
                from?.contains(channel.status) ?? true
            else { return nil }
            // Never before the one it follows, whatever the clock says: the younger word counts.
            if channel.status != status { channel.statusSince = max(now, channel.statusSince) }
            channel.status = status
            channel.statusReason = reason.map { String($0.prefix(ErrorReason.detailCharactersMax)) }
            state.channels[id] = channel
            statuses.note(channel)
            return channel
        }
        guard let changed else {
            // Whoever asks for what holds already, but could not be stored before, wants it stored.
            if channel(id)?.status == status { try await statuses.write(id) }
            return false
        }
        notify(.channel(changed))
        try await statuses.write(id)
        return true
    }

    /// Sets a status as an operator asks: stored first, so that an order which is refused has left nothing behind; and, where
    /// another process may have changed it, as the store has it and not as it is known here. Otherwise as ``setStatus(_:_:reason:from:)``.
    @discardableResult
    package func order(
        _ id: ChannelID, _ status: ChannelStatus, reason: String?, from: Set<ChannelStatus>? = nil
    ) async throws(StoreError) -> Bool {
        if isShared {
            do { try await refresh() } catch let error as StoreError { throw error } catch {
                // Secrets of some channel that cannot be opened are no reason to leave another as it is.
            }
        }
        guard let known = channel(id), from?.contains(known.status) ?? true else { return false }
        if known.status != status || known.statusReason != reason {
            try await store.updateStatus(id, status, reason: reason, since: max(time.now(), known.statusSince))
        }
        do throws(StoreError) { return try await setStatus(id, status, reason: reason, from: from) } catch {
            // It is stored; what the store missed since then, it hears of later.
            return true
        }
    }

    /// Stores the statuses that could not be stored when they changed.
    package func flushStatuses() async throws(StoreError) { try await statuses.writeAll() }

    package func deleteChannel(_ id: ChannelID) async throws(StoreError) -> Bool {
        let removed = state.withLock { state -> Channel? in
            defer {
                state.channels[id] = nil
                state.changes += 1
            }
            return state.channels[id]
        }
        guard removed != nil else { return false }
        statuses.forget(id)
        notify(.channelRemoved(id))
        return try await store.deleteChannel(id, now: time.now())
    }

    private func seal(_ channel: Channel) throws -> ChannelRecord {
        let secrets: JSONValue = .object([
            "credentials": .object(channel.credentials.exposed),
            "webhook_secret": .optional(channel.webhookSecret?.exposed),
        ])
        let sealed = try secretBox.seal(secrets, context: channel.id.text)
        var bare = channel
        bare.credentials = Secret(JSONObject())
        bare.webhookSecret = nil
        return ChannelRecord(channel: bare, sealedSecrets: sealed)
    }

    private func open(_ record: ChannelRecord) throws -> Channel {
        let secrets = try secretBox.open(record.sealedSecrets, context: record.channel.id.text)
        var channel = record.channel
        channel.credentials = Secret(secrets["credentials"]?.objectValue ?? JSONObject())
        channel.webhookSecret = secrets["webhook_secret"]?.stringValue.map { Secret($0) }
        return channel
    }
}

/// The provider modules this node was put together with.
package struct ProviderRegistry: Sendable {
    private let byName: [String: any Provider]

    package init(_ providers: [any Provider]) {
        byName = Dictionary(uniqueKeysWithValues: providers.map { ($0.name, $0) })
    }

    package subscript(_ name: String) -> (any Provider)? { byName[name] }
    package var names: [String] { byName.keys.sorted() }
}
