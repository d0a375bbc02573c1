#if PostgreSQL
    import Martlet

    extension PostgreSQLStore: ReplayStore {
        package func countDeadLetters(_ filter: DeadLetterFilter, tenant: TenantID, now: Timestamp)
            async throws(StoreError) -> DeadLetterCount
        {
            try await read { session in
                try DeadLetterSelection(filter, tenant: tenant, deadLetteredBy: now).count(session, now: now)
            }
        }

        package func insert(_ job: ReplayJob, runningMax: Int) async throws(StoreError) -> Bool {
            try await write { transaction in
                let session = transaction.session
                // One at a time counts, else two could take the last place.
                try session.send(
                    """
                    SELECT pg_advisory_xact_lock(\(AdvisoryLock.key), \(AdvisoryLock.replays.rawValue))
                    """)
                let running = try session.query(StoredReplay.runningOfTenant, [job.tenantID]).first {
                    $0.next(Int.self)
                }
                guard running ?? 0 < runningMax else { return false }
                try StoredReplay.insert(job, session)
                return true
            }
        }

        package func replayJob(_ id: ReplayID, tenant: TenantID) async throws(StoreError) -> ReplayJob? {
            let job = try await read { session in
                try session.query(StoredReplay.byID, [id]).first { try StoredReplay(&$0).job }
            }
            return job?.tenantID == tenant ? job : nil
        }

        package func cancelReplayJob(_ id: ReplayID, tenant: TenantID, now: Timestamp) async throws(StoreError)
            -> ReplayCancellation
        {
            try await write { transaction in
                let session = transaction.session
                guard
                    var stored = try session.query(StoredReplay.lockByID, [id]).first({ try StoredReplay(&$0) }),
                    stored.job.tenantID == tenant
                else { return .notFound }
                guard stored.job.status == .running else { return .over(stored.job) }
                stored.job.cancel(at: now)
                try stored.save(session)
                return .cancelled(stored.job)
            }
        }

        package func claimReplayJobs(worker: String, now: Timestamp, leaseUntil: Timestamp, takingOver: Bool)
            async throws(StoreError) -> [ReplayJob]
        {
            // Asked for all the time and seldom with any to give: a look costs no write.
            guard try await read({ try $0.query(StoredReplay.anyRunning).count > 0 }) else { return [] }
            let needsLead = options.replaysNeedLead
            return try await write { transaction in
                // The leader need wait for nobody's lease: a step of another worker's is refused from here on.
                if needsLead { try transaction.requireLead(of: worker) }
                try transaction.session.send(StoredReplay.claim, [worker, leaseUntil, takingOver || needsLead, now])
                return try transaction.session.query(StoredReplay.runningOfWorker, [worker]).map {
                    try StoredReplay(&$0).job
                }
            }
        }

        package func deadLetters(of job: ReplayJob, limit: Int) async throws(StoreError) -> [Message] {
            guard limit > 0 else { return [] }
            let rows: [StoredMessage] = try await read { session in
                guard let stored = try session.query(StoredReplay.byID, [job.id]).first({ try StoredReplay(&$0) })
                else {
                    return []
                }
                let selection = DeadLetterSelection(
                    stored.job.filter, tenant: stored.job.tenantID, deadLetteredBy: stored.job.createdAt)
                return try selection.rows(session, after: stored.position, limit: limit)
            }
            return try rows.decoded()
        }

        package func advance(_ step: ReplayStep, now: Timestamp) async throws(StoreError) -> ReplayAdvance? {
            let done: (job: ReplayJob, replayed: [StoredMessage])? = try await write { transaction in
                try transaction.keepChannels()
                return try transaction.advance(step, now: now)
            }
            guard let done else { return nil }
            return ReplayAdvance(job: done.job, replayed: try done.replayed.decoded())
        }
    }

    extension WriteTransaction {
        fileprivate func advance(
            _ step: ReplayStep, now: Timestamp
        ) throws -> (job: ReplayJob, replayed: [StoredMessage])? {
            guard var stored = try session.query(StoredReplay.lockByID, [step.job]).first({ try StoredReplay(&$0) }),
                stored.worker == step.worker, stored.job.isReady(for: step)
            else { return nil }
            let letters = try load(step.items.map(\.message))
            var queued: [(stored: StoredMessage, correction: Correction)] = []
            for item in step.items {
                let letter = letters[item.message]
                if let letter { stored.cursorCreatedAt = letter.message.createdAt }
                guard let correction = stored.job.count(item, of: letter?.message), let letter else { continue }
                queued.append((letter, correction))
            }
            let results = try replay(queued, now: now)
            for (letter, result) in zip(queued, results) {
                stored.job.count(letter.stored.message.id, wasQueued: result != nil)
            }
            stored.job.finish(step, at: now)
            try stored.save(session)
            try session.query(StoredReplay.extendLease, [step.leaseUntil, step.job])
            return (stored.job, results.compactMap(\.self))
        }
    }
#endif
