"""How fast, in which order, and never faster than allowed."""

import time

from harness import expect, expect_equal, number, texts, wait_for
from registry import check


@check("a backlog leaves at 45 a second under a limit of 50, and no second holds more than 50", limit=150, alone=True)
def sustained_rate(world):
    sandbox, node = world.sandbox("--limit", "50/1s"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    tenant.send_batch(texts("backlog", 450))
    tenant.wait_until_final(450, within=60)
    moments = [entry["received_us"] / 1e6 for entry in sandbox.ledger()]
    expect_equal(len(moments), 450, "sends the provider accepted")
    middle = moments[60:420]
    rate = (len(middle) - 1) / (middle[-1] - middle[0])
    # Faster is never right. That it is 45 to within 2 % is shown in virtual time (PipelineTests); a machine that is busy with
    # something else may be slower.
    expect(45 * 0.85 <= rate <= 45 * 1.02, f"{rate:.2f} messages a second, wanted 45")
    statistics = sandbox.statistics()
    expect(statistics["highest_in_any_second"] <= 50, f"{statistics['highest_in_any_second']} in one second")
    expect_equal((statistics["refused_429"], statistics["duplicates"]), (0, 0), "refusals and duplicates")


@check("a restart in the middle of a backlog passes no limit", limit=150, alone=True)
def rate_over_restart(world):
    sandbox, node = world.sandbox("--limit", "50/1s"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    tenant.send_batch(texts("restart", 250))
    wait_for("sends under way", lambda: sandbox.statistics()["accepted"] >= 60)
    expect_equal(node.stop(), 0, "the exit code of a graceful stop")
    tenant = tenant.on(node.restarted())
    tenant.wait_until_final(250, within=60)
    statistics = sandbox.statistics()
    expect(statistics["highest_in_any_second"] <= 50, f"{statistics['highest_in_any_second']} in one second")
    expect_equal(
        (statistics["accepted"], statistics["refused_429"], statistics["duplicates"]), (250, 0, 0),
        "sends, refusals and duplicates")
    expect_equal({message["attempts"] for message in tenant.all_messages()}, {1}, "attempts over the restart")


@check("a high priority overtakes twenty thousand, and a neighbour waits for nobody", limit=240, alone=True)
def priorities(world):
    sandbox, node = world.sandbox("--limit", "20/1s"), world.node()
    busy, quiet = node.tenant("busy"), node.tenant("quiet")
    busy.channel(sandbox, limits=((20, 1),))
    quiet.channel(sandbox, limits=((20, 1),))
    busy.send_batch(texts("low", 20_000, priority="low"))
    wait_for("the low ones under way", lambda: sandbox.statistics()["accepted"] >= 20)

    before = len(sandbox.ledger())
    urgent = busy.send(number(30_000), "high", priority="high")
    busy.wait(urgent["id"], "sent", "delivered", "read", within=10)
    entries = sandbox.ledger()
    position = next(index for index, entry in enumerate(entries) if entry["text"] == "high")
    # What was claimed already is on its way; nothing else may come first.
    expect(position - before <= 10, f"{position - before} low ones left before the high one")

    start = time.monotonic()
    neighbour = quiet.send(number(40_000), "neighbour")
    quiet.wait(neighbour["id"], "sent", "delivered", "read", within=5)
    expect(time.monotonic() - start < 2, f"the neighbour took {time.monotonic() - start:.1f} s")
    expect_equal(busy.counts().get("queued", 0) > 15_000, True, "low ones still waiting")


@check("one recipient is not hurried", limit=90)
def recipient_pace(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox, recipient_interval_ms=1000)
    for index in range(3):
        tenant.send(number(1), f"to one {index}")
    tenant.send(number(2), "to another")
    tenant.wait_until_final(4, within=30)
    moments = [entry["received_us"] / 1e6 for entry in sandbox.ledger() if entry["to"].lstrip("+") == number(1).lstrip("+")]
    expect_equal(len(moments), 3, "sends to the one")
    for earlier, later in zip(moments, moments[1:]):
        expect(later - earlier >= 0.95, f"{later - earlier:.2f} s between two messages to one recipient")
