"""Dead letters queued again in bulk."""

import bisect
import datetime
import json
import os
import time

from harness import expect, expect_equal, wait_for
from registry import check


def nobody(index):
    """A number that does not exist on WhatsApp, in the country of the sandbox's purposeful numbers."""
    return f"+999{index:06d}0000"


def corrected(index):
    return f"+44{index:06d}0000"


def dead_letters(tenant, count, **fields):
    """Sends to numbers that do not exist, and answers the ids once all are dead-lettered."""
    results = tenant.send_batch([
        {"to": nobody(index), "type": "text", "text": {"body": f"replay {index}"}, **fields} for index in range(count)])
    tenant.wait_until_final(count, within=60)
    expect_equal(tenant.api.get("/v1/stats")["dead_letters"], count, "dead letters")
    return [result["id"] for result in results]


# How many, and how many a second: `make replay` sets what takes longer than a test may.
MESSAGES = int(os.environ.get("REPLAY_MESSAGES", "300"))
PER_SECOND = int(os.environ.get("REPLAY_PER_SECOND", "100"))


@check(
    "a bulk replay with a correction survives kill -9 and sends each message once",
    limit=180 + MESSAGES / PER_SECOND, alone=True)
def replay_over_kill(world):
    sandbox = world.sandbox("--limit", "400/1s")
    node = world.node(unknown__wait=3)
    tenant = node.tenant()
    channel = tenant.channel(sandbox, token=True, limits=((400, 1),))
    ids = dead_letters(tenant, MESSAGES)
    expect_equal(len(sandbox.ledger()), 0, "sends before the replay")

    request = {
        "filter": {"reason": "invalid_recipient"}, "per_second": PER_SECOND, "correct": {"to_prefix": ["+999", "+44"]}}
    estimate = tenant.api.post("/v1/replays", {**request, "dry_run": True}, wanted=(200,))
    expect_equal(estimate, {"matched": MESSAGES, "skipped": 0}, "the dry run")
    expect_equal(tenant.api.get("/v1/stats")["dead_letters"], MESSAGES, "dead letters after the dry run")
    began = time.monotonic()
    job = tenant.api.post("/v1/replays", request, wanted=(202,))
    expect_equal((job["status"], job["matched"], job["finished_at"]), ("running", MESSAGES, None), "the job")

    def progress():
        return tenant.api.get(f"/v1/replays/{job['id']}")

    def reached(share):
        return lambda: progress()["replayed"] >= MESSAGES * share

    # What the provider has in hand when the process dies is an unknown outcome and may rightly be sent again. So the channel is
    # paused first: whatever is sent twice after that, the replay has queued twice.
    long = 30 + MESSAGES / PER_SECOND
    wait_for("the first of them", reached(0.2), within=long, every=0.02)
    tenant.api.post(f"/v1/channels/{channel.id}/pause")

    def nothing_in_flight():
        queued = tenant.all_messages(status="queued")
        return queued and all(message["condition"] == "held: channel paused" for message in queued)

    wait_for("no send in flight", nothing_in_flight)
    wait_for("half of them", reached(0.5), within=long, every=0.02)
    node.kill()
    killed_after = time.monotonic() - began
    shortest = 0.5 * MESSAGES / PER_SECOND - 0.1
    expect(killed_after >= shortest, f"half of them took {killed_after:.2f} s, and not {shortest:.2f} s or more")
    node = node.restarted()
    tenant = tenant.on(node)
    at_restart = progress()["replayed"]
    expect(at_restart < MESSAGES, "the kill came before the end")
    tenant.api.post(f"/v1/channels/{channel.id}/resume")
    over = wait_for("the job's end", lambda: (lambda j: j if j["status"] != "running" else None)(progress()), within=long)
    took = time.monotonic() - began
    expect_equal(
        [over[name] for name in ("status", "matched", "replayed", "skipped", "failed")],
        ["finished", MESSAGES, MESSAGES, 0, 0], "the job at its end")
    expect(over["finished_at"], "a finished job says when it ended")
    tenant.wait_until_final(MESSAGES, within=60)
    log = {message["id"]: message for message in tenant.all_messages()}
    expect_equal(sorted(log), sorted(ids), "the ids in the log")
    moments = []
    for index, id in enumerate(ids):
        message = log[id]
        expect(message["status"] in ("delivered", "read"), f"{id} is {message['status']}: {message['error_reason']}")
        expect_equal(message["to"], corrected(index), f"the number of {id}")
        replayed = [entry["at"] for entry in tenant.timeline(id) if entry["type"] == "replayed"]
        expect_equal(len(replayed), 1, f"replays of {id}")
        moments.append(datetime.datetime.fromisoformat(replayed[0]).timestamp())
    ledger = sandbox.ledger()
    expect_equal(len(ledger), MESSAGES, "sends the provider accepted")
    expect_equal(len({entry["to"] for entry in ledger}), MESSAGES, "recipients the provider saw")
    expect_equal(sandbox.statistics()["duplicates"], 0, "duplicates")
    expect_equal(tenant.api.get("/v1/stats")["dead_letters"], 0, "dead letters at the end")
    moments.sort()
    busiest = max(bisect.bisect_left(moments, start + 1) - index for index, start in enumerate(moments))
    # A pace may catch up on two portions of a tenth of a second.
    expect(busiest <= 1.2 * PER_SECOND + 2, f"{busiest} were queued again within a second")
    world.say(
        f"{MESSAGES} dead letters at {PER_SECOND}/s: killed after {killed_after:.1f} s with {at_restart} queued again, "
        f"finished after {took:.1f} s; {len(ledger)} sends, {len(log)} delivered, 0 twice; "
        f"{busiest} queued again in the busiest second")


@check("a bulk replay from the command line: dry run, watch, cancel", limit=120)
def replay_commands(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    ids = dead_letters(tenant, 40)
    environment = {"MARTLET_URL": node.url, "MARTLET_KEY": tenant.key}

    def run(*arguments, code=0):
        exit_code, output, errors = world.run("dlq", *arguments, environment=environment)
        expect_equal(exit_code, code, f"{' '.join(arguments)} with {errors!r} and {output!r}")
        return output

    expect("would replay 40 of 40" in run("replay", "--channel", "main", "--dry-run"), "the dry run")
    run("replay", ids[0], "--to", corrected(0), "--watch")
    slow = json.loads(run("replay", "--all", "--per-second", "1", "--to-prefix", "+999", "+44", "--json"))
    wait_for("its first message", lambda: tenant.api.get(f"/v1/replays/{slow['id']}")["replayed"] > 0)
    expect("cancelled" in run("cancel", slow["id"]), "the cancelled job")
    expect("409" in world.run("dlq", "cancel", slow["id"], environment=environment)[2], "the second cancellation")
    left = tenant.api.get("/v1/stats")["dead_letters"]
    expect(30 < left < 39, f"{left} dead letters after the cancellation")
    followed = run(
        "replay", "--reason", "invalid_recipient", "--per-second", "50", "--to-prefix", "+999", "+44", "--watch")
    expect_equal(followed.strip().splitlines()[-1], f"finished: {left} of {left} replayed", "the last line")
    tenant.wait_until_final(40, within=60)
    expect_equal((len(sandbox.ledger()), sandbox.statistics()["duplicates"]), (40, 0), "sends and duplicates")
