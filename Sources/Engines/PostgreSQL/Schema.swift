#if PostgreSQL
    /// The tables. Times are microseconds since 1970 (UTC), every whole number is a `bigint`, JSON is text, ids are the texts
    /// the API shows, compared by their bytes.
    enum Schema {
        /// Version 1, statement by statement.
        ///
        /// The log and its events are partitioned by the message's id, which begins with the time it was made: a look-up by
        /// id goes to one partition, and what is old leaves with its partition. What is written all the time and read by due
        /// time (`jobs`) is small and stands apart.
        static let version1: [String] = log + queue + reconciliation + installation

        /// Version 2: what several workers share, and what goes out to a broker.
        static let version2: [String] =
            PostgreSQLRegister.creation + [
                """
                CREATE TABLE outbox (
                    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                    kind bigint NOT NULL,
                    message text COLLATE "C" NOT NULL,
                    channel_id text COLLATE "C" NOT NULL,
                    priority bigint NOT NULL,
                    due_at bigint NOT NULL,
                    reason text
                ) WITH (\(busy))
                """,
                "CREATE INDEX outbox_due ON outbox (due_at, number)",
            ]

        /// Version 3: what is shown of all workers together.
        static let version3 = [
            """
            CREATE UNLOGGED TABLE send_rates (
                second bigint NOT NULL,
                channel_id text COLLATE "C" NOT NULL,
                count bigint NOT NULL,
                PRIMARY KEY (second, channel_id)
            ) WITH (\(busy))
            """
        ]

        private static let log = [
            """
            CREATE TABLE communications_log (
                id text COLLATE "C" NOT NULL PRIMARY KEY,
                tenant_id text COLLATE "C" NOT NULL,
                channel_id text COLLATE "C" NOT NULL,
                recipient text COLLATE "C" NOT NULL,
                type text NOT NULL,
                payload text NOT NULL,
                status text COLLATE "C" NOT NULL,
                message_id text,
                submission_id text COLLATE "C",
                attempts bigint NOT NULL DEFAULT 0,
                error_reason text,
                dead_lettered_at bigint,
                duplicate_risk boolean NOT NULL DEFAULT false,
                priority bigint NOT NULL,
                send_at bigint,
                expires_at bigint,
                on_unknown text NOT NULL,
                redact boolean NOT NULL DEFAULT false,
                idempotency_key text,
                event text,
                metadata text,
                created_at bigint NOT NULL,
                updated_at bigint NOT NULL,
                sent_at bigint,
                acknowledged_at bigint,
                delivered_at bigint,
                read_at bigint,
                failed_at bigint,
                claim_token bigint NOT NULL DEFAULT 0
            ) PARTITION BY RANGE (id)
            """,
            "CREATE INDEX log_tenant ON communications_log (tenant_id, created_at, id)",
            "CREATE INDEX log_status ON communications_log (tenant_id, status, created_at, id)",
            "CREATE INDEX log_channel ON communications_log (channel_id, created_at, id)",
            "CREATE INDEX log_recipient ON communications_log (recipient, tenant_id, created_at, id)",
            """
            CREATE INDEX log_submission_id ON communications_log (submission_id) WHERE submission_id IS NOT NULL
            """,
            """
            CREATE INDEX log_dead_letters ON communications_log (tenant_id, created_at, id)
            WHERE dead_lettered_at IS NOT NULL
            """,
            """
            CREATE INDEX log_dead_letters_channel ON communications_log (channel_id, created_at, id)
            WHERE dead_lettered_at IS NOT NULL
            """,
            "CREATE SEQUENCE event_numbers",
            """
            CREATE TABLE events (
                message text COLLATE "C" NOT NULL,
                number bigint NOT NULL,
                kind text NOT NULL,
                at bigint NOT NULL,
                attempt bigint,
                outcome text,
                http_status bigint,
                duration_ms bigint,
                error text,
                detail text,
                PRIMARY KEY (message, number)
            ) PARTITION BY RANGE (message)
            """,
            """
            CREATE TABLE idempotency_keys (
                tenant_id text COLLATE "C" NOT NULL,
                key text COLLATE "C" NOT NULL,
                content_hash bytea NOT NULL,
                message text COLLATE "C" NOT NULL,
                expires_at bigint NOT NULL,
                PRIMARY KEY (tenant_id, key)
            )
            """,
            "CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at)",
            """
            CREATE TABLE counters (
                tenant_id text COLLATE "C" NOT NULL,
                channel_id text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                slot bigint NOT NULL,
                value bigint NOT NULL,
                PRIMARY KEY (tenant_id, channel_id, name, slot)
            ) WITH (fillfactor = 50)
            """,
        ]

        /// Tables in which rows come and go all the time are vacuumed after few dead rows, not after a fifth of the table.
        private static let busy = "autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0"

        private static let queue = [
            """
            CREATE TABLE jobs (
                message text COLLATE "C" NOT NULL PRIMARY KEY,
                channel_id text COLLATE "C" NOT NULL,
                recipient text COLLATE "C" NOT NULL,
                priority bigint NOT NULL,
                state bigint NOT NULL,
                due_at bigint NOT NULL,
                expires_at bigint,
                token bigint NOT NULL,
                worker text COLLATE "C",
                lease_until bigint,
                condition text COLLATE "C",
                since bigint NOT NULL,
                attempt_started_at bigint,
                is_held boolean NOT NULL DEFAULT false
            ) WITH (\(busy))
            """,
            "CREATE INDEX jobs_waiting ON jobs (channel_id, priority, due_at, message) WHERE state = 0",
            "CREATE INDEX jobs_expiring ON jobs (expires_at, message) WHERE state = 0 AND expires_at IS NOT NULL",
            "CREATE INDEX jobs_claimed ON jobs (lease_until, message) WHERE state = 1",
            """
            CREATE INDEX jobs_paced ON jobs (channel_id, recipient, priority, due_at)
            WHERE state = 0 AND condition = 'held: recipient pace'
            """,
            "CREATE INDEX jobs_unknown ON jobs (due_at, message) WHERE state = 2",
            """
            CREATE TABLE claim_history (
                channel_id text COLLATE "C" NOT NULL,
                claimed_at bigint NOT NULL,
                count bigint NOT NULL,
                PRIMARY KEY (channel_id, claimed_at)
            ) WITH (\(busy))
            """,
            """
            CREATE TABLE recipient_pace (
                channel_id text COLLATE "C" NOT NULL,
                recipient text COLLATE "C" NOT NULL,
                claimed_at bigint NOT NULL,
                PRIMARY KEY (channel_id, recipient)
            ) WITH (\(busy))
            """,
            "CREATE INDEX recipient_pace_age ON recipient_pace (claimed_at)",
            """
            CREATE TABLE inbox (
                sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                lease_until bigint NOT NULL DEFAULT 0,
                channel_id text COLLATE "C" NOT NULL,
                received_at bigint NOT NULL,
                body bytea NOT NULL
            ) WITH (\(busy))
            """,
            """
            CREATE TABLE inbox_set_aside (
                sequence bigint PRIMARY KEY,
                channel_id text COLLATE "C" NOT NULL,
                received_at bigint NOT NULL,
                reason text NOT NULL,
                set_aside_at bigint NOT NULL,
                body bytea NOT NULL
            )
            """,
        ]

        /// `provider_ids` says whose message an id of the provider's is. It is where a send's answer and a webhook meet that
        /// come in the same moment: both write the id's row, so one of them waits and then sees what the other has done. Without
        /// a message, a webhook came first.
        private static let reconciliation = [
            """
            CREATE TABLE provider_ids (
                message_id text COLLATE "C" NOT NULL,
                channel_id text COLLATE "C" NOT NULL,
                message text COLLATE "C",
                PRIMARY KEY (message_id, channel_id)
            )
            """,
            """
            CREATE TABLE parked_acknowledgements (
                seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                channel_id text COLLATE "C" NOT NULL,
                message_id text COLLATE "C" NOT NULL,
                level bigint NOT NULL,
                at bigint NOT NULL,
                detail text,
                echo_recipient text COLLATE "C",
                echo_hash bytea,
                parked_at bigint NOT NULL,
                UNIQUE (channel_id, message_id, level)
            ) WITH (\(busy))
            """,
            """
            CREATE INDEX parked_echoes ON parked_acknowledgements (channel_id, echo_recipient, echo_hash, parked_at)
            WHERE echo_recipient IS NOT NULL
            """,
            """
            CREATE TABLE lookups (
                message text COLLATE "C" NOT NULL PRIMARY KEY,
                channel_id text COLLATE "C" NOT NULL,
                purpose bigint NOT NULL,
                due_at bigint NOT NULL,
                tries bigint NOT NULL,
                attempt_started_at bigint NOT NULL
            ) WITH (\(busy))
            """,
            "CREATE INDEX lookups_due ON lookups (channel_id, due_at, message)",
            """
            CREATE TABLE replays (
                id text COLLATE "C" NOT NULL PRIMARY KEY,
                tenant_id text COLLATE "C" NOT NULL,
                recipient text,
                provider_message_id text,
                channel_id text,
                since bigint,
                until bigint,
                reason text,
                per_second double precision NOT NULL,
                include_expired boolean NOT NULL,
                wrong_prefix text,
                right_prefix text,
                payload text,
                status text COLLATE "C" NOT NULL,
                matched bigint NOT NULL,
                replayed bigint NOT NULL,
                skipped bigint NOT NULL,
                failed bigint NOT NULL,
                last_failure text,
                created_at bigint NOT NULL,
                finished_at bigint,
                cursor text COLLATE "C",
                cursor_created_at bigint,
                worker text,
                lease_until bigint
            )
            """,
            "CREATE INDEX replays_tenant ON replays (tenant_id)",
            "CREATE INDEX replays_running ON replays (tenant_id) WHERE status = 'running'",
            "CREATE INDEX replays_over ON replays (finished_at) WHERE finished_at IS NOT NULL",
        ]

        private static let installation = [
            """
            CREATE TABLE tenants (
                id text COLLATE "C" NOT NULL PRIMARY KEY,
                name text NOT NULL,
                limits text NOT NULL,
                created_at bigint NOT NULL
            )
            """,
            """
            CREATE TABLE api_keys (
                id text COLLATE "C" NOT NULL PRIMARY KEY,
                tenant_id text COLLATE "C" NOT NULL,
                hash bytea NOT NULL UNIQUE,
                name text,
                created_at bigint NOT NULL,
                last_used_at bigint,
                revoked_at bigint
            )
            """,
            "CREATE INDEX api_keys_tenant ON api_keys (tenant_id)",
            """
            CREATE TABLE channels (
                id text COLLATE "C" NOT NULL PRIMARY KEY,
                tenant_id text COLLATE "C" NOT NULL,
                name text COLLATE "C" NOT NULL,
                provider text NOT NULL,
                base_url text,
                sealed_secrets bytea NOT NULL,
                webhook_token text NOT NULL,
                limits text,
                headroom double precision NOT NULL,
                recipient_interval bigint,
                acknowledgement_deadline bigint,
                status text NOT NULL,
                status_reason text,
                status_since bigint NOT NULL,
                created_at bigint NOT NULL
            )
            """,
            "CREATE UNIQUE INDEX channels_name ON channels (tenant_id, name)",
            """
            CREATE TABLE deleted_channels (
                id text COLLATE "C" NOT NULL PRIMARY KEY
            )
            """,
            """
            CREATE TABLE settings (
                name text COLLATE "C" NOT NULL PRIMARY KEY,
                value bytea NOT NULL
            ) WITH (fillfactor = 50)
            """,
        ]
    }

    /// One numbered step of the schema. Once released, a step never changes; what must change is a new step. Steps only add:
    /// processes of the version before run on while a node of the new one migrates, and what is no longer used is taken away
    /// one version later.
    struct Migration: Sendable {
        let version: Int
        /// The earliest version whose processes may start, and run, on a database that has this step.
        let usableFrom: Int
        let statements: [String]

        /// In order, without gaps, from 1.
        static let all = [
            Migration(version: 1, usableFrom: 1, statements: Schema.version1),
            Migration(version: 2, usableFrom: 1, statements: Schema.version2),
            Migration(version: 3, usableFrom: 1, statements: Schema.version3),
        ]

        static var latestVersion: Int { all.last?.version ?? 0 }
    }

    /// Names of the locks that processes on one database share. A lock's two numbers are this program's and the purpose's.
    enum AdvisoryLock: Int {
        /// Changing the schema, partitions included.
        case schema = 1
        /// Held by the worker that leads.
        case leader = 2
        /// Held together by all that may leave a message waiting for its channel; alone by who removes a channel.
        case channels = 3
        /// One tenant's running replays are being counted.
        case replays = 4
        /// Recipients of a channel are being paced.
        case pace = 5

        /// "Mart".
        static let program = 0x4D61_7274

        /// The first of the two keys; apart from other schemas of the same database by the schema's own number.
        static let key = "(\(program) # (current_schema()::text::regnamespace::oid::bigint & 2147483647))::int"
    }
#endif
