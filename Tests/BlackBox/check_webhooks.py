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
