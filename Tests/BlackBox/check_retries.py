"""What is tried again, how often and when; and what is not."""

from check_sending import moment
from harness import expect, expect_equal, number, wait_for
from registry import check

UNKNOWN_NUMBER = "+99912345670000"


@check("what fails for the moment is retried on schedule, dead-lettered with its history, and replayed")
def retry_schedule(world):
    delays = (0.5, 1.5, 4.5)
    sandbox = world.sandbox()
    node = world.node(retry__delays=",".join(map(str, delays)))
    tenant = node.tenant()
    tenant.channel(sandbox)
    sandbox.fault("status", status=500, to=number(1))
    accepted = tenant.send(number(1), "persistent")
    wait_for("a retrying message", lambda: tenant.message(accepted["id"])["condition"] == "retrying")
    expect(tenant.message(accepted["id"])["next_attempt_at"], "a retrying message says when it is tried next")
    failed = tenant.wait(accepted["id"], "failed")
    expect(failed["error_reason"].startswith("attempts_exhausted"), f"wanted exhausted, got {failed['error_reason']}")
    expect_equal((failed["attempts"], failed["dead_lettered"]), (4, True), "attempts and dead-lettered")

    letter = tenant.api.get(f"/v1/dead-letters/{accepted['id']}")
    history = letter["attempt_history"]
    expect_equal([entry["attempt"] for entry in history], [1, 2, 3, 4], "the attempts' numbers")
    for entry in history:
        expect_equal((entry["outcome"], entry["http_status"]), ("transient", 500), "an attempt's outcome")
        expect(entry["duration_ms"] is not None and entry["error"], f"an attempt without latency or error: {entry}")
    # An attempt's entry has the time at which it began; the delay counts from its end.
    starts = [moment(entry["at"]).timestamp() for entry in history]
    ends = [moment(entry["at"]).timestamp() + entry["duration_ms"] / 1000 for entry in history]
    for index, delay in enumerate(delays):
        waited = starts[index + 1] - ends[index]
        expect(
            delay - 0.05 <= waited <= delay * 1.1 + 0.35,
            f"attempt {index + 2} came {waited:.2f} s after the one before it, wanted {delay} s to {delay * 1.1:.2f} s")
    expect_equal(sandbox.ledger(), [], "the ledger while all attempts fail")

    replayed = tenant.api.post(f"/v1/dead-letters/{accepted['id']}/replay", {"to": number(2)})
    expect_equal((replayed["id"], replayed["to"]), (accepted["id"], number(2)), "the replayed message")
    message = tenant.wait(accepted["id"], "delivered", "read")
    expect_equal((message["attempts"], message["dead_lettered"], message["to"]), (1, False, number(2)), "after the replay")
    kinds = [entry["type"] for entry in tenant.timeline(accepted["id"])]
    expect_equal(kinds.count("attempt"), 5, "attempts in the timeline after the replay")
    expect("dead_lettered" in kinds and "replayed" in kinds, f"the timeline keeps what was: {kinds}")
    expect_equal(tenant.api.call("GET", f"/v1/dead-letters/{accepted['id']}").status, 404, "the dead letter after its replay")


@check("a permanent refusal is dead-lettered at once")
def permanent_refusal(world):
    sandbox, node = world.sandbox(), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    accepted = tenant.send(UNKNOWN_NUMBER, "nobody there")
    failed = tenant.wait(accepted["id"], "failed", within=10)
    expect(failed["error_reason"].startswith("invalid_recipient: "), f"the reason is {failed['error_reason']}")
    expect_equal((failed["attempts"], failed["dead_lettered"]), (1, True), "attempts and dead-lettered")
    listed = tenant.api.get("/v1/dead-letters")["data"]
    expect_equal([letter["id"] for letter in listed], [accepted["id"]], "the dead-letter queue")
    expect_equal(tenant.api.call("DELETE", f"/v1/dead-letters/{accepted['id']}").status, 204, "a discard")
    expect_equal(tenant.api.get("/v1/dead-letters")["data"], [], "the dead-letter queue after the discard")
    expect_equal(tenant.message(accepted["id"])["status"], "failed", "the log after the discard")


@check("a provider that is down for a while gets the message once it is back")
def provider_away(world):
    sandbox = world.sandbox()
    node = world.node(retry__delays="0.3,0.6,1.2,2.4,4.8")
    tenant = node.tenant()
    tenant.channel(sandbox)
    sandbox.fault("status", status=503, count=3)
    accepted = tenant.send(number(1), "patient")
    message = tenant.wait(accepted["id"], "delivered", "read", within=30)
    expect_equal(message["attempts"], 4, "attempts")
    expect_equal(len(sandbox.ledger()), 1, "sends the provider accepted")


@check("a throttled provider costs no attempt", limit=120)
def throttling(world):
    # The channel believes in 50 a second, the provider allows 10.
    sandbox, node = world.sandbox("--limit", "10/1s"), world.node()
    tenant = node.tenant()
    tenant.channel(sandbox)
    ids = [result["id"] for result in tenant.send_batch([
        {"to": number(index), "type": "text", "text": {"body": f"storm {index}"}} for index in range(60)])]
    tenant.wait_until_final(60, within=90)
    statistics = sandbox.statistics()
    expect(statistics["refused_429"] > 0, f"there was no 429 to see: {statistics}")
    expect_equal((statistics["accepted"], statistics["duplicates"]), (60, 0), "sends and duplicates")
    for id in ids:
        expect_equal(tenant.message(id)["attempts"], 1, f"attempts of {id}")


@check("a session that is down holds messages and burns no attempt", limit=150)
def session_down(world):
    sandbox = world.sandbox()
    node = world.node(retry__delays="0.2,0.2")
    tenant = node.tenant()
    channel = tenant.channel(sandbox)
    tenant.wait(tenant.send(number(0), "before")["id"], "delivered", "read")
    sandbox.fault("session_down", key=channel.session_key)
    ids = [result["id"] for result in tenant.send_batch([
        {"to": number(index), "type": "text", "text": {"body": f"held {index}"}} for index in range(1, 101)])]
    wait_for("the channel's status", lambda: tenant.api.get(f"/v1/channels/{channel.id}")["status"] == "disconnected")

    def held():
        return [tenant.message(id) for id in (ids[0], ids[50], ids[99])]

    wait_for("messages that say why they wait", lambda: all(
        message["condition"] == "held: session disconnected" for message in held()))
    for message in held():
        expect_equal((message["status"], message["attempts"]), ("queued", 0), "a held message")
        expect(message["condition_since"], "a held message says since when")
    sandbox.end_faults()
    tenant.wait_until_final(101, within=90)
    expect_equal(len(sandbox.ledger()), 101, "sends the provider accepted")
    for message in held():
        expect_equal(message["attempts"], 1, "attempts once the session was up")


@check("refused credentials hold the channel until they are mended", limit=150)
def unauthorized(world):
    sandbox = world.sandbox()
    node = world.node()
    tenant = node.tenant()
    channel = tenant.channel(sandbox)
    sandbox.fault("status", status=401, json={"success": False, "message": "Invalid API key"}, key=channel.session_key)
    accepted = tenant.send(number(1), "locked out")
    wait_for("the channel's status", lambda: tenant.api.get(f"/v1/channels/{channel.id}")["status"] == "unauthorized")
    # The channel is known to hold a moment before the attempt is stored.
    wait_for("a held message", lambda: tenant.message(accepted["id"])["condition"] == "held: channel unauthorized")
    expect_equal(tenant.message(accepted["id"])["attempts"], 0, "attempts of the held message")
    sandbox.end_faults()
    answer = tenant.api.call("PATCH", f"/v1/channels/{channel.id}", body={"credentials": {"api_key": channel.session_key}})
    expect_equal((answer.status, answer.json["status"]), (200, "active"), "the mended channel")
    tenant.wait(accepted["id"], "delivered", "read")
