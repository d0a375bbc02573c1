import Martlet

extension MemoryState {
    /// A bulk replay and whose it is.
    struct Replay: Sendable {
        var job: ReplayJob
        var worker: String?
        var leaseUntil = Timestamp(microseconds: 0)
    }

    /// The tenant's dead letters that meet a filter and came into the queue by then, oldest first.
    fileprivate func deadLetters(
        _ filter: DeadLetterFilter, tenant: TenantID, by latest: Timestamp, after cursor: MessageID? = nil
    ) -> [Message] {
        (idsByTenant[tenant] ?? []).compactMap { id in
            if let cursor, id <= cursor { return nil }
            guard let message = message(id), let deadLetteredAt = message.deadLetteredAt, deadLetteredAt <= latest,
                filter.matches(message)
            else { return nil }
            return message
        }
    }

    /// Queues a dead letter again. Nil, and nothing changes, when it is none, or when nothing is left to send.
    mutating func replay(_ id: MessageID, _ correction: Correction, now: Timestamp) -> Message? {
        let isErased = rows[id]?.message.payload.content.isEmpty ?? true
        let wasUnknown = (timelines[id] ?? []).contains { $0.kind == .attempt && $0.outcome == "unknown" }
        var isReplayed = false
        let message = change(id, now: now) {
            isReplayed = $0.replay(correction, isErased: isErased, wasUnknown: wasUnknown)
        }
        return isReplayed ? message : nil
    }

    /// Forgets a tenant's bulk replays.
    mutating func forgetReplays(of tenant: TenantID) { replays = replays.filter { $0.value.job.tenantID != tenant } }

    /// Forgets those that have been over for long. Answers how many.
    mutating func purgeReplays(now: Timestamp, limit: Int) -> Int {
        let old = replays.values.map(\.job)
            .filter { $0.finishedAt.map { $0 + MemoryStore.replaysFor < now } ?? false }.map(\.id).sorted()
            .prefix(limit)
        for id in old { replays[id] = nil }
        return old.count
    }
}

extension DeadLetterFilter {
    fileprivate func matches(_ message: Message) -> Bool {
        if let recipient, message.recipient != recipient { return false }
        if let providerMessageID, message.messageID != providerMessageID, message.submissionID != providerMessageID {
            return false
        }
        if let channel, message.channelID != channel { return false }
        if let since, message.createdAt < since { return false }
        if let until, message.createdAt >= until { return false }
        if let reason { return message.errorReason?.hasPrefix(reason) ?? false }
        return true
    }
}

extension MemoryStore: ReplayStore {
    /// How long it can be asked what became of a bulk replay.
    package static let replaysFor: Duration = .seconds(30 * 86_400)

    package func countDeadLetters(
        _ filter: DeadLetterFilter, tenant: TenantID, now: Timestamp
    ) async throws(StoreError) -> DeadLetterCount {
        try await perform(.countDeadLetters) { state in
            let letters = state.deadLetters(filter, tenant: tenant, by: now)
            return DeadLetterCount(
                matched: letters.count,
                expired: letters.count { letter in letter.expiresAt.map { $0 <= now } ?? false })
        }
    }

    package func insert(_ job: ReplayJob, runningMax: Int) async throws(StoreError) -> Bool {
        try await perform(.insertReplay) { state in
            let running = state.replays.values.count { $0.job.tenantID == job.tenantID && $0.job.status == .running }
            guard running < runningMax else { return false }
            state.replays[job.id] = MemoryState.Replay(job: job)
            return true
        }
    }

    package func replayJob(_ id: ReplayID, tenant: TenantID) async throws(StoreError) -> ReplayJob? {
        try await perform(.replayJob) { state in
            guard let job = state.replays[id]?.job, job.tenantID == tenant else { return nil }
            return job
        }
    }

    package func cancelReplayJob(
        _ id: ReplayID, tenant: TenantID, now: Timestamp
    ) async throws(StoreError) -> ReplayCancellation {
        try await perform(.cancelReplay) { state in
            guard var job = state.replays[id]?.job, job.tenantID == tenant else { return .notFound }
            guard job.status == .running else { return .over(job) }
            job.cancel(at: now)
            state.replays[id]?.job = job
            return .cancelled(job)
        }
    }

    package func claimReplayJobs(
        worker: String, now: Timestamp, leaseUntil: Timestamp, takingOver: Bool
    ) async throws(StoreError) -> [ReplayJob] {
        try await perform(.claimReplays) { state in
            var claimed: [ReplayJob] = []
            for (id, replay) in state.replays where replay.job.status == .running {
                guard takingOver || replay.worker == nil || replay.worker == worker || replay.leaseUntil <= now else {
                    continue
                }
                state.replays[id]?.worker = worker
                state.replays[id]?.leaseUntil = leaseUntil
                claimed.append(replay.job)
            }
            return claimed.sorted { $0.id < $1.id }
        }
    }

    package func deadLetters(of job: ReplayJob, limit: Int) async throws(StoreError) -> [Message] {
        try await perform(.deadLettersOfReplay) { state in
            guard let job = state.replays[job.id]?.job else { return [] }
            return Array(
                state.deadLetters(job.filter, tenant: job.tenantID, by: job.createdAt, after: job.cursor)
                    .prefix(limit))
        }
    }

    package func advance(_ step: ReplayStep, now: Timestamp) async throws(StoreError) -> ReplayAdvance? {
        try await perform(.advanceReplay) { state in
            guard var replay = state.replays[step.job], replay.worker == step.worker, replay.job.isReady(for: step)
            else { return nil }
            var replayed: [Message] = []
            for item in step.items {
                guard let correction = replay.job.count(item, of: state.message(item.message)) else { continue }
                let queued = state.replay(item.message, correction, now: now)
                replay.job.count(item.message, wasQueued: queued != nil)
                if let queued { replayed.append(queued) }
            }
            replay.job.finish(step, at: now)
            replay.leaseUntil = step.leaseUntil
            state.replays[step.job] = replay
            return ReplayAdvance(job: replay.job, replayed: replayed)
        }
    }
}
