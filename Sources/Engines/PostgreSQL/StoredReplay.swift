#if PostgreSQL
    import Martlet

    /// A bulk replay as its row holds it.
    struct StoredReplay {
        var job: ReplayJob
        /// When ``ReplayJob/cursor`` was created: its place in the order of the dead letters, which the message itself may no
        /// longer be there to tell.
        var cursorCreatedAt: Timestamp?
        var worker: String?

        /// The columns ``init(_:)`` reads.
        private static let columns = """
            id, tenant_id, recipient, provider_message_id, channel_id, since, until, reason, per_second, include_expired,
            wrong_prefix, right_prefix, payload, status, matched, replayed, skipped, failed, last_failure, created_at,
            finished_at, cursor, cursor_created_at, worker
            """
        static let byID = "SELECT \(columns) FROM replays WHERE id = $1"
        static let lockByID = byID + " FOR UPDATE"
        /// The running jobs of one worker.
        static let runningOfWorker = """
            SELECT \(columns) FROM replays WHERE status = 'running' AND worker = $1 ORDER BY id
            """
        static let anyRunning = "SELECT 1 FROM replays WHERE status = 'running' LIMIT 1"
        static let runningOfTenant = "SELECT count(*) FROM replays WHERE status = 'running' AND tenant_id = $1"
        static let claim = """
            UPDATE replays SET worker = $1, lease_until = $2 WHERE id = ANY(ARRAY(
                SELECT id FROM replays
                WHERE status = 'running' AND ($3 OR worker IS NULL OR worker = $1 OR lease_until <= $4)
                ORDER BY id FOR UPDATE SKIP LOCKED))
            """
        private static let insert = """
            INSERT INTO replays (
                id, tenant_id, recipient, provider_message_id, channel_id, since, until, reason, per_second,
                include_expired, wrong_prefix, right_prefix, payload, status, matched, replayed, skipped, failed,
                last_failure, created_at, finished_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
            """
        private static let update = """
            UPDATE replays SET status = $1, matched = $2, replayed = $3, skipped = $4, failed = $5, last_failure = $6,
                finished_at = $7, cursor = $8, cursor_created_at = $9
            WHERE id = $10
            """
        static let extendLease = "UPDATE replays SET lease_until = $1 WHERE id = $2"

        /// Reads a row.
        /// - throws: ``StoreError/Code/unusable`` when a column holds what no version has written.
        init(_ columns: inout ColumnReader) throws {
            let id: ReplayID = columns.next()
            let tenant: TenantID = columns.next()
            var filter = DeadLetterFilter()
            filter.recipient = columns.nextIfAny()
            filter.providerMessageID = columns.nextIfAny()
            filter.channel = columns.nextIfAny()
            filter.since = columns.nextIfAny()
            filter.until = columns.nextIfAny()
            filter.reason = columns.nextIfAny()
            let perSecond: Double = columns.next()
            let includeExpired: Bool = columns.next()
            let correction = try BulkCorrection(
                of: id, wrongPrefix: columns.nextIfAny(), rightPrefix: columns.nextIfAny(), payload: columns.nextIfAny()
            )
            let status = try columns.nextCase(ReplayJob.Status.self)
            let matched: Int = columns.next()
            // The creation time comes later in the row and is set below.
            job = ReplayJob(
                id: id, tenantID: tenant, filter: filter, perSecond: perSecond, includeExpired: includeExpired,
                correction: correction, matched: matched, createdAt: Timestamp(microseconds: 0))
            job.status = status
            job.replayed = columns.next()
            job.skipped = columns.next()
            job.failed = columns.next()
            job.lastFailure = columns.nextIfAny()
            job.createdAt = columns.next()
            job.finishedAt = columns.nextIfAny()
            job.cursor = columns.nextIfAny()
            cursorCreatedAt = columns.nextIfAny()
            worker = columns.nextIfAny()
        }

        /// Where the walk through the dead letters goes on.
        var position: DeadLetterSelection.Position? {
            guard let cursor = job.cursor, let cursorCreatedAt else { return nil }
            return DeadLetterSelection.Position(createdAt: cursorCreatedAt, id: cursor)
        }

        /// Adds a job's row.
        static func insert(_ job: ReplayJob, _ session: Session) throws {
            let filter = job.filter
            try session.query(
                insert,
                [
                    job.id, job.tenantID, filter.recipient, filter.providerMessageID, filter.channel, filter.since,
                    filter.until, filter.reason, job.perSecond, job.includeExpired, job.correction.numberPrefix?.wrong,
                    job.correction.numberPrefix?.right, job.correction.payload?.encodedText, job.status.rawValue,
                    job.matched, job.replayed, job.skipped, job.failed, job.lastFailure, job.createdAt, job.finishedAt,
                ])
        }

        /// Stores how far the job is.
        func save(_ session: Session) throws {
            try session.query(
                Self.update,
                [
                    job.status.rawValue, job.matched, job.replayed, job.skipped, job.failed, job.lastFailure,
                    job.finishedAt, job.cursor, cursorCreatedAt, job.id,
                ])
        }
    }
#endif
