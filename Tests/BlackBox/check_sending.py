"""A message's way, and that one message stays one."""

import concurrent.futures
import datetime

from harness import expect, expect_equal, number, wait_for
from registry import check


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


@check("a message goes queued, sent, delivered, read, and its timeline names each step")
def journey(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    accepted = tenant.send("+14155550123", "Invoice 42 is paid. Thank you!", metadata={"invoice": "42"})
    expect_equal(accepted["status"], "queued", "the status at acceptance")
    expect_equal(accepted["metadata"], {"invoice": "42"}, "metadata")
    message = tenant.wait(accepted["id"], "read")
    expect_equal(message["attempts"], 1, "attempts")
    for name in ("message_id", "submission_id", "sent_at", "delivered_at", "read_at"):
        expect(message[name], f"{name} is missing: {message}")
    expect_equal(message["condition"], None, "a final message's condition")
    timeline = tenant.timeline(accepted["id"])
    kinds = [entry["type"] for entry in timeline]
    steps = ["accepted", "attempt", "sent", "delivered", "read"]
    if "kafka:" in (world.engines.get("inbox") or "") and "looked_up" in kinds:
        # A new process joins its group for some seconds; a look-up may have told all meanwhile.
        steps.remove("delivered")
    for kind in steps:
        expect(kind in kinds, f"the timeline has no {kind}: {kinds}")
    expect_equal(kinds[0], "accepted", "the first entry")
    times = [moment(entry["at"]) for entry in timeline]
    expect(times == sorted(times), f"the timeline is not in order: {timeline}")
    attempt = timeline[kinds.index("attempt")]
    expect_equal((attempt["attempt"], attempt["outcome"], attempt["http_status"]), (1, "accepted", 200), "the attempt")
    expect(attempt["duration_ms"] >= 20, f"the sandbox takes 30 ms to answer, the attempt {attempt['duration_ms']}")
    ledger = sandbox.ledger()
    expect_equal([entry["text"] for entry in ledger], ["Invoice 42 is paid. Thank you!"], "the sandbox's ledger")
    found = tenant.api.get(f"/v1/messages?message_id={message['message_id']}")["data"]
    expect_equal([entry["id"] for entry in found], [accepted["id"]], "a search by the provider's id")


@check("fifty identical concurrent sends with one key are one message")
def identical_sends(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    body = {"to": number(1), "type": "text", "text": {"body": "once"}, "idempotency_key": "invoice-42"}

    def send(_):
        return tenant.api.call("POST", "/v1/messages", body=body)

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    expect_equal(sorted(answer.status for answer in answers), [200] * 49 + [202], "the answers' statuses")
    expect_equal(len({answer.json["id"] for answer in answers}), 1, "different ids")
    for answer in answers:
        replayed = answer.headers.get("idempotent-replayed")
        expect_equal(replayed, "true" if answer.status == 200 else None, f"Idempotent-Replayed of a {answer.status}")
    id = answers[0].json["id"]
    tenant.wait(id, "read")
    expect_equal(len(sandbox.ledger()), 1, "sends the provider saw")

    by_header = {**body}
    del by_header["idempotency_key"]
    answer = tenant.api.call("POST", "/v1/messages", body=by_header, headers={"Idempotency-Key": "invoice-42"})
    expect_equal((answer.status, answer.json["id"]), (200, id), "the same key in the header")
    answer = tenant.api.call("POST", "/v1/messages", body={**body, "text": {"body": "something else"}})
    expect_equal(answer.status, 409, "other content under the same key")
    expect(answer.headers["content-type"].startswith("application/problem+json"), f"not a problem: {answer.headers}")
    other = node.tenant("other")
    other.channel(sandbox)
    expect(other.send(number(1), "once", idempotency_key="invoice-42")["id"] != id, "another tenant's key is its own")


@check("the same event without a key is the same message")
def same_event(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    event = {"user_id": "u_981", "type": "invoice.paid", "timestamp": "2026-11-23T10:00:00Z"}
    first = tenant.send(number(1), "paid", event=event)
    again = tenant.send(number(1), "paid", event=event, wanted=(200,))
    expect_equal(again["id"], first["id"], "the same event's id")
    other = tenant.send(number(1), "paid", event={**event, "user_id": "u_982"})
    expect(other["id"] != first["id"], "another user's event is another message")
    later = tenant.send(number(1), "paid", event={**event, "timestamp": "2026-11-23T10:00:01Z"})
    expect(later["id"] not in (first["id"], other["id"]), "an event of another time is another message")
    for message in (first, other, later):
        tenant.wait(message["id"], "read")
    expect_equal(len(sandbox.ledger()), 3, "sends the provider saw")


@check("a scheduled message waits, can be cancelled, and expires where it must")
def schedule(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    channel = tenant.channel(sandbox)
    now = datetime.datetime.now(datetime.timezone.utc)
    soon = (now + datetime.timedelta(seconds=3)).isoformat().replace("+00:00", "Z")
    late = (now + datetime.timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    scheduled = tenant.send(number(1), "soon", send_at=soon)
    expect_equal(scheduled["condition"], "scheduled", "the condition of a scheduled message")
    cancelled = tenant.send(number(2), "never", send_at=late)
    answer = tenant.api.post(f"/v1/messages/{cancelled['id']}/cancel")
    expect_equal((answer["status"], answer["error_reason"], answer["dead_lettered"]), ("failed", "cancelled", False), "cancelled")
    tenant.wait(scheduled["id"], "delivered", "read")
    entry = sandbox.ledger()[0]
    expect(entry["received_us"] / 1e6 >= now.timestamp() + 2.99, "it was sent before its time")

    tenant.api.post(f"/v1/channels/{channel.id}/pause")
    expiring = tenant.send(number(3), "too late", expires_in=1)
    held = wait_for("the condition of a held message", lambda: tenant.message(expiring["id"])["condition"])
    expect_equal(held, "held: channel paused", "the condition on a paused channel")
    expired = tenant.wait(expiring["id"], "failed")
    expect(expired["error_reason"].startswith("expired"), f"wanted expired, got {expired['error_reason']}")
    expect_equal((expired["dead_lettered"], expired["attempts"]), (False, 0), "an expired message")
    tenant.api.post(f"/v1/channels/{channel.id}/resume")
    tenant.wait(tenant.send(number(4), "after the pause")["id"], "delivered", "read")
    expect_equal([entry["text"] for entry in sandbox.ledger()], ["soon", "after the pause"], "the sandbox's ledger")


@check("a tenant sees itself only")
def isolation(world):
    sandbox, node = world.sandbox(), world.node()
    first, second = node.tenant("first"), node.tenant("second")
    channel = first.channel(sandbox)
    second.channel(sandbox)
    message = first.send(number(1), "mine")
    first.wait(message["id"], "read")
    for method, path in [
        ("GET", f"/v1/messages/{message['id']}"), ("GET", f"/v1/messages/{message['id']}/events"),
        ("POST", f"/v1/messages/{message['id']}/cancel"), ("GET", f"/v1/dead-letters/{message['id']}"),
        ("POST", f"/v1/dead-letters/{message['id']}/replay"), ("DELETE", f"/v1/dead-letters/{message['id']}"),
        ("GET", f"/v1/channels/{channel.id}"), ("POST", f"/v1/channels/{channel.id}/pause"),
        ("DELETE", f"/v1/channels/{channel.id}"), ("PATCH", f"/v1/channels/{channel.id}"),
    ]:
        answer = second.api.call(method, path, body={} if method in ("POST", "PATCH") else None)
        expect_equal(answer.status, 404, f"{method} {path} by another tenant")
    for path in (f"/v1/messages?recipient=%2B15550000001", f"/v1/messages?message_id={first.message(message['id'])['message_id']}"):
        expect_equal(second.api.get(path)["data"], [], f"{path} by another tenant")
    expect_equal(second.counts().get("read", 0), 0, "another tenant's statistics")
    expect(channel.id not in str(second.api.get("/v1/channels")), "another tenant's list of channels")
    expect_equal(second.api.call("GET", "/v1/tenants").status, 403, "a tenant's key on the tenants")
    keys = node.admin.get(f"/v1/tenants/{first.id}/keys")["data"]
    node.admin.call("DELETE", f"/v1/tenants/{first.id}/keys/{keys[0]['id']}")
    expect_equal(first.api.call("GET", "/v1/messages").status, 401, "a revoked key")
