"""The HTTP side: takes messages, receives webhooks."""

import asyncio
import hashlib
import hmac
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Literal

import asyncpg
import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import queue, settings

ACCEPT = """
    INSERT INTO messages (idempotency_key, recipient, body, event) VALUES ($1, $2, $3, $4)
    ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, created_at
"""

# An acknowledgement that comes before the message's id is known is kept for the task that finds out.
ACKNOWLEDGE = """
    WITH moved AS (
        UPDATE messages SET
            status = GREATEST(status, $2),
            delivered_at = COALESCE(delivered_at, now()),
            read_at = CASE WHEN $2 >= 4 THEN COALESCE(read_at, now()) ELSE read_at END
        WHERE message_id = $1 RETURNING 1
    )
    INSERT INTO early_acknowledgements (message_id, status) SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM moved)
    ON CONFLICT (message_id) DO UPDATE SET status = GREATEST(early_acknowledgements.status, EXCLUDED.status)
"""

STATUSES = {-1: "failed", 0: "queued", 1: "sent", 2: "sent", 3: "delivered", 4: "read"}


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Text(Strict):
    body: Annotated[str, Field(min_length=1, max_length=65_536)]


class Event(Strict):
    user_id: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str, Field(min_length=1, max_length=255)]
    timestamp: datetime


class NewMessage(Strict):
    to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
    type: Literal["text"]
    text: Text
    channel: Annotated[str, Field(max_length=255)] | None = None
    event: Event | None = None
    idempotency_key: Annotated[str, Field(min_length=1, max_length=255)] | None = None

    def key(self) -> str | None:
        """What makes two requests the same; none without a key and an event."""
        if self.idempotency_key or not self.event:
            return self.idempotency_key
        event = self.event
        content = f"{event.user_id}\0{event.type}\0{event.timestamp.isoformat()}"
        return hashlib.sha256(content.encode()).hexdigest()


async def leave_as_it_is(_connection: asyncpg.Connection) -> None:
    """Nothing here changes the state of a connection, so that the pool's round trip to reset it is saved."""


@asynccontextmanager
async def lifespan(app: FastAPI):
    size = settings.API_CONNECTIONS
    async with asyncpg.create_pool(settings.DATABASE_URL, min_size=size, max_size=size, reset=leave_as_it_is) as pool:
        app.state.pool = pool
        yield


def enqueue(id: int, to: str, text: str) -> None:
    # Celery would make a random id, and a readable form of the arguments for its log.
    queue.app.send_task(
        queue.SEND, (id, to, text), task_id=f"send-{id}", argsrepr="()", kwargsrepr="{}", ignore_result=True)


app = FastAPI(lifespan=lifespan)


def answer(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def is_authorized(request: Request) -> bool:
    given = request.headers.get("authorization", "")
    return hmac.compare_digest(given.encode(), b"Bearer " + settings.API_KEY.encode())


@app.post("/v1/messages")
async def accept(request: Request) -> Response:
    if not is_authorized(request):
        return answer(401, {"title": "Unauthorized", "status": 401})
    try:
        message = NewMessage.model_validate_json(await request.body())
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        return answer(422, {"title": "Invalid", "status": 422, "errors": errors})
    key = message.key()
    event = message.event.model_dump_json() if message.event else None
    row = await app.state.pool.fetchrow(ACCEPT, key, message.to, message.text.body, event)
    if row is None:
        row = await app.state.pool.fetchrow("SELECT id, created_at FROM messages WHERE idempotency_key = $1", key)
        return answer(200, shape(row, message, key))
    # Celery waits for Redis, for which the event loop must not.
    await asyncio.to_thread(enqueue, row["id"], message.to, message.text.body)
    return answer(202, shape(row, message, key))


def shape(row: asyncpg.Record, message: NewMessage, key: str | None) -> dict:
    event = message.event.model_dump() if message.event else None
    return {
        "id": f"msg_{row['id']}", "channel": message.channel, "to": message.to, "type": "text",
        "payload": {"body": message.text.body}, "status": "queued", "message_id": None, "submission_id": None,
        "attempts": 0, "error_reason": None, "idempotency_key": key, "event": event,
        "created_at": row["created_at"], "sent_at": None, "delivered_at": None, "read_at": None,
    }


@app.post("/webhooks/wasender")
async def receive(request: Request) -> Response:
    # WasenderApi's signature is the secret itself.
    given = request.headers.get("x-webhook-signature", "")
    if not hmac.compare_digest(given.encode(), settings.WEBHOOK_SECRET.encode()):
        return answer(401, {"title": "Unauthorized", "status": 401})
    webhook = orjson.loads(await request.body())
    if webhook.get("event") == "messages.update":
        data = webhook["data"]
        for change in data if isinstance(data, list) else [data]:
            status = change["update"].get("status")
            # The send's own answer has made it sent already.
            if status in (3, 4, 5):
                await app.state.pool.execute(ACKNOWLEDGE, change["key"]["id"], min(status, 4))
    return answer(200, {"received": True})


@app.get("/v1/stats")
async def statistics(request: Request) -> Response:
    if not is_authorized(request):
        return answer(401, {"title": "Unauthorized", "status": 401})
    counts = dict.fromkeys(STATUSES.values(), 0)
    for status, count in await app.state.pool.fetch("SELECT status, count(*) FROM messages GROUP BY status"):
        counts[STATUSES[status]] += count
    return answer(200, {"counts": counts})
