"""Webhooks as they come: forged, twice, in the wrong order, too early, not at all."""

import json
import os
import sqlite3

from harness import Client, expect, expect_equal, number, texts
from registry import check


@check("a webhook without proof is refused and leaves nothing behind")
def forged(world):
    sandbox, node = world.sandbox("--read-share", "0"), world.node()
    tenant = node.tenant()
    channel = tenant.channel(sandbox)
    message = tenant.wait(tenant.send(number(1), "target")["id"], "delivered")
    forged = {
        "event": "messages.update", "timestamp": 1747775431467, "data": {
            "update": {"status": 4},
            "key": {"remoteJid": "15550000001@s.whatsapp.net", "id": message["message_id"], "fromMe": True}}}
    path = channel.webhook_url.removeprefix(node.url)
    client = Client(node.url)
    for what, headers in [
        ("a wrong secret", {"X-Webhook-Signature": "0" * 32}), ("no secret", {}),
        ("an empty secret", {"X-Webhook-Signature": ""}),
        ("part of the secret", {"X-Webhook-Signature": channel.webhook_secret[:-1]}),
    ]:
        answer = client.call("POST", path, body=forged, headers=headers)
        expect_equal(answer.status, 401, f"a webhook with {what}")
    wrong_address = path.rsplit("/", 1)[0] + "/" + "0" * 48
    answer = client.call("POST", wrong_address, body=forged, headers={"X-Webhook-Signature": channel.webhook_secret})
    expect(answer.status in (401, 404), f"a webhook to a guessed address answers {answer}")
    expect_equal(node.metric("martlet_webhooks_total", result="unauthenticated"), 4, "refused webhooks in the metrics")
    expect_equal(tenant.message(message["id"])["status"], "delivered", "the status after forged receipts")
    answer = client.call("POST", path, body=forged, headers={"X-Webhook-Signature": channel.webhook_secret})
    expect_equal(answer.status, 200, "the same webhook with the right secret")
    tenant.wait(message["id"], "read")
    answer = client.call("POST", path, raw=b"{ not json", headers={"X-Webhook-Signature": channel.webhook_secret})
    expect_equal(answer.status, 200, "an unreadable webhook with the right secret")


@check("acknowledgements that come twice change nothing")
def doubled(world):
    faulty(world, "webhook_duplicate")


@check("acknowledgements in reverse order lead to the right status")
def reversed_order(world):
    faulty(world, "webhook_reorder")


@check("acknowledgements that come before the send's answer are kept and matched")
def early(world):
    faulty(world, "webhook_before_response")


@check("acknowledgements that come before the id is known are kept and matched")
def before_the_id(world):
    sandbox, node = world.sandbox("--info-delay-ms", "3000"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    ids = [result["id"] for result in tenant.send_batch(texts("early", 10))]
    for id in ids:
        tenant.wait(id, "read", within=40)


def faulty(world, kind):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    sandbox.fault(kind)
    ids = [result["id"] for result in tenant.send_batch(texts(kind, 20))]
    for id in ids:
        message = tenant.wait(id, "read", within=40)
        expect(message["read_at"], f"the time it was read is missing: {message}")
        kinds = [entry["type"] for entry in tenant.timeline(id)]
        for once in ("delivered", "read"):
            expect(kinds.count(once) <= 1, f"{once} stands {kinds.count(once)} times in the timeline: {kinds}")
    expect_equal(len(sandbox.ledger()), 20, "sends the provider saw")


@check("with all webhooks lost, statuses still arrive by look-up", limit=180)
def all_lost(world):
    # Late enough that the look-up which learns the id cannot tell it, too.
    sandbox, node = world.sandbox("--delivered-ms", "6000", "--read-ms", "60000"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    sandbox.fault("webhook_drop")
    ids = [result["id"] for result in tenant.send_batch(texts("lost", 5))]
    for id in ids:
        tenant.wait(id, "delivered", "read", within=120)
    expect_equal(len(sandbox.ledger()), 5, "sends the provider saw")


@check("a failure that the provider reports later is dead-lettered", limit=120)
def fails_later(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    accepted = tenant.send("+99912345670001", "accepted, then failed")
    message = tenant.wait(accepted["id"], "failed", within=90)
    expect_equal(message["dead_lettered"], True, "dead-lettered")


@check("no secret reaches a log or a database, and no body a log")
def secrets_stay_secret(world):
    sandbox, node = world.sandbox(), world.node(log__level="trace", unknown__wait=1, retry__delays="0.2")
    tenant = node.tenant()
    channel = tenant.channel(sandbox, token=True)
    body = "The secret of this message is 8c1f33a0."
    tenant.wait(tenant.send(number(1), body)["id"], "read")
    sandbox.fault("status", status=500, count=1)
    tenant.wait(tenant.send(number(2), body)["id"], "read", within=30)
    sandbox.fault("accept_then_reset", count=1)
    tenant.wait(tenant.send(number(3), body)["id"], "read", within=30)
    tenant.api.call("POST", "/v1/messages", raw=b'{"to": "' + body.encode())
    path = channel.webhook_url.removeprefix(node.url)
    answer = Client(node.url).call(
        "POST", path, body={"event": "session.status", "sessionId": channel.session_key, "data": {"status": "connected"}},
        headers={"X-Webhook-Signature": channel.webhook_secret})
    expect_equal(answer.status, 200, "a webhook that names the session's key")
    node.stop()
    secrets = {
        "the session's key": channel.session_key, "the personal access token": channel.personal_token,
        "the webhook secret": channel.webhook_secret, "the tenant's key": tenant.key,
        "the operator's token": node.admin_token,
    }
    log = "\n".join(node.lines) + node.log()
    for what, secret in {**secrets, "a message's body": body}.items():
        expect(secret not in log, f"{what} stands in the log")
    stored = world.stored()
    expect(stored, "something is stored")
    for place, contents in stored.items():
        for what, secret in secrets.items():
            for form in (secret.encode(), secret.encode().hex().encode()):
                expect(form not in contents, f"{what} stands in {place}")
    if world.server is not None:
        return
    expect(len(stored) >= 2, f"the database and its key file, found {list(stored)}")
    expect_equal(os.stat(os.path.join(world.folder, "martlet.db.key")).st_mode & 0o777, 0o600, "the key file's mode")


@check("the log is a table that anybody can read")
def the_table(world):
    world.needs_sqlite()
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    accepted = tenant.send("+14155550123", "in the table")
    tenant.wait(accepted["id"], "read")
    database = sqlite3.connect(f"file:{os.path.join(world.folder, 'martlet.db')}?mode=ro", uri=True)
    row = database.execute(
        "SELECT id, message_id, recipient, payload, status, error_reason, created_at, updated_at FROM communications_log"
    ).fetchone()
    database.close()
    expect_equal((row[0], row[2], row[5]), (accepted["id"], "+14155550123", None), "id, recipient and reason")
    payload = row[3].decode() if isinstance(row[3], bytes) else row[3]
    expect_equal(json.loads(payload), {"body": "in the table"}, "the payload")
