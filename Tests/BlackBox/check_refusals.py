"""Bodies that break the rules: a 4xx that names the field, and nothing stored."""

import json

from harness import expect, expect_equal, number
from registry import check

GOOD = {"to": number(1), "type": "text", "text": {"body": "fine"}}


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


# What is sent, the status wanted, and the pointer that must be named.
CASES = [
    ("not JSON", b"{ not json", 400, None),
    ("nothing", b"", 400, None),
    ("not UTF-8", b'{"to": "\xff\xfe"}', 400, None),
    ("two documents", json.dumps(GOOD).encode() * 2, 400, None),
    ("a list", [GOOD], 422, ""),
    ("no recipient", without("to"), 422, "/to"),
    ("a recipient that is no number", {**GOOD, "to": "hello"}, 422, "/to"),
    ("a recipient of the wrong type", {**GOOD, "to": 14155550123}, 422, "/to"),
    ("no type", without("type"), 422, "/type"),
    ("an unknown type", {**GOOD, "type": "telegram"}, 422, "/type"),
    ("no content", without("text"), 422, "/text"),
    ("content of another type", {**GOOD, "image": {"url": "https://example.com/a.jpg"}}, 422, "/image"),
    ("an empty text", {**GOOD, "text": {"body": ""}}, 422, "/text/body"),
    ("a text of the wrong type", {**GOOD, "text": {"body": 7}}, 422, "/text/body"),
    ("a text that is too long", {**GOOD, "text": {"body": "x" * 65_537}}, 422, "/text/body"),
    ("a NUL in the text", {**GOOD, "text": {"body": "a\0b"}}, 422, "/text/body"),
    ("half a surrogate pair", b'{"to":"+15550000001","type":"text","text":{"body":"\\ud800"}}', 422, "/text/body"),
    ("an unknown field", {**GOOD, "colour": "red"}, 422, "/colour"),
    ("an unknown field inside", {**GOOD, "text": {"body": "a", "size": 1}}, 422, "/text/size"),
    ("an unknown channel", {**GOOD, "channel": "nowhere"}, 422, "/channel"),
    ("an unknown priority", {**GOOD, "priority": "urgent"}, 422, "/priority"),
    ("a bad time", {**GOOD, "send_at": "tomorrow"}, 422, "/send_at"),
    ("a time too far ahead", {**GOOD, "send_at": "2099-01-01T00:00:00Z"}, 422, "/send_at"),
    ("a key that is too long", {**GOOD, "idempotency_key": "k" * 256}, 422, "/idempotency_key"),
    ("a nested metadata", {**GOOD, "metadata": {"a": {"b": "c"}}}, 422, "/metadata/a"),
    ("an event without a user", {**GOOD, "event": {"type": "a", "timestamp": "2026-11-23T10:00:00Z"}}, 422, "/event/user_id"),
    ("an unknown policy", {**GOOD, "on_unknown": "guess"}, 422, "/on_unknown"),
]


@check("a body that breaks the rules is refused by name and leaves nothing behind")
def bad_bodies(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    for what, body, status, pointer in CASES:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = tenant.api.call("POST", "/v1/messages", raw=raw)
        expect_equal(answer.status, status, f"{what}: {answer}")
        expect(
            answer.headers.get("content-type", "").startswith("application/problem+json"), f"{what}: {answer.headers}")
        problem = answer.json
        expect_equal(problem["status"], status, f"the problem's status of {what}")
        expect(problem["title"] and problem["type"], f"{what}: a problem without type or title")
        if pointer is not None:
            pointers = [error["pointer"] for error in problem["errors"]]
            expect(pointer in pointers, f"{what}: wanted {pointer}, got {problem['errors']}")
            expect(all(error["message"] for error in problem["errors"]), f"{what}: an error without words")
    oversized = json.dumps({**GOOD, "metadata": {"a": "x" * 300_000}}).encode()
    expect_equal(tenant.api.call("POST", "/v1/messages", raw=oversized).status, 413, "a body over 256 KiB")
    answer = tenant.api.call("POST", "/v1/messages", raw=json.dumps(GOOD).encode(), headers={"Content-Type": "text/plain"})
    expect_equal(answer.status, 415, "another content type")
    expect_equal(tenant.api.get("/v1/messages")["data"], [], "the log after all refusals")
    expect_equal(sandbox.ledger(), [], "the sandbox's ledger after all refusals")
    tenant.wait(tenant.send(number(1), "and a good one")["id"], "delivered", "read")


@check("each message of a batch stands alone")
def batch(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    messages = [
        {**GOOD, "idempotency_key": "a"}, {**GOOD, "to": "nobody"}, {**GOOD, "idempotency_key": "a"},
        {**GOOD, "idempotency_key": "a", "text": {"body": "other"}}, GOOD, "not an object",
    ]
    results = tenant.send_batch(messages)
    expect_equal([result["status"] for result in results], [202, 422, 200, 409, 202, 422], "the statuses")
    expect_equal([result["index"] for result in results], list(range(6)), "the indexes")
    expect_equal(results[0]["id"], results[2]["id"], "the same key in one batch")
    expect_equal(results[1]["error"]["errors"][0]["pointer"], "/messages/1/to", "the pointer into the batch")
    for count, status in ((0, 422), (1001, 422)):
        answer = tenant.api.call("POST", "/v1/messages/batch", body={"messages": [GOOD] * count})
        expect_equal(answer.status, status, f"a batch of {count}")
    tenant.wait_until_final(2, within=20)
    expect_equal(len(sandbox.ledger()), 2, "sends the provider saw")


@check("who may not, may not")
def access(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    for what, bearer in [("no key", None), ("a wrong key", "mk_" + "0" * 64), ("nonsense", "x")]:
        headers = {"Authorization": f"Bearer {bearer}" if bearer else None}
        answer = tenant.api.call("POST", "/v1/messages", body=GOOD, headers=headers)
        expect_equal(answer.status, 401, f"{what}: {answer}")
    expect_equal(tenant.api.call("POST", "/v1/tenants", body={"name": "mine"}).status, 403, "a tenant's key makes a tenant")
    for path, status in [
        ("/v1/messages?limit=0", 400), ("/v1/messages?limit=201", 400), ("/v1/messages?status=lost", 400),
        ("/v1/messages?colour=red", 400), ("/v1/messages?since=yesterday", 400), ("/v1/messages?cursor=nonsense", 400),
        ("/v1/messages/msg_nonsense", 404), ("/v1/nowhere", 404),
    ]:
        expect_equal(tenant.api.call("GET", path).status, status, f"GET {path}")
    expect_equal(tenant.api.call("PUT", "/v1/messages", body=GOOD).status, 405, "a wrong method")
    expect_equal(tenant.api.get("/v1/messages")["data"], [], "the log after all refusals")
