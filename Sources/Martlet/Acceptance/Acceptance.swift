/// Why a request to send was not taken. Nothing is stored.
package enum AcceptanceError: Error, Sendable {
    case invalid([FieldError])
    case store(StoreError)
}

/// Takes requests to send: checks them against the tenant's channels, stores them durably, and wakes the dispatcher.
package final class Acceptance: Sendable {
    private let directory: Directory
    private let time: any TimeSource
    private let identifiers: IdentifierGenerator
    private let idempotencyWindow: Duration
    private let commits: GroupCommit<AcceptanceRequest, AcceptanceResult>
    private let feed: StatusFeed
    private let metrics: PipelineMetrics
    private let wake: @Sendable (ChannelID, Timestamp) -> Void

    /// - Parameters:
    ///   - idempotencyWindow: how long a key is remembered.
    ///   - wake: called after the commit with the channel and the due time of what was accepted.
    package init(
        store: any MessageStore, directory: Directory, time: any TimeSource, identifiers: IdentifierGenerator,
        idempotencyWindow: Duration, feed: StatusFeed, metrics: PipelineMetrics,
        wake: @escaping @Sendable (ChannelID, Timestamp) -> Void
    ) {
        self.directory = directory
        self.time = time
        self.identifiers = identifiers
        self.idempotencyWindow = idempotencyWindow
        self.feed = feed
        self.metrics = metrics
        self.wake = wake
        commits = GroupCommit { (batch: [AcceptanceRequest]) async throws(StoreError) in
            try await store.accept(batch, now: time.now())
        }
    }

    /// Accepts one request. On return it is on disk.
    package func accept(_ draft: MessageDraft, tenant: TenantID) async throws(AcceptanceError) -> AcceptanceResult {
        let request: AcceptanceRequest
        do throws(StoreError) { try await makeChannelsKnown([draft], tenant: tenant) } catch { throw .store(error) }
        switch prepare(draft, tenant: tenant, pointer: "") {
        case .success(let prepared): request = prepared
        case .failure(let failure): throw .invalid(failure.errors)
        }
        let result: AcceptanceResult
        do throws(StoreError) { result = try await commits.submit(request) } catch { throw .store(error) }
        announce([result])
        return result
    }

    /// Accepts several, each standing alone; the valid ones are stored in one transaction.
    package func accept(
        _ drafts: [Result<MessageDraft, FieldErrors>], tenant: TenantID
    ) async throws(StoreError) -> [Result<AcceptanceResult, FieldErrors>] {
        try await makeChannelsKnown(drafts.compactMap { try? $0.get() }, tenant: tenant)
        let prepared = drafts.map { draft in
            draft.flatMap { prepare($0, tenant: tenant, pointer: "") }
        }
        let stored = try await commits.submit(contentsOf: prepared.compactMap { try? $0.get() })
        announce(stored)
        var next = stored.makeIterator()
        return prepared.map { entry in
            entry.map { _ in
                guard let result = next.next() else { preconditionFailure("each stored request has a result") }
                return result
            }
        }
    }

    /// A channel that is not known here may be one that another process has just made.
    /// - throws: when the store cannot be asked: nobody can say that there is no such channel then.
    private func makeChannelsKnown(_ drafts: [MessageDraft], tenant: TenantID) async throws(StoreError) {
        let isMissing = Set(drafts.map(\.channel)).contains { name in
            if case .failure = directory.resolveChannel(named: name, tenant: tenant) { true } else { false }
        }
        guard isMissing, directory.isShared, !(await directory.lookAgain()) else { return }
        throw StoreError(.unavailable, "the channels cannot be read")
    }

    private func prepare(
        _ draft: MessageDraft, tenant: TenantID, pointer: String
    ) -> Result<AcceptanceRequest, FieldErrors> {
        let channel: Channel
        switch directory.resolveChannel(named: draft.channel, tenant: tenant) {
        case .success(let resolved): channel = resolved
        case .failure(let error): return .failure(FieldErrors([error]))
        }
        guard let provider = directory.providers[channel.provider] else {
            return .failure(
                FieldErrors([FieldError("/channel", "its provider \(channel.provider) is not part of this build")]))
        }
        let refusals = provider.validate(draft.payload)
        guard refusals.isEmpty else { return .failure(FieldErrors(refusals)) }
        let now = time.now()
        var message = Message(
            id: identifiers.next(), tenantID: tenant, channelID: channel.id, recipient: draft.recipient,
            payload: draft.payload, createdAt: now)
        message.priority = draft.priority
        message.sendAt = draft.sendAt
        message.expiresAt = draft.expiry?.moment(from: now)
        message.onUnknown = draft.onUnknown
        message.redact = draft.redact
        message.idempotencyKey = draft.visibleKey(tenant: tenant)
        message.event = draft.event
        message.metadata = draft.metadata
        message.job = JobSnapshot(
            state: .waiting, dueAt: max(now, draft.sendAt ?? now), condition: nil, since: now)
        return .success(
            AcceptanceRequest(
                message: message,
                idempotency: draft.idempotencyClaim(tenant: tenant, now: now, window: idempotencyWindow)))
    }

    private func announce(_ results: [AcceptanceResult]) {
        for result in results {
            guard case .accepted(let message) = result else { continue }
            metrics.accepted()
            feed.publish(CollectionOfOne(message))
            wake(message.channelID, message.job?.dueAt ?? message.createdAt)
        }
    }
}
