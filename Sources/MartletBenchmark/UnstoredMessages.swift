import Martlet

/// Answers a request to send as if it had been stored, and stores nothing; everything else goes to the store.
struct UnstoredMessages: MessageStore {
    let base: any MessageStore

    func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult] {
        batch.map { .accepted($0.message) }
    }

    func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message? {
        try await base.message(id, tenant: tenant)
    }

    func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message> { try await base.messages(query) }

    func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent] { try await base.timeline(id) }

    func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult {
        try await base.cancel(id, tenant: tenant, now: now)
    }

    func replay(
        _ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp
    ) async throws(StoreError) -> ReplayResult {
        try await base.replay(id, tenant: tenant, correction: correction, now: now)
    }

    func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await base.discard(id, tenant: tenant, now: now)
    }

    func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics {
        try await base.statistics(tenant: tenant, now: now)
    }

    func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth { try await base.queueDepth(now: now) }
}
