"""Ended or stopped at any moment, nothing that was accepted is lost."""

import collections
import os
import random
import signal
import threading
import time

from crash_campaign import Campaign, windows_passed
from harness import expect, expect_equal, number, wait_for
from registry import check


@check("kill -9 at random moments under load loses nothing, doubles nothing and passes no window", limit=240, alone=True)
def killed_under_load(world):
    seed = random.SystemRandom().randrange(1 << 32)
    report = Campaign(world, kills=6, seed=seed, cycle=2.0).run()
    expect(not report.problems, f"seed {seed}: {report.verdict()}\n{report.details()}\n{report.table()}")
    promised, sent = len(report.campaign.account.promises), len(report.ledger)
    expect(promised >= 60 and sent >= 60, f"too little happened: {promised} accepted, {sent} sent, seed {seed}")


@check("a loaded process that is stopped for longer than its leases goes on by itself, with nothing lost or doubled", limit=150)
def stopped_under_load(world):
    limits = ((20, 1), (60, 10))
    # Slow enough that requests are always under way.
    sandbox = world.sandbox(
        "--latency-ms", "150", *(flag for count, seconds in limits for flag in ("--limit", f"{count}/{seconds}s")))
    node = world.node(
        provider__timeout=1, lease__duration=1.5, unknown__wait=10, retry__delays="0.5,1,2", log__level="notice")
    tenant = node.tenant()
    channels = [tenant.channel(sandbox, name=name, token=True, limits=limits) for name in ("first", "second")]
    accepted, unanswered, stop = {}, [], threading.Event()

    def load(sender):
        count = 0
        while not stop.is_set():
            text = f"stopped {sender} {count}"
            try:
                message = tenant.send(
                    number(sender * 1000 + count), text, channel=("first", "second")[count % 2],
                    on_unknown=("retry", "hold")[sender % 2])
                accepted[message["id"]] = text
            except OSError:
                unanswered.append(text)
            count += 1
            time.sleep(0.15)

    senders = [threading.Thread(target=load, args=(sender,), daemon=True) for sender in range(4)]
    for sender in senders:
        sender.start()
    process = node.process.pid
    for seconds in (5, 3):
        before = sandbox.statistics()["accepted"]
        wait_for("sends under way", lambda: sandbox.statistics()["accepted"] >= before + 15, within=30)
        os.kill(process, signal.SIGSTOP)
        # What it has written is still on its way for a moment.
        time.sleep(1)
        reached = sandbox.statistics()["received"]
        time.sleep(seconds - 1)
        expect_equal(sandbox.statistics()["received"], reached, "requests of a process that is stopped")
        os.kill(process, signal.SIGCONT)
    wait_for("health after it went on", lambda: node.health() == (200, {}), within=20)
    stop.set()
    for sender in senders:
        sender.join(40)
    expect_equal(unanswered, [], "requests that never got an answer")
    expect(len(accepted) >= 30, f"only {len(accepted)} were accepted")
    tenant.wait_until_final(len(accepted), within=60)

    log = {message["id"]: message for message in tenant.all_messages()}
    expect_equal(set(log), set(accepted), "the log beside what was accepted")
    sends = collections.Counter(entry["text"] for entry in sandbox.ledger())
    expect_equal(sum(sends.values()), len(accepted), "sends beside what was accepted")
    for id, text in accepted.items():
        message = log[id]
        expect(message["status"] in ("delivered", "read"), f"{id} is {message['status']}: {message['error_reason']}")
        expect_equal(sends[text], 1, f"sends of {id}, {message}")
    for channel in channels:
        expect_equal(windows_passed(sandbox.ledger(), channel.session_key, limits), [], "windows passed")
    expect_equal(sandbox.statistics()["refused_429"], 0, "sends over the limit")
    expect_equal(node.health(), (200, {}), "health in the end")
    expect_equal(node.process.poll(), None, "the exit code of a process that goes on")


@check("a graceful stop finishes or gives back what is in flight", limit=120)
def graceful_stop(world):
    sandbox, node = world.sandbox("--latency-ms", "400"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    ids = [tenant.send(number(index), f"stop {index}")["id"] for index in range(60)]
    wait_for("sends in flight", lambda: sandbox.statistics()["received"] >= 5)
    start = time.monotonic()
    expect_equal(node.stop(), 0, "the exit code")
    expect(time.monotonic() - start < 30, "a graceful stop takes less than 30 s")
    tenant = tenant.on(node.restarted())
    tenant.wait_until_final(60, within=60)
    expect_equal((len(sandbox.ledger()), sandbox.statistics()["duplicates"]), (60, 0), "sends and duplicates")
    for id in ids:
        message = tenant.message(id)
        expect_equal((message["attempts"], message["duplicate_risk"]), (1, False), "attempts and risk")


@check("what waits for a retry survives a restart")
def retry_over_restart(world):
    sandbox = world.sandbox()
    node = world.node(retry__delays="4,4")
    tenant = node.tenant()
    tenant.channel(sandbox)
    sandbox.fault("status", status=500, count=1)
    accepted = tenant.send(number(1), "retry after the restart")
    wait_for("the first attempt", lambda: tenant.message(accepted["id"])["condition"] == "retrying")
    node.kill()
    tenant = tenant.on(node.restarted())
    message = tenant.wait(accepted["id"], "delivered", "read", within=30)
    expect_equal((message["attempts"], len(sandbox.ledger())), (2, 1), "attempts and sends")
