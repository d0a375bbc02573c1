import Martlet

/// A store and inbox that hands every call on to another one, but for those that a conforming type does itself.
protocol ForwardingStore: MessageStore, DispatchQueue, ReconciliationStore, DirectoryStore, Maintenance, ReplayStore,
    Inbox
{
    var base: any Store & Inbox { get }
}

extension ForwardingStore {
    package func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult] {
        try await base.accept(batch, now: now)
    }
    package func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message? {
        try await base.message(id, tenant: tenant)
    }
    package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message> {
        try await base.messages(query)
    }
    package func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent] { try await base.timeline(id) }
    package func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult {
        try await base.cancel(id, tenant: tenant, now: now)
    }
    package func replay(
        _ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp
    ) async throws(StoreError) -> ReplayResult {
        try await base.replay(id, tenant: tenant, correction: correction, now: now)
    }
    package func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await base.discard(id, tenant: tenant, now: now)
    }
    package func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics {
        try await base.statistics(tenant: tenant, now: now)
    }
    package func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth {
        try await base.queueDepth(now: now)
    }

    package func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] { try await base.nextDue() }
    package func claim(
        _ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        try await base.claim(requests, worker: worker, now: now, leaseUntil: leaseUntil)
    }
    package func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
        try await base.settle(batch, now: now)
    }
    package func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
        try await base.renewLeases(worker: worker, until: until)
    }
    package func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        try await base.recoverLeases(
            now: now, worker: worker, includingUnexpired: includingUnexpired, decideAt: decideAt, limit: limit)
    }
    package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        try await base.expire(now: now, limit: limit)
    }
    package func claimHistory(
        channel: ChannelID, since: Timestamp, limit: Int
    ) async throws(StoreError) -> [Timestamp] {
        try await base.claimHistory(channel: channel, since: since, limit: limit)
    }

    package func apply(_ acknowledgements: [Acknowledgement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await base.apply(acknowledgements, now: now)
    }
    package func claimLookUps(
        limit: Int, perChannel: Int, except: Set<ChannelID>, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [LookUp] {
        try await base.claimLookUps(
            limit: limit, perChannel: perChannel, except: except, now: now, leaseUntil: leaseUntil)
    }
    package func settleLookUps(_ batch: [LookUpSettlement], now: Timestamp) async throws(StoreError) -> [Message] {
        try await base.settleLookUps(batch, now: now)
    }
    package func nextReconciliation() async throws(StoreError) -> (lookUpAt: Timestamp?, decideAt: Timestamp?) {
        try await base.nextReconciliation()
    }
    package func undecided(now: Timestamp, limit: Int) async throws(StoreError) -> [Undecided] {
        try await base.undecided(now: now, limit: limit)
    }
    package func decide(_ decisions: [Decision], now: Timestamp) async throws(StoreError) -> [Message] {
        try await base.decide(decisions, now: now)
    }

    package func insert(_ tenant: Tenant) async throws(StoreError) { try await base.insert(tenant) }
    package func tenants() async throws(StoreError) -> [Tenant] { try await base.tenants() }
    package func update(_ tenant: Tenant) async throws(StoreError) -> Bool { try await base.update(tenant) }
    package func deleteTenant(_ id: TenantID) async throws(StoreError) -> Bool { try await base.deleteTenant(id) }
    package func insert(_ key: APIKey, hash: [UInt8]) async throws(StoreError) {
        try await base.insert(key, hash: hash)
    }
    package func key(hash: [UInt8]) async throws(StoreError) -> APIKey? { try await base.key(hash: hash) }
    package func keys(tenant: TenantID) async throws(StoreError) -> [APIKey] { try await base.keys(tenant: tenant) }
    package func revokeKey(_ id: KeyID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await base.revokeKey(id, tenant: tenant, now: now)
    }
    package func touchKeys(_ usedAt: [KeyID: Timestamp]) async throws(StoreError) { try await base.touchKeys(usedAt) }
    package func insert(_ channel: ChannelRecord) async throws(StoreError) { try await base.insert(channel) }
    package func channels() async throws(StoreError) -> [ChannelRecord] { try await base.channels() }
    package func update(_ channel: ChannelRecord) async throws(StoreError) -> Bool { try await base.update(channel) }
    package func updateStatus(
        _ id: ChannelID, _ status: ChannelStatus, reason: String?, since: Timestamp
    ) async throws(StoreError) {
        try await base.updateStatus(id, status, reason: reason, since: since)
    }
    package func deleteChannel(_ id: ChannelID, now: Timestamp) async throws(StoreError) -> Bool {
        try await base.deleteChannel(id, now: now)
    }

    package func purge(now: Timestamp, keepingClaimsFor: Duration, limit: Int) async throws(StoreError) -> Int {
        try await base.purge(now: now, keepingClaimsFor: keepingClaimsFor, limit: limit)
    }
    package func removeFinal(createdBefore: Timestamp, limit: Int) async throws(StoreError) -> Int {
        try await base.removeFinal(createdBefore: createdBefore, limit: limit)
    }
    package func check() async throws(StoreError) { try await base.check() }
    package func setting(_ name: String) async throws(StoreError) -> [UInt8]? { try await base.setting(name) }
    package func setSettingOnce(_ name: String, _ value: [UInt8]) async throws(StoreError) -> [UInt8] {
        try await base.setSettingOnce(name, value)
    }

    package func append(_ batch: [InboxEntry]) async throws(StoreError) { try await base.append(batch) }
    package func lease(limit: Int, now: Timestamp, until: Timestamp) async throws(StoreError) -> [LeasedInboxEntry] {
        try await base.lease(limit: limit, now: now, until: until)
    }
    package func complete(_ sequences: [Int64]) async throws(StoreError) { try await base.complete(sequences) }
    package func setAside(_ entries: [(sequence: Int64, reason: String)], now: Timestamp) async throws(StoreError) {
        try await base.setAside(entries, now: now)
    }
    package func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        try await base.depth()
    }
}

extension ForwardingStore {
    package func countDeadLetters(
        _ filter: DeadLetterFilter, tenant: TenantID, now: Timestamp
    ) async throws(StoreError) -> DeadLetterCount {
        try await base.countDeadLetters(filter, tenant: tenant, now: now)
    }
    package func insert(_ job: ReplayJob, runningMax: Int) async throws(StoreError) -> Bool {
        try await base.insert(job, runningMax: runningMax)
    }
    package func replayJob(_ id: ReplayID, tenant: TenantID) async throws(StoreError) -> ReplayJob? {
        try await base.replayJob(id, tenant: tenant)
    }
    package func cancelReplayJob(
        _ id: ReplayID, tenant: TenantID, now: Timestamp
    ) async throws(StoreError) -> ReplayCancellation {
        try await base.cancelReplayJob(id, tenant: tenant, now: now)
    }
    package func claimReplayJobs(
        worker: String, now: Timestamp, leaseUntil: Timestamp, takingOver: Bool
    ) async throws(StoreError) -> [ReplayJob] {
        try await base.claimReplayJobs(worker: worker, now: now, leaseUntil: leaseUntil, takingOver: takingOver)
    }
    package func deadLetters(of job: ReplayJob, limit: Int) async throws(StoreError) -> [Message] {
        try await base.deadLetters(of: job, limit: limit)
    }
    package func advance(_ step: ReplayStep, now: Timestamp) async throws(StoreError) -> ReplayAdvance? {
        try await base.advance(step, now: now)
    }
}
