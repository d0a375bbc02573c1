-- status: -1 failed, 0 queued, 1 or 2 sent, 3 delivered, 4 read; from 1 on the numbers are the provider's own.
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text UNIQUE,
    recipient text NOT NULL,
    body text NOT NULL,
    event text,
    status smallint NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    error text,
    submission_id bigint,
    message_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz
) WITH (fillfactor = 80);

-- What was sent and has no id yet by which webhooks know it.
CREATE INDEX messages_nameless ON messages (sent_at) WHERE message_id IS NULL AND sent_at IS NOT NULL;

-- Acknowledgements of messages whose id was not known when they came.
CREATE TABLE early_acknowledgements (
    message_id text PRIMARY KEY,
    status smallint NOT NULL
);
