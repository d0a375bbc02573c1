"""Ended at any moment, nothing that was accepted is lost."""

import threading
import time

from harness import expect, expect_equal, number, wait_for
from registry import check


@check("kill -9 under load loses no accepted message", limit=240, alone=True)
def killed_under_load(world):
    sandbox = world.sandbox("--limit", "400/1s")
    node = world.node(unknown__wait=3, lease__duration=5, provider__timeout=3, retry__delays="0.5,1,2")
    tenant = node.tenant()
    tenant.channel(sandbox, token=True, limits=((400, 1),))
    accepted, lock = {}, threading.Lock()
    for round in range(3):
        stop = threading.Event()

        def load(sender, tenant=tenant):
            count = 0
            while not stop.is_set():
                text = f"load {round} {sender} {count}"
                count += 1
                try:
                    message = tenant.send(number(sender * 1000 + count % 1000), text)
                except Exception:
                    # No answer: the message may or may not be there, nobody was promised anything.
                    time.sleep(0.02)
                    continue
                with lock:
                    accepted[message["id"]] = text

        threads = [threading.Thread(target=load, args=(sender,)) for sender in range(6)]
        for thread in threads:
            thread.start()
        wanted = len(accepted) + 120
        wait_for("messages accepted under load", lambda: len(accepted) >= wanted, within=40)
        node.kill()
        stop.set()
        for thread in threads:
            thread.join()
        node = node.restarted()
        tenant = tenant.on(node)

    def open_messages():
        counts = tenant.counts()
        return counts.get("queued", 0) + counts.get("sent", 0)

    wait_for("every message final", lambda: open_messages() == 0, within=120, every=0.5)
    log = {message["id"]: message for message in tenant.all_messages()}
    missing = [id for id in accepted if id not in log]
    expect_equal(missing, [], "accepted messages that are not in the log")
    sent = {}
    for entry in sandbox.ledger():
        sent[entry["text"]] = sent.get(entry["text"], 0) + 1
    for id, text in accepted.items():
        message = log[id]
        expect(message["status"] in ("delivered", "read"), f"{id} is {message['status']}: {message['error_reason']}")
        expect(sent.get(text, 0) >= 1, f"{id} is {message['status']} and the provider never saw it")
        if sent[text] > 1:
            expect(message["duplicate_risk"], f"{id} was sent {sent[text]} times and does not say so")


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
