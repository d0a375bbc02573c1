/// Statements that more than one call uses, or that belong together.
enum Statements {
    // MARK: Log and timeline

    static let insertMessage = """
        INSERT INTO communications_log (
            id, tenant_id, channel_id, recipient, type, payload, status, duplicate_risk, priority, send_at, expires_at,
            on_unknown, redact, idempotency_key, event, metadata, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let insertEvent = """
        INSERT INTO events (message, number, kind, at, attempt, outcome, http_status, duration_ms, error, detail)
        VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM events WHERE message = ?), ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let timeline = """
        SELECT e.number, e.kind, e.at, e.attempt, e.outcome, e.http_status, e.duration_ms, e.error, e.detail, l.seq
        FROM communications_log l JOIN events e ON e.message = l.seq WHERE l.id = ? ORDER BY e.number
        """
    static let unknownAttempt =
        "SELECT 1 FROM events WHERE message = ? AND kind = 'attempt' AND outcome = 'unknown' LIMIT 1"
    static let deleteEvents = "DELETE FROM events WHERE message = ?"
    static let deleteMessage = "DELETE FROM communications_log WHERE seq = ?"
    static let deletedChannel = "SELECT 1 FROM deleted_channels WHERE id = ?"

    // MARK: Jobs

    static let insertJob = """
        INSERT INTO jobs (message, channel_id, recipient, priority, state, due_at, expires_at, token, since)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    static let updateJob = """
        UPDATE jobs SET state = ?, due_at = ?, token = ?, worker = ?, lease_until = ?, condition = ?, since = ?,
            attempt_started_at = ?, is_held = ?
        WHERE message = ?
        """
    static let deleteJob = "DELETE FROM jobs WHERE message = ?"

    /// The jobs of one channel and priority that are due, the longest due first; those due at once by age.
    static let dueJobs = """
        SELECT \(StoredMessage.columns)
        FROM jobs j INDEXED BY jobs_waiting CROSS JOIN communications_log l ON l.seq = j.message
        WHERE j.state = 0 AND j.channel_id = ? AND j.priority = ? AND j.due_at <= ?
        ORDER BY j.due_at, j.message LIMIT ?
        """
    /// When a channel's first waiting job is due: three seeks, one a priority.
    static let channelDue = "SELECT \(firstDue(of: "?1"))"
    /// The same for every channel that has waiting jobs, found by hopping along the index from channel to channel.
    static let allDue = """
        WITH RECURSIVE channel (id) AS (
            SELECT (SELECT channel_id FROM jobs INDEXED BY jobs_waiting WHERE state = 0 AND channel_id > ''
                ORDER BY channel_id LIMIT 1)
            UNION ALL
            SELECT (SELECT j.channel_id FROM jobs j INDEXED BY jobs_waiting
                WHERE j.state = 0 AND j.channel_id > channel.id ORDER BY j.channel_id LIMIT 1)
            FROM channel WHERE channel.id IS NOT NULL)
        SELECT id, \(firstDue(of: "channel.id")) FROM channel WHERE id IS NOT NULL
        """

    private static func firstDue(of channel: String) -> String {
        let ofEachPriority = (0...2).map { priority in
            """
            SELECT * FROM (SELECT due_at FROM jobs INDEXED BY jobs_waiting
                WHERE state = 0 AND channel_id = \(channel) AND priority = \(priority) ORDER BY due_at LIMIT 1)
            """
        }
        return "(SELECT min(due_at) FROM (\(ofEachPriority.joined(separator: " UNION ALL "))))"
    }

    static let expiredJobs = """
        SELECT \(StoredMessage.columns)
        FROM jobs j INDEXED BY jobs_expiring CROSS JOIN communications_log l ON l.seq = j.message
        WHERE j.state = 0 AND j.expires_at IS NOT NULL AND j.expires_at <= ?
        ORDER BY j.expires_at, j.message LIMIT ?
        """
    static let renewLeases = "UPDATE jobs SET lease_until = ? WHERE state = 1 AND worker = ?"
    /// The first worker after that one that has claims.
    static let nextWorker = """
        SELECT worker FROM jobs INDEXED BY jobs_claimed WHERE state = 1 AND worker > ? ORDER BY worker LIMIT 1
        """
    static let claimedJobs = """
        SELECT \(StoredMessage.columns)
        FROM jobs j INDEXED BY jobs_claimed CROSS JOIN communications_log l ON l.seq = j.message
        WHERE j.state = 1 AND j.worker = ? AND j.lease_until <= ?
        ORDER BY j.lease_until, j.message LIMIT ?
        """
    static let waitingJobs = """
        SELECT \(StoredMessage.columns)
        FROM jobs j INDEXED BY jobs_waiting CROSS JOIN communications_log l ON l.seq = j.message
        WHERE j.state = 0 AND j.channel_id = ? LIMIT ?
        """
    static let undecidedJobs = """
        SELECT \(StoredMessage.columns)
        FROM jobs j INDEXED BY jobs_unknown CROSS JOIN communications_log l ON l.seq = j.message
        WHERE j.state = 2 AND j.due_at <= ?
        ORDER BY j.due_at, j.message LIMIT ?
        """
    static let firstDecision = "SELECT min(due_at) FROM jobs INDEXED BY jobs_unknown WHERE state = 2"

    // MARK: Rates

    static let recordClaims = """
        INSERT INTO claim_history (channel_id, claimed_at, count) VALUES (?, ?, ?)
        ON CONFLICT (channel_id, claimed_at) DO UPDATE SET count = count + excluded.count
        """
    static let claimHistory = """
        SELECT claimed_at, count FROM claim_history WHERE channel_id = ? AND claimed_at >= ?
        ORDER BY claimed_at DESC
        """
    static let lastClaim = "SELECT claimed_at FROM recipient_pace WHERE channel_id = ? AND recipient = ?"
    static let setLastClaim = """
        INSERT INTO recipient_pace (channel_id, recipient, claimed_at) VALUES (?, ?, ?)
        ON CONFLICT (channel_id, recipient) DO UPDATE SET claimed_at = excluded.claimed_at
        """
    /// The last slot of those that wait for a recipient's pace.
    static let lastSlot = """
        SELECT max(due_at) FROM jobs INDEXED BY jobs_paced
        WHERE state = 0 AND condition = 'held: recipient pace' AND channel_id = ? AND recipient = ? AND priority = ?
        """

    // MARK: Look-ups and acknowledgements

    static let scheduleLookUp = """
        INSERT OR REPLACE INTO lookups (message, channel_id, purpose, due_at, tries, attempt_started_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """
    static let deleteLookUp = "DELETE FROM lookups WHERE message = ?"
    /// Another message of the channel that the provider knows by that submission id.
    static let otherOfSubmission =
        "SELECT 1 FROM communications_log INDEXED BY log_submission_id WHERE submission_id = ?2 AND channel_id = ?1 AND seq <> ?3 LIMIT 1"
    static let lookUp = "SELECT purpose, tries, attempt_started_at FROM lookups WHERE message = ?"
    /// When each channel's first look-up is due.
    static let lookUpsDue = """
        WITH RECURSIVE channel (id) AS (
            SELECT (SELECT channel_id FROM lookups WHERE channel_id > '' ORDER BY channel_id LIMIT 1)
            UNION ALL
            SELECT (SELECT u.channel_id FROM lookups u WHERE u.channel_id > channel.id ORDER BY u.channel_id LIMIT 1)
            FROM channel WHERE channel.id IS NOT NULL)
        SELECT id, (SELECT due_at FROM lookups WHERE channel_id = channel.id ORDER BY due_at LIMIT 1)
        FROM channel WHERE id IS NOT NULL
        """
    static let dueLookUps = """
        SELECT \(StoredMessage.columns), u.purpose, u.tries, u.attempt_started_at
        FROM lookups u INDEXED BY lookups_due CROSS JOIN communications_log l ON l.seq = u.message
            LEFT JOIN jobs j ON j.message = l.seq
        WHERE u.channel_id = ? AND u.due_at <= ?
        ORDER BY u.due_at, u.message LIMIT ?
        """
    static let leaseLookUp = "UPDATE lookups SET due_at = ?, tries = tries + 1 WHERE message = ?"

    /// By the id webhooks use; the newest, should a provider have used one twice.
    static let byMessageID = """
        SELECT \(StoredMessage.columns)
        FROM communications_log l INDEXED BY log_message_id LEFT JOIN jobs j ON j.message = l.seq
        WHERE l.message_id = ? AND l.channel_id = ? ORDER BY l.seq DESC LIMIT 1
        """
    static let park = """
        INSERT INTO parked_acknowledgements (
            channel_id, message_id, level, at, detail, echo_recipient, echo_hash, parked_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (channel_id, message_id, level) DO UPDATE
        SET echo_recipient = coalesce(echo_recipient, excluded.echo_recipient),
            echo_hash = coalesce(echo_hash, excluded.echo_hash)
        """
    static let parked = """
        SELECT level, at, detail FROM parked_acknowledgements
        WHERE channel_id = ? AND message_id = ? AND parked_at >= ? ORDER BY level = 0, level, seq
        """
    static let deleteParked = "DELETE FROM parked_acknowledgements WHERE channel_id = ? AND message_id = ?"
    /// Echoes of a recipient and text, neither come nor told to have been before that time: one that was told late, or once
    /// more, is of an earlier send.
    static let fittingEchoes = """
        SELECT message_id FROM parked_acknowledgements INDEXED BY parked_echoes
        WHERE channel_id = ?1 AND echo_recipient IS NOT NULL AND echo_recipient = ?2 AND echo_hash = ?3
            AND parked_at >= ?4
        GROUP BY message_id HAVING min(at) >= ?4 LIMIT 2
        """
    /// Messages to a recipient that have no id and of which one may have been sent, newest first. One that is final may be
    /// without an id for good: a look-up told how it ended, or nobody ever knew.
    static let unboundMessages = """
        SELECT \(StoredMessage.columns)
        FROM communications_log l INDEXED BY log_recipient LEFT JOIN jobs j ON j.message = l.seq
        WHERE l.recipient = ? AND l.tenant_id = ? AND l.channel_id = ? AND l.message_id IS NULL
            AND (l.status IN ('sent', 'delivered', 'read') OR (l.status = 'failed' AND l.attempts > 0)
                OR (l.status = 'queued' AND (j.state <> 0 OR l.duplicate_risk)))
        ORDER BY l.created_at DESC LIMIT ?
        """

    // MARK: Counters

    static let count = """
        INSERT INTO counters (tenant_id, channel_id, name, value) VALUES (?, ?, ?, ?)
        ON CONFLICT (tenant_id, channel_id, name) DO UPDATE SET value = value + excluded.value
        """
    static let counter = "SELECT value FROM counters WHERE tenant_id = ? AND channel_id = ? AND name = ?"
    static let tenantCounters = "SELECT channel_id, name, value FROM counters WHERE tenant_id = ?"
}
