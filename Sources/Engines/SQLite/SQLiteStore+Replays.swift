import GRDB
import Martlet

extension SQLiteStore: ReplayStore {
    package func countDeadLetters(_ filter: DeadLetterFilter, tenant: TenantID, now: Timestamp)
        async throws(StoreError) -> DeadLetterCount
    {
        try await read { database in
            try DeadLetterSelection(filter, tenant: tenant, deadLetteredBy: now).count(database, now: now)
        }
    }

    package func insert(_ job: ReplayJob, runningMax: Int) async throws(StoreError) -> Bool {
        try await write { transaction in
            let running =
                try transaction.database.first(StoredReplay.runningOfTenant, [job.tenantID]) { $0[0] as Int } ?? 0
            guard running < runningMax else { return false }
            try StoredReplay.insert(job, transaction.database)
            return true
        }
    }

    package func replayJob(_ id: ReplayID, tenant: TenantID) async throws(StoreError) -> ReplayJob? {
        let job = try await read { database in
            try database.first(StoredReplay.byID, [id], StoredReplay.init)?.job
        }
        return job?.tenantID == tenant ? job : nil
    }

    package func cancelReplayJob(_ id: ReplayID, tenant: TenantID, now: Timestamp) async throws(StoreError)
        -> ReplayCancellation
    {
        try await write { transaction in
            guard var stored = try transaction.database.first(StoredReplay.byID, [id], StoredReplay.init),
                stored.job.tenantID == tenant
            else { return .notFound }
            guard stored.job.status == .running else { return .over(stored.job) }
            stored.job.cancel(at: now)
            try stored.save(transaction.database)
            return .cancelled(stored.job)
        }
    }

    package func claimReplayJobs(worker: String, now: Timestamp, leaseUntil: Timestamp, takingOver: Bool)
        async throws(StoreError) -> [ReplayJob]
    {
        // Asked for all the time and seldom with any to give: a look costs no write.
        guard try await read({ try $0.first(StoredReplay.anyRunning) { _ in true } ?? false }) else { return [] }
        return try await write { transaction in
            try transaction.database.run(StoredReplay.claim, [worker, leaseUntil, takingOver, now])
            return try transaction.database.all(StoredReplay.runningOfWorker, [worker]) {
                try StoredReplay($0).job
            }.sorted { $0.id < $1.id }
        }
    }

    package func deadLetters(of job: ReplayJob, limit: Int) async throws(StoreError) -> [Message] {
        guard limit > 0 else { return [] }
        let rows: [StoredMessage] = try await read { database in
            guard let stored = try database.first(StoredReplay.byID, [job.id], StoredReplay.init) else { return [] }
            let selection = DeadLetterSelection(
                stored.job.filter, tenant: stored.job.tenantID, deadLetteredBy: stored.job.createdAt)
            return try selection.rows(database, after: stored.position, limit: limit)
        }
        return try rows.decoded()
    }

    package func advance(_ step: ReplayStep, now: Timestamp) async throws(StoreError) -> ReplayAdvance? {
        let done: (job: ReplayJob, replayed: [StoredMessage])? = try await write(bytes: step.items.count * 1024) {
            try $0.advance(step, now: now)
        }
        guard let done else { return nil }
        return ReplayAdvance(job: done.job, replayed: try done.replayed.decoded())
    }
}

extension WriteTransaction {
    fileprivate func advance(
        _ step: ReplayStep, now: Timestamp
    ) throws -> (job: ReplayJob, replayed: [StoredMessage])? {
        guard var stored = try database.first(StoredReplay.byID, [step.job], StoredReplay.init),
            stored.worker == step.worker, stored.job.isReady(for: step)
        else { return nil }
        var replayed: [StoredMessage] = []
        for item in step.items {
            let letter = try load(item.message)
            if let letter {
                stored.position = DeadLetterSelection.Position(
                    createdAt: letter.message.createdAt, sequence: letter.sequence)
            }
            guard let correction = stored.job.count(item, of: letter?.message), let letter else { continue }
            let queued = try replay(letter, correction, now: now)
            stored.job.count(item.message, wasQueued: queued != nil)
            if let queued { replayed.append(queued) }
        }
        stored.job.finish(step, at: now)
        try stored.save(database)
        try database.run(StoredReplay.extendLease, [step.leaseUntil, step.job])
        return (stored.job, replayed)
    }
}
