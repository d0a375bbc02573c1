import GRDB
import Martlet

/// A bulk replay as its row holds it.
struct StoredReplay {
    var job: ReplayJob
    /// Where ``ReplayJob/cursor`` stands in the order of the dead letters.
    var position: DeadLetterSelection.Position?
    var worker: String?

    /// The columns ``init(_:)`` reads.
    private static let columns = """
        id, tenant_id, recipient, provider_message_id, channel_id, since, until, reason, per_second, include_expired,
        wrong_prefix, right_prefix, payload, status, matched, replayed, skipped, failed, last_failure, created_at,
        finished_at, cursor, cursor_created_at, cursor_seq, worker
        """
    static let byID = "SELECT \(columns) FROM replays WHERE id = ?"
    /// The running jobs of one worker.
    static let runningOfWorker = """
        SELECT \(columns) FROM replays INDEXED BY replays_running WHERE status = 'running' AND worker = ?
        """
    static let anyRunning = "SELECT 1 FROM replays INDEXED BY replays_running WHERE status = 'running' LIMIT 1"
    static let runningOfTenant = """
        SELECT count(*) FROM replays INDEXED BY replays_running WHERE status = 'running' AND tenant_id = ?
        """
    static let claim = """
        UPDATE replays INDEXED BY replays_running SET worker = ?1, lease_until = ?2
        WHERE status = 'running' AND (?3 OR worker IS NULL OR worker = ?1 OR lease_until <= ?4)
        """
    private static let insert = """
        INSERT INTO replays (
            id, tenant_id, recipient, provider_message_id, channel_id, since, until, reason, per_second,
            include_expired, wrong_prefix, right_prefix, payload, status, matched, replayed, skipped, failed,
            last_failure, created_at, finished_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    private static let update = """
        UPDATE replays SET status = ?, matched = ?, replayed = ?, skipped = ?, failed = ?, last_failure = ?,
            finished_at = ?, cursor = ?, cursor_created_at = ?, cursor_seq = ?
        WHERE id = ?
        """
    static let extendLease = "UPDATE replays SET lease_until = ? WHERE id = ?"

    /// Reads a row.
    /// - throws: ``StoreError/Code/unusable`` when a column holds what no version has written.
    init(_ row: Row) throws {
        var columns = ColumnReader(row)
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
            of: id, wrongPrefix: columns.nextIfAny(), rightPrefix: columns.nextIfAny(), payload: columns.nextIfAny())
        let status = try columns.next(ReplayJob.Status.self)
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
        let createdAt: Timestamp? = columns.nextIfAny()
        let sequence: Int64? = columns.nextIfAny()
        if let createdAt, let sequence {
            position = DeadLetterSelection.Position(createdAt: createdAt, sequence: sequence)
        }
        worker = columns.nextIfAny()
    }

    /// Adds a job's row.
    static func insert(_ job: ReplayJob, _ database: Database) throws {
        let filter = job.filter
        try database.run(
            insert,
            [
                job.id, job.tenantID, filter.recipient, filter.providerMessageID, filter.channel, filter.since,
                filter.until, filter.reason, job.perSecond, job.includeExpired, job.correction.numberPrefix?.wrong,
                job.correction.numberPrefix?.right, job.correction.payload?.encodedText, job.status.rawValue,
                job.matched, job.replayed, job.skipped, job.failed, job.lastFailure, job.createdAt, job.finishedAt,
            ])
    }

    /// Stores how far the job is.
    func save(_ database: Database) throws {
        try database.run(
            Self.update,
            [
                job.status.rawValue, job.matched, job.replayed, job.skipped, job.failed, job.lastFailure,
                job.finishedAt, job.cursor, position?.createdAt, position?.sequence, job.id,
            ])
    }
}
