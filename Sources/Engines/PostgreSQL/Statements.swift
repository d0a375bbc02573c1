#if PostgreSQL
    /// Statements that more than one call uses, or that belong together. Batches come as arrays, one a column.
    enum Statements {
        // MARK: Log and timeline

        static let lockMessages = """
            SELECT \(StoredMessage.logColumns) FROM communications_log l WHERE l.id = ANY($1::text[]) ORDER BY l.id
            FOR UPDATE
            """
        static let readMessages = """
            SELECT \(StoredMessage.logColumns) FROM communications_log l WHERE l.id = ANY($1::text[])
            """
        static let insertMessages = """
            INSERT INTO communications_log (
                id, tenant_id, channel_id, recipient, type, payload, status, error_reason, dead_lettered_at,
                duplicate_risk, priority, send_at, expires_at, on_unknown, redact, idempotency_key, event, metadata,
                created_at, updated_at, failed_at, claim_token)
            SELECT * FROM unnest(
                $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::bigint[], $10::boolean[], $11::bigint[], $12::bigint[], $13::bigint[], $14::text[], $15::boolean[],
                $16::text[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[])
            """
        static let updateMessages = """
            UPDATE communications_log l SET recipient = u.recipient, type = u.type,
                payload = coalesce(u.payload, l.payload), status = u.status, message_id = u.message_id,
                submission_id = u.submission_id, attempts = u.attempts, error_reason = u.error_reason,
                dead_lettered_at = u.dead_lettered_at, duplicate_risk = u.duplicate_risk, expires_at = u.expires_at,
                updated_at = u.updated_at, sent_at = u.sent_at, acknowledged_at = u.acknowledged_at,
                delivered_at = u.delivered_at, read_at = u.read_at, failed_at = u.failed_at, claim_token = u.claim_token
            FROM unnest(
                $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[],
                $9::text[], $10::bigint[], $11::boolean[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[],
                $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])
                AS u (id, recipient, type, payload, status, message_id, submission_id, attempts, error_reason,
                    dead_lettered_at, duplicate_risk, expires_at, updated_at, sent_at, acknowledged_at, delivered_at,
                    read_at, failed_at, claim_token)
            WHERE l.id = u.id COLLATE "C"
            """
        static let insertEvents = """
            INSERT INTO events (message, number, kind, at, attempt, outcome, http_status, duration_ms, error, detail)
            SELECT message, nextval('event_numbers'), kind, at, attempt, outcome, http_status, duration_ms, error, detail
            FROM unnest(
                $1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::text[],
                $9::text[]) AS u (message, kind, at, attempt, outcome, http_status, duration_ms, error, detail)
            """
        static let timeline = """
            SELECT number, kind, at, attempt, outcome, http_status, duration_ms, error, detail FROM events
            WHERE message = $1 ORDER BY number
            """
        static let unknownAttempts = """
            SELECT DISTINCT message FROM events
            WHERE message = ANY($1::text[]) AND kind = 'attempt' AND outcome = 'unknown'
            """
        static let deletedChannels = "SELECT id FROM deleted_channels WHERE id = ANY($1::text[])"

        // MARK: Jobs

        static let lockJobs = """
            SELECT j.message, \(StoredMessage.jobColumns) FROM jobs j WHERE j.message = ANY($1::text[]) ORDER BY j.message
            FOR UPDATE
            """
        static let insertJobs = """
            INSERT INTO jobs (
                message, state, due_at, token, worker, lease_until, condition, since, attempt_started_at, is_held,
                channel_id, recipient, priority, expires_at)
            SELECT * FROM unnest(
                $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[],
                $8::bigint[], $9::bigint[], $10::boolean[], $11::text[], $12::text[], $13::bigint[], $14::bigint[])
            """
        static let updateJobs = """
            UPDATE jobs j SET state = u.state, due_at = u.due_at, token = u.token, worker = u.worker,
                lease_until = u.lease_until, condition = u.condition, since = u.since,
                attempt_started_at = u.attempt_started_at, is_held = u.is_held
            FROM unnest(
                $1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[],
                $8::bigint[], $9::bigint[], $10::boolean[])
                AS u (message, state, due_at, token, worker, lease_until, condition, since, attempt_started_at, is_held)
            WHERE j.message = u.message COLLATE "C"
            """
        static let deleteJobs = "DELETE FROM jobs WHERE message = ANY($1::text[])"

        /// The jobs of one channel that are due and that nobody holds: by priority, then the longest due first, those due at
        /// once by age. What another transaction holds is passed over.
        static let dueJobs: String = {
            let high = dueJobs(priority: 0, limit: "$3")
            let normal = dueJobs(priority: 1, limit: "$3 - (SELECT count(*) FROM high)")
            let low = dueJobs(
                priority: 2, limit: "$3 - (SELECT count(*) FROM high) - (SELECT count(*) FROM normal)")
            return """
                WITH high AS MATERIALIZED (\(high)), normal AS MATERIALIZED (\(normal)), low AS MATERIALIZED (\(low))
                SELECT * FROM high UNION ALL SELECT * FROM normal UNION ALL SELECT * FROM low
                """
        }()

        private static func dueJobs(priority: Int, limit: String) -> String {
            """
            SELECT j.message, \(StoredMessage.jobColumns) FROM jobs j
            WHERE j.state = 0 AND j.channel_id = $1 AND j.priority = \(priority) AND j.due_at <= $2
            ORDER BY j.due_at, j.message LIMIT \(limit) FOR UPDATE SKIP LOCKED
            """
        }

        /// Jobs among certain messages of a channel that are due. Each is sought by its key: a look through the channel's waiting
        /// jobs would cost as much as there are.
        static let dueJobsAmong = """
            SELECT j.message, \(StoredMessage.jobColumns) FROM unnest($4::text[]) AS u (message)
            CROSS JOIN LATERAL (SELECT * FROM jobs WHERE message = u.message FOR UPDATE SKIP LOCKED) AS j
            WHERE j.state = 0 AND j.channel_id = $1 AND j.due_at <= $2
            ORDER BY j.priority, j.due_at, j.message LIMIT $3
            """

        /// The first entries of the outbox, with some of those that came last, so that nobody waits behind all that a neighbour
        /// left there; and whether their jobs still wait as it says, each sought by its key.
        static let outbox = """
            SELECT o.number, o.kind, o.message, o.channel_id, o.priority, o.due_at, o.reason, j.message IS NOT NULL
            FROM (
                (SELECT * FROM outbox WHERE due_at <= $1 ORDER BY due_at, number LIMIT $2::bigint - $2::bigint / 8)
                UNION
                (SELECT * FROM outbox WHERE due_at <= $3 ORDER BY due_at DESC, number DESC LIMIT $2::bigint / 8)
            ) AS o
            LEFT JOIN LATERAL (
                SELECT message FROM jobs
                WHERE message = o.message AND state = 0 AND channel_id = o.channel_id AND priority = o.priority
                    AND due_at = o.due_at LIMIT 1
            ) AS j ON true
            ORDER BY o.due_at, o.number
            """
        static let insertOutbox = """
            INSERT INTO outbox (kind, message, channel_id, priority, due_at, reason)
            SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[])
            """

        /// Rows of the log that nobody holds.
        static let lockFreeMessages = """
            SELECT l.id FROM communications_log l WHERE l.id = ANY($1::text[]) FOR UPDATE SKIP LOCKED
            """
        /// When a channel's first waiting job is due: three seeks, one a priority.
        static let channelDue = "SELECT \(firstDue(of: "$1"))"
        /// The same for every channel that has waiting jobs, found by hopping along the index from channel to channel.
        static let allDue = """
            WITH RECURSIVE channel (id) AS (
                (SELECT channel_id FROM jobs WHERE state = 0 ORDER BY channel_id LIMIT 1)
                UNION ALL
                SELECT (SELECT j.channel_id FROM jobs j WHERE j.state = 0 AND j.channel_id > channel.id
                    ORDER BY j.channel_id LIMIT 1)
                FROM channel WHERE channel.id IS NOT NULL)
            SELECT id, \(firstDue(of: "channel.id")) FROM channel WHERE id IS NOT NULL
            """

        private static func firstDue(of channel: String) -> String {
            let ofEachPriority = (0...2).map { priority in
                """
                (SELECT due_at FROM jobs
                    WHERE state = 0 AND channel_id = \(channel) AND priority = \(priority) ORDER BY due_at LIMIT 1)
                """
            }
            return "least(\(ofEachPriority.joined(separator: ", ")))"
        }

        static let expiredJobs = """
            SELECT message FROM jobs WHERE state = 0 AND expires_at IS NOT NULL AND expires_at <= $1
            ORDER BY expires_at, message LIMIT $2
            """
        /// What is being settled right now needs no longer lease; waiting for it could be waiting in a circle.
        static let renewLeases = """
            UPDATE jobs SET lease_until = $1 WHERE message = ANY(ARRAY(
                SELECT message FROM jobs WHERE state = 1 AND lease_until IS NOT NULL AND worker = $2
                FOR UPDATE SKIP LOCKED))
            """
        static let lostJobs = """
            SELECT message FROM jobs WHERE state = 1 AND lease_until <= $1 AND worker <> $2
            ORDER BY lease_until, message LIMIT $3
            """
        /// What a worker claimed in one call.
        static let claimsOfMoment = """
            SELECT message FROM jobs WHERE state = 1 AND worker = $1 AND attempt_started_at = $2 AND lease_until IS NOT NULL
            """
        static let waitingJobs = "SELECT message FROM jobs WHERE state = 0 AND channel_id = $1 LIMIT $2"
        static let undecidedJobs = """
            SELECT \(StoredMessage.columns) FROM jobs j JOIN communications_log l ON l.id = j.message
            WHERE j.state = 2 AND j.due_at <= $1
            ORDER BY j.due_at, j.message LIMIT $2
            """
        static let firstDecision = "SELECT due_at FROM jobs WHERE state = 2 ORDER BY due_at LIMIT 1"

        // MARK: Rates

        static let recordClaims = """
            INSERT INTO claim_history AS h (channel_id, claimed_at, count)
            SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]) ORDER BY 1
            ON CONFLICT (channel_id, claimed_at) DO UPDATE SET count = h.count + excluded.count
            """
        static let claimHistory = """
            SELECT claimed_at, count FROM claim_history WHERE channel_id = $1 AND claimed_at >= $2
            ORDER BY claimed_at DESC LIMIT $3
            """
        static let addSends = """
            INSERT INTO send_rates AS r (second, channel_id, count)
            SELECT $1::bigint, * FROM unnest($2::text[], $3::bigint[])
            ON CONFLICT (second, channel_id) DO UPDATE SET count = r.count + excluded.count
            """
        static let forgetSends = "DELETE FROM send_rates WHERE second < $1"
        static let sends = """
            SELECT channel_id, sum(count)::bigint FROM send_rates WHERE second > $1 AND channel_id = ANY($2::text[])
            GROUP BY channel_id
            """
        static let lastClaims = """
            SELECT recipient, claimed_at FROM recipient_pace WHERE channel_id = $1 AND recipient = ANY($2::text[])
            """
        static let setLastClaims = """
            INSERT INTO recipient_pace (channel_id, recipient, claimed_at)
            SELECT $1, recipient, $3::bigint FROM unnest($2::text[]) AS u (recipient) ORDER BY recipient COLLATE "C"
            ON CONFLICT (channel_id, recipient) DO UPDATE SET claimed_at = excluded.claimed_at
            """
        /// The last slots of those that wait for a recipient's pace.
        static let lastSlots = """
            SELECT recipient, priority, max(due_at) FROM jobs
            WHERE state = 0 AND condition = 'held: recipient pace' AND channel_id = $1 AND recipient = ANY($2::text[])
            GROUP BY recipient, priority
            """

        // MARK: Look-ups and acknowledgements

        static let scheduleLookUps = """
            INSERT INTO lookups (message, channel_id, purpose, due_at, tries, attempt_started_at)
            SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
            ON CONFLICT (message) DO UPDATE SET channel_id = excluded.channel_id, purpose = excluded.purpose,
                due_at = excluded.due_at, tries = excluded.tries, attempt_started_at = excluded.attempt_started_at
            """
        static let deleteLookUps = "DELETE FROM lookups WHERE message = ANY($1::text[])"
        static let lookUps = """
            SELECT message, purpose, tries, attempt_started_at FROM lookups WHERE message = ANY($1::text[])
            """
        /// Another message of the channel that the provider knows by that submission id.
        static let otherOfSubmission = """
            SELECT 1 FROM communications_log
            WHERE submission_id = $2 AND channel_id || '' = $1 AND id || '' <> $3 LIMIT 1
            """
        /// When each channel's first look-up is due.
        static let lookUpsDue = """
            WITH RECURSIVE channel (id) AS (
                (SELECT channel_id FROM lookups ORDER BY channel_id LIMIT 1)
                UNION ALL
                SELECT (SELECT u.channel_id FROM lookups u WHERE u.channel_id > channel.id ORDER BY u.channel_id LIMIT 1)
                FROM channel WHERE channel.id IS NOT NULL)
            SELECT id, (SELECT due_at FROM lookups WHERE channel_id = channel.id ORDER BY due_at LIMIT 1)
            FROM channel WHERE id IS NOT NULL
            """
        static let dueLookUps = """
            SELECT u.message, u.purpose, u.tries, u.attempt_started_at FROM lookups u
            WHERE u.channel_id = $1 AND u.due_at <= $2
            ORDER BY u.due_at, u.message LIMIT $3 FOR UPDATE SKIP LOCKED
            """
        static let leaseLookUps = "UPDATE lookups SET due_at = $1, tries = tries + 1 WHERE message = ANY($2::text[])"

        /// By the id webhooks use.
        static let messagesOfProviderIDs = """
            SELECT p.message_id, p.channel_id, p.message
            FROM unnest($1::text[], $2::text[]) AS u (message_id, channel_id)
            JOIN provider_ids p ON p.message_id = u.message_id COLLATE "C" AND p.channel_id = u.channel_id COLLATE "C"
            WHERE p.message IS NOT NULL
            """
        /// The newest message has it, should a provider have used an id twice.
        static let bindProviderIDs = """
            INSERT INTO provider_ids (message_id, channel_id, message)
            SELECT message_id, channel_id, message FROM unnest($1::text[], $2::text[], $3::text[])
                AS u (message_id, channel_id, message)
            ORDER BY message_id COLLATE "C", channel_id COLLATE "C"
            ON CONFLICT (message_id, channel_id) DO UPDATE SET message = excluded.message
            """
        static let unbindProviderIDs = """
            DELETE FROM provider_ids p
            USING unnest($1::text[], $2::text[], $3::text[]) AS u (message_id, channel_id, message)
            WHERE p.message_id = u.message_id COLLATE "C" AND p.channel_id = u.channel_id COLLATE "C"
                AND p.message = u.message COLLATE "C"
            """
        /// Says that something is parked under these ids; waits for who is just binding one.
        static let announceProviderIDs = """
            INSERT INTO provider_ids (message_id, channel_id, message)
            SELECT message_id, channel_id, NULL FROM unnest($1::text[], $2::text[]) AS u (message_id, channel_id)
            ORDER BY message_id COLLATE "C", channel_id COLLATE "C"
            ON CONFLICT (message_id, channel_id) DO NOTHING
            """
        /// Holds the ids' rows, so that nobody binds them before what is parked now can be seen. Those that are bound.
        static let holdProviderIDs = """
            SELECT p.message_id, p.channel_id, p.message
            FROM unnest($1::text[], $2::text[]) AS u (message_id, channel_id)
            JOIN provider_ids p ON p.message_id = u.message_id COLLATE "C" AND p.channel_id = u.channel_id COLLATE "C"
            ORDER BY p.message_id, p.channel_id FOR SHARE OF p
            """
        static let park = """
            INSERT INTO parked_acknowledgements AS p (
                channel_id, message_id, level, at, detail, echo_recipient, echo_hash, parked_at)
            SELECT channel_id, message_id, level, at, detail, echo_recipient, echo_hash, $8::bigint
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bytea[])
                WITH ORDINALITY AS u (channel_id, message_id, level, at, detail, echo_recipient, echo_hash, ord)
            ORDER BY ord
            ON CONFLICT (channel_id, message_id, level) DO UPDATE
            SET echo_recipient = coalesce(p.echo_recipient, excluded.echo_recipient),
                echo_hash = coalesce(p.echo_hash, excluded.echo_hash)
            """
        /// What was parked under these ids, taken out, and whether it is young enough to count.
        static let takeParked = """
            DELETE FROM parked_acknowledgements p
            USING unnest($1::text[], $2::text[]) AS u (message_id, channel_id)
            WHERE p.channel_id = u.channel_id COLLATE "C" AND p.message_id = u.message_id COLLATE "C"
            RETURNING p.message_id, p.channel_id, p.level, p.at, p.detail, p.seq, p.parked_at >= $3::bigint
            """
        /// Echoes of a recipient and text, neither come nor told to have been before that time: one that was told late, or
        /// once more, is of an earlier send.
        static let fittingEchoes = """
            SELECT message_id FROM parked_acknowledgements
            WHERE channel_id = $1 AND echo_recipient IS NOT NULL AND echo_recipient = $2 AND echo_hash = $3
                AND parked_at >= $4
            GROUP BY message_id HAVING min(at) >= $4 LIMIT 2
            """
        /// Messages to a recipient that have no id and of which one may have been sent, newest first. One that is final may be
        /// without an id for good: a look-up told how it ended, or nobody ever knew.
        static let unboundMessages = """
            SELECT \(StoredMessage.columns)
            FROM communications_log l LEFT JOIN jobs j ON j.message = l.id
            WHERE l.recipient = $1 AND l.tenant_id = $2 AND l.channel_id || '' = $3 AND l.message_id IS NULL
                AND (l.status || '' IN ('sent', 'delivered', 'read') OR (l.status || '' = 'failed' AND l.attempts > 0)
                    OR (l.status || '' = 'queued' AND (j.state <> 0 OR l.duplicate_risk)))
            ORDER BY l.created_at DESC LIMIT $4
            """

        // MARK: Counters

        static let count = """
            INSERT INTO counters AS c (tenant_id, channel_id, name, slot, value)
            SELECT tenant_id, channel_id, name, pg_backend_pid() % 16, value
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS u (tenant_id, channel_id, name, value)
            ORDER BY tenant_id COLLATE "C", channel_id COLLATE "C", name COLLATE "C"
            ON CONFLICT (tenant_id, channel_id, name, slot) DO UPDATE SET value = c.value + excluded.value
            """
        static let counter = """
            SELECT coalesce(sum(value), 0)::bigint FROM counters WHERE tenant_id = $1 AND channel_id = $2 AND name = $3
            """
        static let tenantCounters = """
            SELECT channel_id, name, sum(value)::bigint FROM counters WHERE tenant_id = $1 GROUP BY channel_id, name
            """
    }
#endif
