"""The Celery worker: sends, and finds out by which id webhooks will know what was sent."""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import redis
from psycopg_pool import ConnectionPool

from . import provider, settings
from .queue import IDENTIFY, SEND, app

RETRY_DELAYS = (5, 15, 45)

SENT = """
    UPDATE messages SET status = GREATEST(status, 1::smallint), attempts = %s, submission_id = %s, sent_at = now()
    WHERE id = %s
"""

FAILED = "UPDATE messages SET status = -1, attempts = %s, error = %s WHERE id = %s"

NAMELESS = """
    SELECT id, submission_id FROM messages
    WHERE message_id IS NULL AND sent_at < now() - interval '150 milliseconds' ORDER BY sent_at LIMIT 500
"""

# The look-up tells a status, too, and an acknowledgement may have come before it.
NAME = """
    WITH found AS (
        SELECT * FROM unnest(%s::bigint[], %s::text[], %s::smallint[]) AS found (id, message_id, status)
    ), early AS (
        DELETE FROM early_acknowledgements USING found
        WHERE early_acknowledgements.message_id = found.message_id
        RETURNING early_acknowledgements.message_id, early_acknowledgements.status
    ), known AS (
        SELECT found.id, found.message_id, GREATEST(found.status, early.status) AS status
        FROM found LEFT JOIN early USING (message_id)
    )
    UPDATE messages SET
        message_id = known.message_id, status = GREATEST(messages.status, known.status),
        delivered_at = CASE WHEN known.status >= 3 THEN now() END, read_at = CASE WHEN known.status >= 4 THEN now() END
    FROM known WHERE messages.id = known.id
"""

# Acknowledgements that came while the id was being stored.
CATCH_UP = """
    WITH early AS (
        DELETE FROM early_acknowledgements USING messages
        WHERE early_acknowledgements.message_id = messages.message_id
        RETURNING early_acknowledgements.message_id, early_acknowledgements.status
    )
    UPDATE messages SET
        status = GREATEST(messages.status, early.status), delivered_at = COALESCE(delivered_at, now()),
        read_at = CASE WHEN early.status >= 4 THEN COALESCE(read_at, now()) ELSE read_at END
    FROM early WHERE messages.message_id = early.message_id
"""


# Made at the first use, thus after a pool of processes has forked.
@cache
def database() -> ConnectionPool:
    return ConnectionPool(
        settings.DATABASE_URL, min_size=1, max_size=settings.WORKER_CONNECTIONS, kwargs={"autocommit": True}, open=True)


@cache
def store() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


@cache
def bucket():
    return store().register_script((Path(__file__).parent / "bucket.lua").read_text())


def wait_for_token() -> None:
    rate = settings.RATE_PER_SECOND
    while wait := bucket()(keys=["bucket:channel"], args=[rate, max(1, rate // 10)]):
        time.sleep(wait / 1000)


def execute(statement: str, *parameters: object) -> None:
    with database().connection() as connection:
        connection.execute(statement, parameters)


@app.task(name=SEND, bind=True, max_retries=None)
def send(task, id: int, to: str, text: str, throttled: int = 0) -> None:
    wait_for_token()
    attempt = task.request.retries - throttled + 1
    try:
        submission = provider.send(to, text)
    except provider.Throttled as pause:
        raise task.retry(countdown=pause.pause, args=(id, to, text, throttled + 1))
    except provider.Unavailable as error:
        if attempt > len(RETRY_DELAYS):
            execute(FAILED, attempt, f"attempts_exhausted: {error}", id)
            return
        raise task.retry(countdown=RETRY_DELAYS[attempt - 1])
    except provider.Refused as error:
        execute(FAILED, attempt, f"rejected: {error}", id)
        return
    execute(SENT, attempt, submission, id)


@app.task(name=IDENTIFY)
def identify() -> None:
    lock = store().lock("lock:identify", timeout=30, blocking=False)
    if not lock.acquire():
        return
    try:
        execute(CATCH_UP)
        with ThreadPoolExecutor(16) as threads:
            end = time.monotonic() + 20
            while time.monotonic() < end and identify_some(threads):
                pass
    finally:
        lock.release()


def identify_some(threads: ThreadPoolExecutor) -> bool:
    """Answers whether there may be more to do at once."""
    with database().connection() as connection:
        rows = connection.execute(NAMELESS).fetchall()
    answers = threads.map(provider.information, [submission for _, submission in rows])
    found = [
        (id, answer["key"]["id"], answer["status"])
        for (id, _), answer in zip(rows, answers)
        if answer and "key" in answer
    ]
    if found:
        execute(NAME, *map(list, zip(*found)))
    return len(found) >= 100
