/// The tables. Times are microseconds since 1970 (UTC) as integers; JSON is text; ids are the texts the API shows.
enum Schema {
    /// Version 1.
    ///
    /// The log is a rowid table with time-ordered ids, so that inserts go to the end of its tree. What belongs to a
    /// message refers to it by `seq`, the rowid, because eight bytes make smaller and faster trees than thirty.
    static let version1 = """
        CREATE TABLE communications_log (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            tenant_id TEXT NOT NULL,
            channel_id TEXT NOT NULL,
            recipient TEXT NOT NULL,
            type TEXT NOT NULL,
            payload TEXT NOT NULL,
            status TEXT NOT NULL,
            message_id TEXT,
            submission_id TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            error_reason TEXT,
            dead_lettered_at INTEGER,
            duplicate_risk INTEGER NOT NULL DEFAULT 0,
            priority INTEGER NOT NULL,
            send_at INTEGER,
            expires_at INTEGER,
            on_unknown TEXT NOT NULL,
            redact INTEGER NOT NULL DEFAULT 0,
            idempotency_key TEXT,
            event TEXT,
            metadata TEXT,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            sent_at INTEGER,
            acknowledged_at INTEGER,
            delivered_at INTEGER,
            read_at INTEGER,
            failed_at INTEGER,
            claim_token INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX log_tenant ON communications_log (tenant_id, created_at);
        CREATE INDEX log_status ON communications_log (tenant_id, status, created_at);
        CREATE INDEX log_channel ON communications_log (channel_id, created_at);
        CREATE INDEX log_recipient ON communications_log (recipient, tenant_id, created_at);
        CREATE INDEX log_message_id ON communications_log (message_id, channel_id) WHERE message_id IS NOT NULL;
        CREATE INDEX log_submission_id ON communications_log (submission_id) WHERE submission_id IS NOT NULL;
        CREATE INDEX log_dead_letters ON communications_log (tenant_id, created_at) WHERE dead_lettered_at IS NOT NULL;
        CREATE INDEX log_final ON communications_log (created_at) WHERE status IN ('delivered', 'read', 'failed');

        CREATE TABLE events (
            message INTEGER NOT NULL,
            number INTEGER NOT NULL,
            kind TEXT NOT NULL,
            at INTEGER NOT NULL,
            attempt INTEGER,
            outcome TEXT,
            http_status INTEGER,
            duration_ms INTEGER,
            error TEXT,
            detail TEXT,
            PRIMARY KEY (message, number)
        ) WITHOUT ROWID;

        CREATE TABLE jobs (
            message INTEGER PRIMARY KEY,
            channel_id TEXT NOT NULL,
            recipient TEXT NOT NULL,
            priority INTEGER NOT NULL,
            state INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            expires_at INTEGER,
            token INTEGER NOT NULL,
            worker TEXT,
            lease_until INTEGER,
            condition TEXT,
            since INTEGER NOT NULL,
            attempt_started_at INTEGER,
            is_held INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX jobs_waiting ON jobs (channel_id, priority, due_at) WHERE state = 0;
        CREATE INDEX jobs_expiring ON jobs (expires_at) WHERE state = 0 AND expires_at IS NOT NULL;
        CREATE INDEX jobs_claimed ON jobs (worker, lease_until) WHERE state = 1;
        CREATE INDEX jobs_paced ON jobs (channel_id, recipient, priority, due_at)
            WHERE state = 0 AND condition = 'held: recipient pace';
        CREATE INDEX jobs_unknown ON jobs (due_at) WHERE state = 2;

        CREATE TABLE lookups (
            message INTEGER PRIMARY KEY,
            channel_id TEXT NOT NULL,
            purpose INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            tries INTEGER NOT NULL,
            attempt_started_at INTEGER NOT NULL
        );
        CREATE INDEX lookups_due ON lookups (channel_id, due_at);

        CREATE TABLE parked_acknowledgements (
            seq INTEGER PRIMARY KEY,
            channel_id TEXT NOT NULL,
            message_id TEXT NOT NULL,
            level INTEGER NOT NULL,
            at INTEGER NOT NULL,
            detail TEXT,
            echo_recipient TEXT,
            echo_hash BLOB,
            parked_at INTEGER NOT NULL,
            UNIQUE (channel_id, message_id, level)
        );
        CREATE INDEX parked_echoes ON parked_acknowledgements (channel_id, echo_recipient, echo_hash, parked_at)
            WHERE echo_recipient IS NOT NULL;

        CREATE TABLE idempotency_keys (
            tenant_id TEXT NOT NULL,
            key TEXT NOT NULL,
            content_hash BLOB NOT NULL,
            message TEXT NOT NULL,
            expires_at INTEGER NOT NULL,
            PRIMARY KEY (tenant_id, key)
        ) WITHOUT ROWID;
        CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);

        CREATE TABLE inbox (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            lease_until INTEGER NOT NULL DEFAULT 0,
            channel_id TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE TABLE inbox_set_aside (
            sequence INTEGER PRIMARY KEY,
            channel_id TEXT NOT NULL,
            received_at INTEGER NOT NULL,
            reason TEXT NOT NULL,
            set_aside_at INTEGER NOT NULL,
            body BLOB NOT NULL
        );

        CREATE TABLE claim_history (
            channel_id TEXT NOT NULL,
            claimed_at INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (channel_id, claimed_at)
        ) WITHOUT ROWID;

        CREATE TABLE recipient_pace (
            channel_id TEXT NOT NULL,
            recipient TEXT NOT NULL,
            claimed_at INTEGER NOT NULL,
            PRIMARY KEY (channel_id, recipient)
        ) WITHOUT ROWID;
        CREATE INDEX recipient_pace_age ON recipient_pace (claimed_at);

        CREATE TABLE tenants (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            limits TEXT NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE TABLE api_keys (
            id TEXT PRIMARY KEY,
            tenant_id TEXT NOT NULL,
            hash BLOB NOT NULL UNIQUE,
            name TEXT,
            created_at INTEGER NOT NULL,
            last_used_at INTEGER,
            revoked_at INTEGER
        );
        CREATE INDEX api_keys_tenant ON api_keys (tenant_id);
        CREATE TABLE channels (
            id TEXT PRIMARY KEY,
            tenant_id TEXT NOT NULL,
            name TEXT NOT NULL,
            provider TEXT NOT NULL,
            base_url TEXT,
            sealed_secrets BLOB NOT NULL,
            webhook_token TEXT NOT NULL,
            limits TEXT,
            headroom REAL NOT NULL,
            recipient_interval INTEGER,
            acknowledgement_deadline INTEGER,
            status TEXT NOT NULL,
            status_reason TEXT,
            status_since INTEGER NOT NULL,
            created_at INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX channels_name ON channels (tenant_id, name);
        CREATE TABLE deleted_channels (
            id TEXT PRIMARY KEY
        ) WITHOUT ROWID;
        CREATE TABLE settings (
            name TEXT PRIMARY KEY,
            value BLOB NOT NULL
        ) WITHOUT ROWID;

        CREATE TABLE counters (
            tenant_id TEXT NOT NULL,
            channel_id TEXT NOT NULL,
            name TEXT NOT NULL,
            value INTEGER NOT NULL,
            PRIMARY KEY (tenant_id, channel_id, name)
        ) WITHOUT ROWID;
        """

    /// Version 2: bulk replays. A job's cursor is the last message that had its turn, with its place in the order of
    /// `log_dead_letters`, which the message itself may no longer be there to tell.
    static let version2 = """
        CREATE TABLE replays (
            id TEXT PRIMARY KEY,
            tenant_id TEXT NOT NULL,
            recipient TEXT,
            provider_message_id TEXT,
            channel_id TEXT,
            since INTEGER,
            until INTEGER,
            reason TEXT,
            per_second REAL NOT NULL,
            include_expired INTEGER NOT NULL,
            wrong_prefix TEXT,
            right_prefix TEXT,
            payload TEXT,
            status TEXT NOT NULL,
            matched INTEGER NOT NULL,
            replayed INTEGER NOT NULL,
            skipped INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            last_failure TEXT,
            created_at INTEGER NOT NULL,
            finished_at INTEGER,
            cursor TEXT,
            cursor_created_at INTEGER,
            cursor_seq INTEGER,
            worker TEXT,
            lease_until INTEGER
        );
        CREATE INDEX replays_tenant ON replays (tenant_id);
        CREATE INDEX replays_running ON replays (status, tenant_id) WHERE status = 'running';
        CREATE INDEX replays_over ON replays (finished_at) WHERE finished_at IS NOT NULL;
        CREATE INDEX log_dead_letters_channel ON communications_log (channel_id, created_at)
            WHERE dead_lettered_at IS NOT NULL;
        """
}
