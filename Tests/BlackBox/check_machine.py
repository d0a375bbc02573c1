"""The machine under the program misbehaves: no room, no right to write, no time, the wrong time."""

import collections
import os
import sqlite3
import time

from harness import Client, expect, expect_equal, number, wait_for
from machine import MovableClock, SmallDisk
from registry import check


def expect_integrity(path):
    """The database, as its own engine sees it."""
    database = sqlite3.connect(path)
    try:
        expect_equal(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)], "the integrity of the database")
    finally:
        database.close()


def sends_by_text(sandbox):
    return collections.Counter(entry["text"] for entry in sandbox.ledger())


@check("a full disk is refused with 503, leaves nothing half-written, and is over when there is room", limit=150)
def full_disk(world):
    world.needs_sqlite()
    disk = SmallDisk(world, 24)
    sandbox = world.sandbox("--limit", "400/1s")
    node = world.node(database=disk.database, launcher=disk.launcher)
    tenant = node.tenant()
    channel = tenant.channel(sandbox, limits=((400, 1),))
    accepted = {tenant.send(number(index), f"before {index}")["id"] for index in range(20)}
    tenant.wait_until_final(20, within=30)

    disk.fill()
    refused = []

    def is_refused():
        # What the write-ahead log has room for already is still taken.
        text = f"full {len(accepted)} {len(refused)} " + "x" * 3000
        answer = tenant.api.call(
            "POST", "/v1/messages", body={"to": number(5000), "type": "text", "text": {"body": text}})
        if answer.status == 202:
            accepted.add(answer.json["id"])
            return False
        refused.append((answer, text))
        return len(refused) >= 5

    wait_for("refusals", is_refused, within=60, every=0)
    for answer, _ in refused:
        expect_equal(answer.status, 503, f"the answer on a full disk: {answer}")
        expect(int(answer.headers["retry-after"]) >= 1, f"a Retry-After: {answer.headers}")
        expect("problem+json" in answer.headers["content-type"], f"a problem: {answer.headers}")
        expect("martlet.db" not in answer.body.decode(), f"a path in {answer}")
    status, bad = wait_for("health not ready", lambda: (lambda h: h if h[0] == 503 else None)(node.health()))
    expect("no room on the disk" in (bad["store"] or ""), f"what is not ready: {bad}")
    expect_equal(Client(node.url).call("GET", "/health/live").status, 200, "a full disk does not end the process")

    def lines_about_it():
        return [line for line in node.log().splitlines() if "no room on the disk" in line]

    lines = wait_for("a line of the log about the disk", lines_about_it, within=10)
    expect(1 <= len(lines) <= 20, f"{len(lines)} lines about the disk: {lines[:3]}")
    webhook = Client(node.url).call(
        "POST", channel.webhook_url.removeprefix(node.url), raw=b'{"event": "messages.update", "data": {}}',
        headers={"X-Webhook-Signature": channel.webhook_secret})
    expect_equal(webhook.status, 503, f"a webhook on a full disk: {webhook}")
    expect("retry-after" in webhook.headers, f"a Retry-After for the webhook: {webhook.headers}")
    expect_equal({message["id"] for message in tenant.all_messages()}, accepted, "the log while the disk is full")

    disk.free()
    wait_for("health ready again", lambda: node.health()[0] == 200, within=15)
    accepted.add(tenant.send(number(2), "after")["id"])
    tenant.wait_until_final(len(accepted), within=60)
    log = {message["id"]: message for message in tenant.all_messages()}
    expect_equal(set(log), accepted, "the log after the disk was full")
    sends = sends_by_text(sandbox)
    expect_equal({text for _, text in refused} & set(sends), set(), "refused messages that were sent")
    for message in log.values():
        expect_equal(message["status"], "read", f"{message['id']} in the end")
        expect_equal(sends[message["payload"]["body"]], 1, f"sends of {message['id']}")
    expect("the store answers again" in node.log(), "the log says that it is over")
    expect_equal(node.stop(), 0, "the exit code")
    expect_integrity(disk.copy(world.folder))


def start(world, node):
    """Starts the node where it is expected to end by itself. Answers exit code, output and errors."""
    return world.run("serve", environment=node.own_environment(0), launcher=node.launcher, within=30)


@check("a database that cannot be written stops the start with one line that names it", limit=60)
def read_only(world):
    world.needs_sqlite()
    disk = SmallDisk(world, 24)
    node = world.node(database=disk.database, launcher=disk.launcher)
    tenant = node.tenant()
    expect_equal(node.stop(), 0, "the exit code")
    disk.set_read_only(True)
    code, output, errors = start(world, node)
    expect(code not in (0, None), f"a start on a read-only disk ends with {code}")
    expect_equal(len(errors.strip().splitlines()), 1, f"lines about a read-only disk: {errors}")
    for word in ("martlet.db", "ead-only"):
        expect(word in errors, f"a start on a read-only disk says {errors!r}")
    code, output = node.doctor()
    expect_equal(code, 1, f"the doctor's exit code: {output}")
    expect("ead-only" in output and "→" in output, f"the doctor says {output!r}")
    disk.set_read_only(False)
    node = node.restarted()
    expect_equal(tenant.on(node).counts()["queued"], 0, "the database once it can be written")


@check("a wall clock that is set forward and back stops nothing and passes no limit", limit=150)
def moved_clock(world):
    clock = MovableClock(world)
    sandbox = world.sandbox("--limit", "20/1s")
    node = world.node(environment=clock.environment, retry__delays="1,2,2,2", unknown__wait=2)
    tenant = node.tenant()
    tenant.channel(sandbox, limits=((20, 1),))
    total = 0

    def send_some(what):
        nonlocal total
        bodies = [
            {"to": number(total + index), "type": "text", "text": {"body": f"{what} {index}"}} for index in range(60)
        ]
        total += len(bodies)
        results = tenant.send_batch(bodies)
        return tenant.message(results[-1]["id"])

    first = send_some("in time")
    wait_for("sends under way", lambda: sandbox.statistics()["accepted"] >= 10)
    for what, seconds in (("a day ahead", 86_400), ("an hour behind", -3600), ("in time again", 0)):
        clock.move(seconds)
        # Some fail at first, so that something waits for its retry on every clock.
        sandbox.fault("status", status=500, count=8)
        message = send_some(what)
        if seconds > 0:
            expect(message["created_at"][:10] > first["created_at"][:10], f"the clock was moved: {message['created_at']}")
        wait_for(f"all sent {what}", lambda: sandbox.statistics()["accepted"] >= total, within=40)
    tenant.wait_until_final(total, within=40)
    statistics = sandbox.statistics()
    expect(statistics["highest_in_any_second"] <= 20, f"{statistics['highest_in_any_second']} in one second")
    expect_equal((statistics["refused_429"], statistics["duplicates"]), (0, 0), "sends over the limit, and duplicates")
    expect_equal(len(sandbox.ledger()), total, "sends")
    retried = [message for message in tenant.all_messages() if message["attempts"] == 2]
    expect_equal(len(retried), 24, "messages that were tried twice")
    expect_equal(node.health(), (200, {}), "health after the clock was moved")
    # What a restart finds is from a time that has not come yet.
    clock.move(-3600)
    node.kill()
    tenant = tenant.on(node.restarted())
    tenant.send(number(1), "after a restart in the past")
    tenant.wait_until_final(total + 1, within=30)
    expect(sandbox.statistics()["highest_in_any_second"] <= 20, "sends in one second over the restart")
