"""Several processes on one database: who accepts, who dispatches, and what becomes of it when one is gone."""

import os
import subprocess
import threading

from harness import Client, EventStream, Skipped, expect, expect_equal, number, texts, wait_for
from registry import check

# Short, so that what a killed process had claimed goes on soon.
SHORT = {"provider__timeout": 3, "lease__duration": 4, "unknown__wait": 2}


@check("processes with different roles share one database", limit=120)
def roles(world):
    world.needs_postgresql()
    sandbox = world.sandbox()
    worker = world.node(roles="worker")
    front = world.node(roles="api,webhooks")
    expect_equal(worker.admin.call("GET", "/v1/tenants").status, 404, "the API where it is not served")
    tenant = front.tenant()
    tenant.channel(sandbox)
    accepted = tenant.send(number(1), "from one process, sent by another")
    tenant.wait(accepted["id"], "read")
    expect_equal(len(sandbox.ledger()), 1, "sends the provider accepted")


@check("who listens at one process hears what another does", limit=120)
def status_stream(world):
    world.needs_postgresql()
    sandbox = world.sandbox()
    world.node(roles="worker")
    hooks = world.node(roles="webhooks")
    front, other = world.node(roles="api"), world.node(roles="api")
    tenant = front.tenant()
    channel = tenant.channel(sandbox, webhooks=False)
    path = channel.webhook_url[channel.webhook_url.index("/webhooks/"):]
    sandbox.send_webhooks(channel.session_key, f"{hooks.url}{path}", channel.webhook_secret)
    with EventStream(tenant.api) as stream:
        for round in range(3):
            accepted = tenant.on(other).send(number(1 + round), f"round {round}")
            seen = []
            while not seen or seen[-1] != "read":
                message = stream.next()
                if message["id"] == accepted["id"]:
                    seen.append(message["status"])
            order = ["queued", "sent", "delivered", "read"]
            expect_equal(sorted(seen, key=order.index), seen, "statuses in their order")
            # Two in quick succession may be told as one, with what became of the message in the end.
            expect(len(set(seen)) >= 2, f"what the message went through, not only {seen}")
    for client in (tenant.api, tenant.on(other).api):
        wait_for(
            "the rates of all processes at each",
            lambda: client.get("/v1/stats")["channels"][0]["sent_last_minute"] == 3)


@check("what one process has just made, another knows")
def made_elsewhere(world):
    world.needs_postgresql()
    sandbox, first, second = world.sandbox(), world.node(), world.node()
    id = first.admin.post("/v1/tenants", {"name": "acme"}, wanted=(201,))["id"]
    key = second.admin.post(f"/v1/tenants/{id}/keys", {}, wanted=(201,))["key"]
    expect_equal(Client(first.url, bearer=key).call("GET", "/v1/channels").status, 200, "a key made by the other process")
    tenant = first.tenant("another")
    tenant.channel(sandbox)
    accepted = tenant.on(second).send(number(1), "over a channel made by the other process")
    tenant.wait(accepted["id"], "read")


def everywhere(tenant, channel, nodes):
    """Waits until every process knows the channel: each reads the directory anew every few seconds."""
    for node in nodes:
        wait_for(
            "the channel at every process",
            lambda: tenant.on(node).api.call("GET", f"/v1/channels/{channel.id}").status == 200)


@check("three processes send at one channel's rate together", limit=180, alone=True)
def together(world):
    world.needs_postgresql()
    sandbox = world.sandbox("--limit", "50/1s")
    nodes = [world.node(), world.node(), world.node()]
    tenant = nodes[0].tenant()
    channel = tenant.channel(sandbox, webhooks=False)
    everywhere(tenant, channel, nodes)
    total = 1350
    for start in range(0, total, 150):
        results = tenant.on(nodes[start // 150 % 3]).send_batch(texts("together", total)[start:start + 150])
        expect_equal({result["status"] for result in results}, {202}, "answers to the batch")
    wait_for("everything sent", lambda: sandbox.statistics()["accepted"] >= total, within=90, every=0.2)
    statistics = sandbox.statistics()
    expect_equal(statistics["accepted"], total, "sends")
    expect(statistics["highest_in_any_second"] <= 50, f"{statistics['highest_in_any_second']} in one second")
    expect_equal(statistics["refused_429"], 0, "refusals")
    times = sorted(entry["received_us"] for entry in sandbox.ledger())
    # From when all are at work to the last second, in which little is left.
    counted = [time for time in times if times[0] + 3e6 <= time <= times[-1] - 1e6]
    rate = (len(counted) - 1) / (counted[-1] - counted[0]) * 1e6
    shares = [node.metric("martlet_attempts_total") for node in nodes]
    world.say(f"{rate:.2f} a second; of the processes: {', '.join(f'{share:.0f}' for share in shares)}; "
              f"at most {statistics['highest_in_any_second']} in a second")
    expect(min(shares) > 0, f"a process sent nothing: {shares}")
    expect(rate <= 45 * 1.02, f"{rate:.2f} a second")


@check("of three processes one is killed, and what it had claimed goes on within a lease", limit=180, alone=True)
def takeover(world):
    world.needs_postgresql()
    sandbox = world.sandbox("--limit", "50/1s")
    first = world.node(**SHORT)
    others = [world.node(**SHORT), world.node(**SHORT)]
    tenant = first.tenant()
    elsewhere = tenant.on(others[0])
    channel = tenant.channel(sandbox, webhooks=False)
    everywhere(tenant, channel, others)
    total = 600
    for start in range(0, total, 200):
        results = tenant.on(others[start // 200 % 2]).send_batch(texts("takeover", total)[start:start + 200])
        expect_equal({result["status"] for result in results}, {202}, "answers to the batch")
    wait_for("sends under way", lambda: sandbox.statistics()["accepted"] >= 150)
    first.kill()
    wait_for(
        "everything sent", lambda: elsewhere.counts()["queued"] == 0, within=90, every=0.2)
    messages = elsewhere.all_messages()
    expect_equal(len(messages), total, "messages in the log")
    expect_equal({message["status"] for message in messages} - {"sent", "delivered", "read"}, set(), "other statuses")
    statistics = sandbox.statistics()
    expect(statistics["highest_in_any_second"] <= 50, f"{statistics['highest_in_any_second']} in one second")
    expect_equal(statistics["refused_429"], 0, "refusals")
    sent = [entry["text"] for entry in sandbox.ledger()]
    expect_equal(len(set(sent)), total, "different messages that were sent")
    risky = sum(message["duplicate_risk"] for message in messages)
    expect(len(sent) - total <= risky, f"{len(sent) - total} sent twice, {risky} of them marked")


def under_load(world, tenant, disturb, every):
    """Sends 400 messages, one after the other, while the database is disturbed every so often. Answers their ids."""
    is_over = threading.Event()

    def disturb_often():
        while not is_over.wait(every):
            disturb()

    disturber = threading.Thread(target=disturb_often)
    disturber.start()
    accepted = set()
    try:
        for body in texts("disturbed", 400):
            # A refusal may come although all was stored: the same key says so.
            body["idempotency_key"] = body["text"]["body"]

            def send(body=body):
                answer = tenant.api.call("POST", "/v1/messages", body=body)
                expect(answer.status in (200, 202, 503), f"the answer {answer}")
                return answer.json["id"] if answer.status != 503 else None

            accepted.add(wait_for("an answer", send, within=60))
    finally:
        is_over.set()
        disturber.join()
    expect_equal(len(accepted), 400, "different ids")
    return accepted


def expect_whole(tenant, sandbox, accepted):
    """Waits for the end, and holds what was accepted against the log and against what the provider got."""
    tenant.wait_until_final(len(accepted), within=90)
    messages = tenant.all_messages()
    expect_equal({message["id"] for message in messages}, accepted, "what is in the log")
    sent = [entry["text"] for entry in sandbox.ledger()]
    risky = sum(message["duplicate_risk"] for message in messages)
    expect_equal(len(set(sent)), len(accepted), "different messages that were sent")
    expect(len(sent) - len(accepted) <= risky, f"{len(sent) - len(accepted)} sent twice, {risky} of them marked")
    counts = tenant.counts()
    expect_equal(sum(counts.values()), len(accepted), f"what the counters say: {counts}")


@check("connections to the database that are cut under load lose and double nothing", limit=240, alone=True)
def cut_connections(world):
    world.needs_postgresql()
    sandbox = world.sandbox("--limit", "200/1s")
    node = world.node(**SHORT)
    tenant = node.tenant()
    tenant.channel(sandbox, limits=((200, 1),))
    accepted = under_load(
        world, tenant, every=0.4, disturb=lambda: world.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"))
    expect_whole(tenant, sandbox, accepted)
    wait_for("a node that is well", lambda: node.health()[0] == 200)


@check("a database that crashes under load loses and doubles nothing, and all goes on by itself", limit=300, alone=True)
def crashing_database(world):
    world.needs_postgresql()
    restart = os.environ.get("MARTLET_TEST_POSTGRESQL_RESTART")
    if restart is None:
        raise Skipped("nobody says how to restart the server: see scripts/with-servers")
    sandbox = world.sandbox("--limit", "200/1s")
    nodes = [world.node(**SHORT), world.node(**SHORT)]
    tenant = nodes[0].tenant()
    tenant.channel(sandbox, limits=((200, 1),))
    accepted = under_load(world, tenant, every=2, disturb=lambda: subprocess.run([restart], check=True, timeout=100))
    expect_whole(tenant, sandbox, accepted)
    for node in nodes:
        wait_for("a node that is well", lambda: node.health()[0] == 200)


@check("no secret reaches a log or PostgreSQL, and no body a log")
def secrets_stay_secret(world):
    world.needs_postgresql()
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
