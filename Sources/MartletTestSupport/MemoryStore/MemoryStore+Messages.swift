import Martlet

extension MemoryStore: MessageStore {
    package func accept(_ batch: [AcceptanceRequest], now: Timestamp) async throws(StoreError) -> [AcceptanceResult] {
        let results = try await perform(.accept) { (state) throws(StoreError) -> [AcceptanceResult] in
            var fresh = Set<MessageID>()
            for id in batch.map(\.message.id) where state.rows[id] != nil || !fresh.insert(id).inserted {
                throw StoreError(.conflict, "there is a message of that id")
            }
            return batch.map { request in
                let message = request.message
                if let claim = request.idempotency {
                    let key = MemoryState.IdempotencyKey(tenant: message.tenantID, key: claim.key)
                    if let seen = state.keysSeen[key], seen.expiresAt > now, let known = state.message(seen.message) {
                        return seen.contentHash == claim.contentHash ? .replayed(known) : .conflict(seen.message)
                    }
                    state.keysSeen[key] = MemoryState.RememberedKey(
                        contentHash: claim.contentHash, message: message.id, expiresAt: claim.expiresAt)
                }
                return .accepted(state.insert(message, now: now))
            }
        }
        if hasFlaw(.writesJobsApart) {
            try await perform(.accept) { state in
                for case .accepted(let message) in results {
                    guard var row = state.rows[message.id], row.job == nil else { continue }
                    row.record.job = MemoryState.firstJob(of: message, now: now)
                    state.put(row, for: message.id)
                }
            }
        }
        return results
    }

    package func message(_ id: MessageID, tenant: TenantID?) async throws(StoreError) -> Message? {
        try await perform(.message) { state in
            guard let message = state.message(id), tenant == nil || message.tenantID == tenant else { return nil }
            return message
        }
    }

    package func messages(_ query: MessageQuery) async throws(StoreError) -> Page<Message> {
        try await perform(.messages) { state in
            var found: [Message] = []
            for id in (state.idsByTenant[query.tenant] ?? []).reversed() {
                if let before = query.before, id >= before { continue }
                guard let message = state.message(id), query.matches(message) else { continue }
                guard found.count < query.limit else { return Page(elements: found, hasMore: true) }
                found.append(message)
            }
            return Page(elements: found, hasMore: false)
        }
    }

    package func timeline(_ id: MessageID) async throws(StoreError) -> [TimelineEvent] {
        try await perform(.timeline) { state in (state.timelines[id] ?? []).inTimeOrder() }
    }

    package func cancel(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> CancelResult {
        try await perform(.cancel) { state in
            guard let row = state.rows[id], row.message.tenantID == tenant else { return .notFound }
            guard row.message.status == .queued, row.job?.state == .waiting,
                let message = state.change(id, now: now, { $0.fail(ErrorReason(.cancelled)) })
            else { return .tooLate(row.message.status) }
            return .cancelled(message)
        }
    }

    package func replay(
        _ id: MessageID, tenant: TenantID, correction: Correction, now: Timestamp
    ) async throws(StoreError) -> ReplayResult {
        try await perform(.replay) { state in
            guard state.rows[id]?.message.tenantID == tenant else { return .notFound }
            let message = state.replay(id, correction, now: now)
            return message.map { .replayed($0) } ?? .notFound
        }
    }

    package func discard(_ id: MessageID, tenant: TenantID, now: Timestamp) async throws(StoreError) -> Bool {
        try await perform(.discard) { state in
            guard let row = state.rows[id], row.message.tenantID == tenant, row.message.deadLetteredAt != nil else {
                return false
            }
            state.change(id, now: now) { $0.discard() }
            return true
        }
    }

    package func statistics(tenant: TenantID, now: Timestamp) async throws(StoreError) -> StoreStatistics {
        try await perform(.statistics) { state in
            let channels = state.channels.values.map(\.channel).filter { $0.tenantID == tenant }.map(\.id).sorted()
            return StoreStatistics(
                counts: Dictionary(
                    uniqueKeysWithValues: MessageStatus.allCases.map { ($0, state.counts[tenant]?[$0] ?? 0) }),
                deadLetters: state.deadLetters[tenant] ?? 0,
                backlogs: channels.map { channel in
                    let lanes = state.lanes[channel] ?? []
                    let oldest = lanes.compactMap(\.first?.at).min()
                    return StoreStatistics.ChannelBacklog(
                        channel: channel, waiting: lanes.reduce(0) { $0 + $1.count },
                        oldestDueAt: oldest.flatMap { $0 <= now ? $0 : nil })
                })
        }
    }

    package func queueDepth(now: Timestamp) async throws(StoreError) -> QueueDepth {
        try await perform(.queueDepth) { state in
            var waiting = Dictionary(uniqueKeysWithValues: Priority.allCases.map { ($0, 0) })
            var oldest: Timestamp?
            for lanes in state.lanes.values {
                for priority in Priority.allCases {
                    let lane = lanes[priority.rawValue]
                    waiting[priority, default: 0] += lane.count
                    if let first = lane.first?.at, first <= now { oldest = min(oldest ?? first, first) }
                }
            }
            return QueueDepth(waiting: waiting, oldestDueAt: oldest)
        }
    }
}

extension MessageQuery {
    fileprivate func matches(_ message: Message) -> Bool {
        if let recipient, message.recipient != recipient { return false }
        if let providerMessageID, message.messageID != providerMessageID, message.submissionID != providerMessageID {
            return false
        }
        if let status, message.status != status { return false }
        if let channel, message.channelID != channel { return false }
        if let since, message.createdAt < since { return false }
        if let until, message.createdAt >= until { return false }
        return !deadLetteredOnly || message.deadLetteredAt != nil
    }
}
