#!/usr/bin/env python3
"""Kills a loaded server at random moments, again and again, and compares what it promised with what the provider got.

usage: crash_campaign.py --martlet PATH [--kills N] [--seed N] [--cycle SECONDS]

Three tenants with two channels each send while the sandbox fails now and then, loses answers and mangles webhooks. The server
is ended with SIGKILL at a random moment, now and then while it starts, and started again on the same database and port. At the
end the faults stop, everything settles, and every accepted message is looked for in the log and in the sandbox's ledger. Prints
what was done and found; exit code 1 when a promise was broken.
"""

import argparse
import collections
import http.client
import pathlib
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import Failure, World, number, wait_for  # noqa: E402

# What each session may send: so many in so many seconds. The longer one reaches over several restarts.
LIMITS = ((20, 1), (100, 10))
# The share of the load that the first channel gets: more than it may send, so that its windows are always full.
BUSY_SHARE = 0.1

SETTINGS = {
    "retry.delays": "0.5,1,2,4", "unknown.wait": "2", "provider.timeout": "3", "lease.duration": "4",
    "log.level": "notice",
}

# What goes wrong all the time, as a share of the requests or webhooks.
FAULTS = (
    {"kind": "status", "status": 500, "json": {"success": False, "message": "busy"}, "rate": 0.03},
    {"kind": "status", "status": 502, "body": "<html>bad gateway</html>", "accept": True, "rate": 0.01},
    {"kind": "reset", "rate": 0.02},
    {"kind": "accept_then_reset", "rate": 0.03},
    {"kind": "accept_then_timeout", "rate": 0.005},
    {"kind": "slow", "delay_ms": 400, "rate": 0.03},
    {"kind": "webhook_drop", "rate": 0.03},
    {"kind": "webhook_duplicate", "rate": 0.05},
    {"kind": "webhook_reorder", "rate": 0.05},
    {"kind": "webhook_before_response", "rate": 0.05},
)

SENDERS = 6
CHANNEL_NAMES = ("main", "second")


class Account:
    """What the server has promised, as its callers know it."""

    def __init__(self):
        self.lock = threading.Lock()
        self.promises = {}
        # What was asked for, answered or not: text → on_unknown.
        self.asked = {}
        self.repeats = self.unanswered = self.refused = 0
        self.broken_repeats = []

    def promised(self, id, text, is_repeat):
        """Notes a 202, or the 200 of a repeat; a text that was promised before must keep its id."""
        with self.lock:
            self.repeats += is_repeat
            known = self.promises.setdefault(text, id)
            if known != id:
                self.broken_repeats.append(f"'{text}' is {known} and {id}")



class Sender:
    """A caller: sends, repeats what was not answered, and now and then what was."""

    def __init__(self, campaign, index):
        self.campaign, self.index = campaign, index
        self.random = random.Random(f"{campaign.seed} sender {index}")
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        # Requests with a key whose answer never came: to be repeated until it comes.
        self.open = collections.deque()

    def run(self):
        count = 0
        while not self.stop.is_set() or self.open:
            if self.open:
                tenant, bodies = self.open.popleft()
            else:
                tenant, channel = self.random.choice(self.campaign.tenants), self.random.choice(CHANNEL_NAMES)
                if self.random.random() < BUSY_SHARE:
                    tenant, channel = self.campaign.tenants[0], CHANNEL_NAMES[0]
                bodies = []
                for _ in range(5 if self.random.random() < 0.05 else 1):
                    bodies.append(self.body(tenant, channel, count))
                    count += 1
            self.submit(tenant, bodies)
            time.sleep(self.random.uniform(0.05, 0.2))

    def body(self, tenant, channel, count):
        text = f"{tenant.id} sender {self.index} message {count}"
        body = {
            "channel": channel, "type": "text", "text": {"body": text},
            "to": number(self.index * 100_000 + count), "on_unknown": self.random.choice(("retry", "hold")),
            "priority": self.random.choice(("high", "normal", "low")),
        }
        if self.random.random() < 0.5:
            body["idempotency_key"] = text
        self.campaign.account.asked[text] = body["on_unknown"]
        return body

    def submit(self, tenant, bodies):
        account = self.campaign.account
        try:
            if len(bodies) == 1:
                answer = tenant.api.call("POST", "/v1/messages", body=bodies[0], timeout=10)
                results = [{"status": answer.status, "id": answer.json.get("id")}]
            else:
                answer = tenant.api.call("POST", "/v1/messages/batch", body={"messages": bodies}, timeout=10)
                results = answer.json["results"] if answer.status == 202 else [{"status": answer.status}] * len(bodies)
        except (OSError, http.client.HTTPException, ValueError):
            # No answer, or half of one: nobody was promised anything, and nothing was denied.
            with account.lock:
                account.unanswered += len(bodies)
            self.repeat_later(tenant, bodies)
            time.sleep(0.05)
            return
        for body, result in zip(bodies, results):
            if result["status"] in (200, 202):
                account.promised(result["id"], body["text"]["body"], is_repeat=result["status"] == 200)
            else:
                with account.lock:
                    account.refused += 1
                self.repeat_later(tenant, [body])
        if self.random.random() < 0.1:
            self.repeat_later(tenant, bodies)

    def repeat_later(self, tenant, bodies):
        """Only what has a key can be repeated without asking for a second message."""
        keyed = [body for body in bodies if "idempotency_key" in body]
        if keyed:
            self.open.append((tenant, keyed))


class Campaign:
    """So many kills in one world, and what came of them."""

    def __init__(self, world, kills, seed, cycle=3.0, say=lambda line: None):
        self.world, self.kills, self.seed, self.cycle, self.say = world, kills, seed, cycle, say
        self.random = random.Random(seed)
        self.account = Account()
        self.tenants = []
        self.session_keys = []
        self.kills_at_start = 0
        self.restarts = []

    def run(self):
        """Kills and settles. Answers the report; see `Report.problems`."""
        flags = [flag for count, seconds in LIMITS for flag in ("--limit", f"{count}/{seconds}s")]
        self.sandbox = self.world.sandbox(*flags, "--seed", str(self.seed))
        self.node = self.world.node(**{name.replace(".", "__"): value for name, value in SETTINGS.items()})
        for index in range(3):
            tenant = self.node.tenant(f"tenant {index}")
            for name in CHANNEL_NAMES:
                # The last channel has neither webhooks nor a token: nobody can tell what became of a lost answer.
                is_blind = index == 2 and name == "second"
                channel = tenant.channel(
                    self.sandbox, name=name, webhooks=not is_blind, token=name == "main", limits=LIMITS)
                self.session_keys.append(channel.session_key)
            self.tenants.append(tenant)
        for fault in FAULTS:
            self.sandbox.fault(**fault)
        self.senders = [Sender(self, index) for index in range(SENDERS)]
        for sender in self.senders:
            sender.thread.start()
        try:
            self.kill_again_and_again()
        finally:
            for sender in self.senders:
                sender.stop.set()
        for sender in self.senders:
            sender.thread.join(60)
        self.sandbox.end_faults()
        self.settle()
        return Report(self)

    def kill_again_and_again(self):
        self.say(f"{'kills':>6} {'accepted':>9} {'at the provider':>16} {'waiting':>8} {'last restart':>13}")
        for kill in range(1, self.kills + 1):
            self.fault_of_the_moment()
            if kill > 1 and self.random.random() < 0.1:
                # While it starts: migrating, taking over, filling the windows again.
                time.sleep(self.random.uniform(0.01, 0.5))
                self.kills_at_start += 1
            else:
                self.node.await_ready()
                if kill > 1:
                    self.restarts.append(time.monotonic() - self.killed_at)
                time.sleep(self.random.uniform(0.2, 1) * self.cycle)
                if kill % max(1, self.kills // 10) == 0:
                    self.show(kill)
            self.node.kill()
            self.killed_at = time.monotonic()
            self.node.close()
            self.node = self.node.restarted(is_awaited=False)
        self.node.await_ready()
        self.restarts.append(time.monotonic() - self.killed_at)

    def fault_of_the_moment(self):
        """What happens to one channel for a while, beside what goes wrong all the time."""
        chance, key = self.random.random(), self.random.choice(self.session_keys)
        if chance < 0.04:
            self.sandbox.fault("session_down", key=key, for_ms=1500)
        elif chance < 0.1:
            self.sandbox.fault("status", status=429, retry_after=1, key=key, count=1)

    def show(self, kill):
        accepted = len(self.account.promises)
        waiting = sum(tenant.counts()["queued"] for tenant in self.tenants)
        restart = f"{self.restarts[-1]:.1f} s" if self.restarts else "-"
        self.say(f"{kill:>6} {accepted:>9} {self.sandbox.statistics()['accepted']:>16} {waiting:>8} {restart:>13}")

    def settle(self):
        """Waits until nothing is queued and what can still be acknowledged has had its time."""

        def counts():
            totals = collections.Counter()
            for tenant in self.tenants:
                totals.update(tenant.counts())
            return totals

        try:
            wait_for("nothing queued any more", lambda: counts()["queued"] == 0, within=600, every=0.5)
        except Failure as failure:
            raise Failure(f"{failure}; there are {dict(counts())}; the log says {self.node.log_tail()}")
        previous, quiet_since = None, time.monotonic()
        end = time.monotonic() + 60
        while time.monotonic() < min(end, quiet_since + 5):
            time.sleep(0.5)
            now = counts()
            if now != previous:
                previous, quiet_since = now, time.monotonic()


def windows_passed(ledger, key, limits):
    """The windows of any place in which a session got more than a limit, each in words."""
    moments = sorted(entry["received_us"] for entry in ledger if entry["key"] == key)
    return [
        f"{count + 1} within {(beyond - first) / 1e6:.6f} s, the limit is {count} in {seconds} s"
        for count, seconds in limits for first, beyond in zip(moments, moments[count:])
        if beyond - first < seconds * 1_000_000
    ]


class Report:
    """The log and the ledger side by side."""

    def __init__(self, campaign):
        self.campaign = campaign
        self.messages, self.by_text, self.problems = {}, {}, collections.defaultdict(list)
        for tenant in campaign.tenants:
            for message in tenant.all_messages():
                text = message["payload"]["body"]
                self.messages[message["id"]] = message
                if text in self.by_text and message["idempotency_key"]:
                    self.problems["repeats that became two messages"].append(text)
                self.by_text.setdefault(text, []).append(message)
        self.ledger = campaign.sandbox.ledger()
        self.statistics = campaign.sandbox.statistics()
        self.sends = collections.Counter(entry["text"] for entry in self.ledger)
        self.check_promises()
        self.check_ledger()
        self.check_windows()
        self.problems["repeats that became two messages"] += campaign.account.broken_repeats
        self.problems = {what: found for what, found in self.problems.items() if found}

    def check_promises(self):
        for id in self.campaign.account.promises.values():
            message = self.messages.get(id)
            if message is None:
                self.problems["lost"].append(f"{id} was answered 202 and is not in the log")
            elif message["status"] not in ("sent", "delivered", "read") and not message["dead_lettered"]:
                self.problems["lost"].append(f"{id} is {message['status']}, {message['error_reason']}")

    def check_ledger(self):
        for text, found in self.by_text.items():
            for message in found:
                if message["status"] in ("sent", "delivered", "read") and not self.sends[text]:
                    self.problems["lost"].append(f"{message['id']} is {message['status']}; the provider never got it")
        if self.statistics["forgotten"]:
            self.problems["gaps"].append(f"the ledger has forgotten {self.statistics['forgotten']} entries")
        for text, count in self.sends.items():
            found = self.by_text.get(text)
            if not found:
                self.problems["sent without being in the log"].append(f"'{text}'")
            elif count > 1:
                # One text is one request here: who got no answer and had no key did not ask again.
                message, on_unknown = found[0], self.campaign.account.asked[text]
                if not message["duplicate_risk"] or on_unknown == "hold":
                    self.problems["forbidden duplicates"].append(
                        f"{message['id']} went out {count} times: on_unknown {on_unknown}, "
                        f"duplicate_risk {message['duplicate_risk']}")

    def check_windows(self):
        for key in self.campaign.session_keys:
            self.problems["windows passed"] += windows_passed(self.ledger, key, LIMITS)
        if self.statistics["refused_429"]:
            self.problems["windows passed"].append(f"{self.statistics['refused_429']} sends refused as too many")

    def table(self):
        campaign, account = self.campaign, self.campaign.account
        statuses = collections.Counter(message["status"] for message in self.messages.values())
        reasons = collections.Counter(
            (message["error_reason"] or "").split(":")[0] for message in self.messages.values() if message["dead_lettered"])
        twice = [text for text, count in self.sends.items() if count > 1]
        restarts = sorted(campaign.restarts)
        rows = [
            ("kills", f"{campaign.kills}, {campaign.kills_at_start} of them while the server started"),
            ("restart until ready", f"median {statistics.median(restarts):.1f} s, longest {restarts[-1]:.1f} s"),
            ("answered 202", len(account.promises)),
            ("repeats, answered with the same message", account.repeats),
            ("requests without an answer", account.unanswered),
            ("refused with 503", account.refused),
            ("messages in the log", len(self.messages)),
            *((f"of them {status}", statuses[status]) for status in ("queued", "sent", "delivered", "read", "failed")),
            *((f"dead-lettered, {reason}", count) for reason, count in sorted(reasons.items())),
            ("sends in the provider's ledger", len(self.ledger)),
            ("requests failed by the sandbox", self.statistics["refused_fault"]),
            ("messages sent more than once, allowed and marked", len(twice)),
            ("messages marked as perhaps sent twice", sum(m["duplicate_risk"] for m in self.messages.values())),
            ("highest count in any second", f"{self.statistics['highest_in_any_second']} of {LIMITS[0][0]}"),
        ]
        return "\n".join(f"{name:<50} {value}" for name, value in rows)

    def verdict(self):
        def count(what):
            return len(self.problems.get(what, []))

        other = sum(len(found) for what, found in self.problems.items()) - sum(
            count(what) for what in ("lost", "forbidden duplicates", "windows passed"))
        rest = f", {other} other problems" if other else ""
        return (
            f"{self.campaign.kills} kills, {count('lost')} lost, {count('forbidden duplicates')} forbidden duplicates, "
            f"{count('windows passed')} windows passed{rest}")

    def details(self):
        lines = []
        for what, found in self.problems.items():
            lines += [f"{what}: {len(found)}", *("  " + one for one in found[:20])]
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--martlet", required=True, help="the built program")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, help="repeats a campaign's choices; chance in the machine's timing remains")
    parser.add_argument("--cycle", type=float, default=3.0, help="the longest time between two kills, in seconds")
    parser.add_argument("--keep", action="store_true", help="keeps database and logs, and says where")
    arguments = parser.parse_args()
    seed = arguments.seed if arguments.seed is not None else random.SystemRandom().randrange(1 << 32)
    folder = tempfile.mkdtemp(prefix="martlet-crash-")
    world = World(arguments.martlet, folder)
    start = time.monotonic()
    print(f"seed {seed}", flush=True)
    failure, report = None, None
    try:
        report = Campaign(
            world, arguments.kills, seed, arguments.cycle, say=lambda line: print(line, flush=True)).run()
    except Failure as error:
        failure = str(error)
    finally:
        world.close()
        if arguments.keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if failure:
        print(f"broken off: {failure}", file=sys.stderr)
        return 1
    print(f"\n{report.table()}\n\n{time.monotonic() - start:.0f} s, seed {seed}", flush=True)
    print(report.verdict(), flush=True)
    if report.problems:
        print(report.details(), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
