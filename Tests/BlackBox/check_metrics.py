"""What is measured: every number there, moving the way it should, and described; and the heartbeat that turns red."""

import os
import pathlib
import re
import sqlite3
import time

from harness import Client, Failure, expect, expect_equal, number, texts, wait_for
from registry import check

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
# What only a service that cannot take any more tells.
UNSEEN = {("martlet_webhooks_total", "result", "overloaded")}


class Scrape:
    """What `/metrics` says at one moment."""

    def __init__(self, node):
        text = Client(node.url).call("GET", "/metrics").body.decode()
        self.kinds, self.helps, self.samples = {}, {}, []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.kinds[name] = kind
            elif line.startswith("# HELP "):
                _, _, name, words = line.split(" ", 3)
                self.helps[name] = words
            else:
                found = SAMPLE.match(line)
                expect(found, f"a line of the metrics that is no sample: {line!r}")
                labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', found[2] or ""))
                self.samples.append((found[1], labels, float(found[3])))

    def family(self, name):
        """The metric that a sample belongs to."""
        base = re.sub(r"_(bucket|sum|count)$", "", name)
        return base if self.kinds.get(base) == "histogram" else name

    def value(self, name, **labels):
        return sum(
            value for sample, has, value in self.samples
            if sample == name and all(has.get(label) == wanted for label, wanted in labels.items()))


def described():
    """The table of docs/metrics.md: name → (kind, labels, meaning)."""
    page = pathlib.Path(__file__).parents[2].joinpath("docs", "metrics.md").read_text()
    table = {}
    for line in page.splitlines():
        if line.startswith("| `martlet_"):
            name, kind, labels, meaning = (cell.strip() for cell in line.split("|")[1:-1])
            table[name.strip("`")] = (kind, set(re.findall(r"`(\w+)`", labels)), meaning)
    return table


def expect_as_described(scrape):
    table = described()
    own = {name: kind for name, kind in scrape.kinds.items() if name.startswith("martlet_")}
    expect_equal(own, {name: kind for name, (kind, _, _) in table.items()}, "the metrics beside those that are described")
    seen = {}
    for sample, labels, _ in scrape.samples:
        name = scrape.family(sample)
        if name not in table:
            continue
        expect(scrape.helps.get(name), f"{name} says what it is")
        expect_equal(set(labels) - {"le"}, table[name][1], f"the labels of {name}")
        for label, value in labels.items():
            seen.setdefault((name, label), set()).add(value)
    # The values of a label whose meaning lists them.
    for name, label in (("martlet_attempts_total", "outcome"), ("martlet_messages_status_total", "status"),
                        ("martlet_channel_holds_total", "status"), ("martlet_webhooks_total", "result")):
        words = set(re.findall(r"[a-z_]+", table[name][2].split(":")[-1] if ":" in table[name][2] else table[name][2]))
        values = seen.get((name, label), set())
        expect(values <= words, f"{name} has {label} {sorted(values - words)}, which {table[name][2]!r} does not list")
        missing = {word for word in words - values if (name, label, word) not in UNSEEN} & LISTED[name]
        expect_equal(missing, set(), f"values of {name}'s {label} that never came")


LISTED = {
    "martlet_attempts_total": {"accepted", "rejected", "throttled", "session_down", "unauthorized", "transient", "unknown"},
    "martlet_messages_status_total": {"sent", "delivered", "read", "failed"},
    "martlet_channel_holds_total": {"disconnected", "unauthorized", "unavailable"},
    "martlet_webhooks_total": {"accepted", "unauthenticated", "overloaded", "processed", "set_aside"},
}


class Story:
    """A tenant whose fortunes are measured."""

    def __init__(self, world):
        # Apart enough that each step of a message is told by itself.
        self.sandbox = world.sandbox("--delivered-ms", "300", "--read-ms", "800")
        self.node = world.node(retry__delays="0.3,0.3", unknown__wait=1, provider__timeout=2)
        self.tenant = self.node.tenant()
        self.channel = self.tenant.channel(self.sandbox)
        self.before = Scrape(self.node)

    def changes(self, what, within=20, **wanted):
        """Waits until metrics have changed by as much since the last call; a pair is a range. Names are without prefix; what
        follows a double underscore is `label_value`."""
        def differences():
            now = Scrape(self.node)
            found = {}
            for key in wanted:
                name, *labels = key.split("__")
                labels = dict(label.split("_is_", 1) for label in labels)
                found[key] = now.value("martlet_" + name, **labels) - self.before.value("martlet_" + name, **labels)
            return now, found

        def fits(amount, target):
            return target[0] <= amount <= target[1] if isinstance(target, tuple) else amount == target

        last = {}

        def look():
            now, found = differences()
            last.update(found)
            return now if all(fits(found[key], target) for key, target in wanted.items()) else None

        try:
            self.before = wait_for(f"{what}: {wanted}", look, within, every=0.1)
        except Failure as failure:
            raise Failure(f"{failure}; they changed by {last}")

    def mend(self):
        self.tenant.api.call(
            "PATCH", f"/v1/channels/{self.channel.id}", body={"credentials": {"api_key": self.channel.session_key}})


@check("every metric is there, moves the right way and is described", limit=150)
def metrics(world):
    story = Story(world)
    node, tenant, sandbox, channel = story.node, story.tenant, story.sandbox, story.channel
    path = channel.webhook_url.removeprefix(node.url)

    tenant.api.post(f"/v1/channels/{channel.id}/pause")
    story.changes("a pause", channels__status_is_paused=1, channels__status_is_active=-1)
    for index, priority in enumerate(("high", "normal", "normal", "low")):
        tenant.send(number(index), f"waits {index}", priority=priority)
    story.changes(
        "four that wait", messages_accepted_total=4, queue_waiting__priority_is_high=1, queue_waiting__priority_is_normal=2,
        queue_waiting__priority_is_low=1, queue_oldest_due_seconds=(0.5, 20), attempts_total=0,
        http_request_duration_seconds_count__route_is_v1=0)
    first = story.before.value("martlet_queue_oldest_due_seconds")
    wait_for("an age that grows", lambda: Scrape(node).value("martlet_queue_oldest_due_seconds") > first + 0.5)
    tenant.api.post(f"/v1/channels/{channel.id}/resume")
    story.changes(
        "four that went", queue_waiting=-4, channels__status_is_active=1, attempts_total__outcome_is_accepted=4,
        messages_status_total__status_is_sent=4, messages_status_total__status_is_delivered=4,
        messages_status_total__status_is_read=4, acknowledgement_lag_seconds_count=4, webhook_lag_seconds_count=(1, 100),
        webhooks_total__result_is_accepted=(8, 40), webhooks_total__result_is_processed=(8, 40), retries_total=0)
    expect_equal(story.before.value("martlet_queue_oldest_due_seconds"), 0, "the oldest age once nothing waits")
    posts = {"route": "/v1/messages", "method": "POST"}
    expect_equal(story.before.value("martlet_http_request_duration_seconds_count", **posts), 4, "requests that were timed")

    sandbox.fault("status", status=500, json={"success": False, "message": "busy"}, count=1)
    tenant.send(number(10), "fails at first")
    story.changes(
        "a retry", attempts_total__outcome_is_transient=1, retries_total__after_is_transient=1,
        attempts_total__outcome_is_accepted=1, messages_status_total__status_is_read=1)
    sandbox.fault("reset", count=1)
    tenant.send(number(11), "is not heard of at first")
    story.changes(
        "an unknown outcome", attempts_total__outcome_is_unknown=1, retries_total__after_is_unknown=1,
        messages_status_total__status_is_read=1)
    sandbox.fault("status", status=429, retry_after=1, count=1)
    tenant.send(number(12), "is too fast")
    story.changes(
        "a 429", attempts_total__outcome_is_throttled=1, throttle_wait_seconds_total=(0.5, 5), retries_total=0,
        messages_status_total__status_is_read=1)
    tenant.send("+99912345670000", "to nobody")
    story.changes(
        "a refusal", attempts_total__outcome_is_rejected=1, dead_letters_total__reason_is_invalid_recipient=1,
        messages_status_total__status_is_failed=1)
    sandbox.fault("status", status=401, json={"success": False, "message": "Invalid API key"}, count=1)
    tenant.send(number(13), "is held")
    story.changes(
        "a key that is refused", attempts_total__outcome_is_unauthorized=1, channel_holds_total__status_is_unauthorized=1,
        channels__status_is_unauthorized=1, queue_waiting=1)
    story.mend()
    story.changes("a mended key", channels__status_is_unauthorized=-1, queue_waiting=-1, messages_status_total__status_is_read=1)
    sandbox.fault("status", status=400, json={"success": False, "message": "Your session is not connected"}, count=1)
    tenant.send(number(14), "is held, too")
    story.changes(
        "a session that is down", attempts_total__outcome_is_session_down=1,
        channel_holds_total__status_is_disconnected=1, channels__status_is_disconnected=1)
    # The provider tells it sooner than the next look would.
    Client(node.url).call("POST", path, body={"event": "session.status", "data": {"status": "connected"}}, headers={
        "X-Webhook-Signature": channel.webhook_secret})
    story.changes("a session that is up", channels__status_is_disconnected=-1, messages_status_total__status_is_read=1)

    sandbox.fault("status", status=503, json={"success": False, "message": "down"})
    tenant.send_batch(texts("an outage", 12))
    story.changes(
        "an outage", channel_holds_total__status_is_unavailable=1, channels__status_is_unavailable=1,
        attempts_total__outcome_is_transient=(10, 40), retries_total__after_is_transient=(5, 40))
    sandbox.end_faults()
    story.changes("its end", within=60, channels__status_is_unavailable=-1, queue_waiting=(-12, 0))

    tenant.channel(sandbox, name="slow", limits=((2, 1),))
    for index in range(8):
        tenant.send(number(40 + index), f"waits for its limit {index}", channel="slow")
    story.changes("a limit", throttle_wait_seconds_total=(2, 10), messages_status_total__status_is_sent=(8, 20), channels__status_is_active=(1, 2))
    anybody = Client(node.url)
    anybody.call("POST", path, body={"event": "x"}, headers={"X-Webhook-Signature": "forged"})
    anybody.call("POST", path, raw=b"{ not json", headers={"X-Webhook-Signature": channel.webhook_secret})
    story.changes(
        "bad webhooks", webhooks_total__result_is_unauthenticated=1, webhooks_total__result_is_set_aside=1,
        webhooks_total__result_is_accepted=(1, 40))
    scrape = Scrape(node)
    checks = {check["name"]: float(check["ok"]) for check in anybody.get("/health/ready")["checks"]}
    expect_equal(
        {labels["check"]: value for name, labels, value in scrape.samples if name == "martlet_health_check"}, checks,
        "the health checks in the metrics")
    expect_as_described(scrape)
    for secret in (tenant.id, channel.id, "billing", "main", "slow", "1555"):
        expect(all(secret not in value for _, labels, _ in scrape.samples for value in labels.values()),
               f"{secret} in a label")


@check("the heartbeat turns red when what is due is not sent, and green when it is", limit=150)
def heartbeat(world):
    world.needs_sqlite()
    sandbox, node = world.sandbox(), world.node(provider__timeout=1, lease__duration=2)
    tenant = node.tenant()
    tenant.channel(sandbox)
    tenant.wait(tenant.send(number(1), "before")["id"], "read")
    expect_equal(node.health(), (200, {}), "health before")
    # From now on the database takes no claims, and everything else.
    database = sqlite3.connect(os.path.join(world.folder, "martlet.db"), timeout=10)
    database.execute(
        "CREATE TRIGGER no_claims BEFORE UPDATE ON jobs WHEN NEW.state = 1 BEGIN SELECT RAISE(ABORT, 'no claims'); END")
    database.commit()
    start = time.monotonic()
    waiting = tenant.send(number(2), "due and not sent")["id"]

    def dispatcher():
        return node.health()[1].get("dispatcher")

    detail = wait_for("a red dispatcher", dispatcher, within=60, every=0.2)
    took = time.monotonic() - start
    expect(took >= 28, f"the dispatcher was red after {took:.1f} s, while a pause that long is nothing")
    expect("due and nothing is sent" in detail, f"the dispatcher says {detail!r}")
    expect_equal(node.health()[0], 503, "the status of a service that does not send")
    expect_equal(node.metric("martlet_health_check", check="dispatcher"), 0, "the heartbeat in the metrics")
    expect(node.metric("martlet_queue_oldest_due_seconds") > 25, "the age of the oldest in the metrics")
    wait_for("a line of the log", lambda: "messages are due and nothing is sent" in node.log())
    code, output = node.doctor()
    expect_equal(code, 1, f"the doctor's exit code: {output}")
    expect("its dispatcher is not well" in output and "→" in output, f"the doctor says {output}")
    database.execute("DROP TRIGGER no_claims")
    database.commit()
    database.close()
    tenant.wait(waiting, "read", within=20)
    wait_for("green again", lambda: node.health() == (200, {}), within=20)
    expect_equal(node.metric("martlet_health_check", check="dispatcher"), 1, "the heartbeat in the metrics again")
    expect_equal(len(sandbox.ledger()), 2, "sends")
