"""Every field of every body in the API's description, fed with what nobody should send."""

import collections
import json

from description import pointer, replaced
from harness import expect, expect_equal, number
from hostile import CONTENTS, NO_JSON, PERHAPS, VALUES, Target, encoded, expect_named, expect_problem, message
from registry import check

LIMITS = [{"count": 50, "per_seconds": 1}]
CHANNEL = {
    "base_url": "http://127.0.0.1:9/api", "credentials": {"api_key": "k" * 64}, "webhook_secret": "s" * 32,
    "limits": LIMITS, "headroom": 0.5, "recipient_interval_ms": 10, "acknowledgement_deadline_seconds": 60,
}


class Walk:
    """Makes the requests of one operation, each a message, channel or tenant of its own, and remembers what was let in."""

    def __init__(self, target):
        self.target, self.requests, self.accepted = target, 0, {}
        self.statuses = collections.Counter()

    def body(self, id, place):
        """A body that is fine, with room for what is to be spoilt."""
        own = str(self.requests)
        inner = place[2:] if id == "sendBatch" else place
        kind = inner[0] if inner and inner[0] in CONTENTS else "text"
        if id in ("sendMessage", "sendBatch"):
            send = message(kind)
            send["idempotency_key"] = send["event"]["user_id"] = f"{id} {own}"
            return send if id == "sendMessage" else {"messages": [send]}
        if id == "replayDeadLetter":
            return {"to": number(2), "expires_in": 60, **({kind: CONTENTS[kind]} if place[:1] == (kind,) else {})}
        if id == "createReplay":
            # One that meets nothing, should it be let in as more than a dry run.
            return {
                "filter": {"recipient": number(99)}, "dry_run": True, "correct": {
                    "to_prefix": ["+4411", "+44"], "payload": {"body": "fine"}}}
        if id == "createChannel":
            return {"name": f"channel {own}", "provider": "wasender", **CHANNEL}
        return {
            "updateChannel": {"name": f"channel {own}", **CHANNEL}, "createTenant": {"name": own, "limits": LIMITS},
            "updateTenant": {"name": own, "limits": LIMITS}, "createKey": {"name": own},
        }[id]

    def path(self, operation, place):
        """What the request is about; a dead letter is taken from its stack, since a replay uses it up."""
        target = self.target
        if operation.id == "replayDeadLetter":
            self.letter = target.dead[place[0] if place and place[0] in target.dead else "text"]
            expect(self.letter, f"dead letters are left for {pointer(place)}")
            return operation.at(id=self.letter[-1])
        if operation.path.startswith("/v1/channels/"):
            return operation.at(id=target.changed_channel.id)
        return operation.at(id=target.changed.id)

    def spoil(self, operation, client, is_admin, place, what, value, best):
        self.requests += 1
        body = self.body(operation.id, place)
        if is_admin and operation.id == "createChannel":
            body["tenant"] = self.target.changed.id
        if not is_admin and operation.id == "updateChannel":
            client = self.target.changed.api
        name = f"{operation.id} with {what} at {pointer(place)}"
        spoilt = replaced(body, place, value)
        raw = encoded(spoilt).encode("utf-8", "surrogatepass")
        answer = client.call(operation.method, self.path(operation, place), raw=raw)
        self.statuses[operation.id, answer.status] += 1
        if answer.status >= 300:
            # A value may make the same channel name twice; the rest is a refusal by name.
            problem = expect_problem(answer, {400} if best == NO_JSON else {409, 422}, name)
            if answer.status == 422:
                expect_named(problem, place, name)
        elif operation.id == "sendBatch":
            self.results(answer.json["results"], spoilt, place, best, name)
        else:
            expect_equal(best, PERHAPS, f"what {name} deserves, answered with {answer}")
            self.let_in(operation, client, spoilt, answer)

    def results(self, results, spoilt, place, best, name):
        """Each entry of a batch has an answer of its own."""
        for result in results:
            self.statuses["an entry of a batch", result["status"]] += 1
            if result["status"] == 202:
                expect_equal(best, PERHAPS, f"what {name} deserves, answered with {result}")
                self.accepted[result["id"]] = spoilt["messages"][result["index"]]
            elif result["status"] == 422:
                expect_named(result["error"], place, name)
            else:
                # The same key was used by a single send before.
                expect(result["status"] in (200, 409) and place[-1] == "idempotency_key", f"{name}: {result}")

    def let_in(self, operation, client, spoilt, answer):
        target, id = self.target, operation.id
        if id == "sendMessage":
            expect_equal(answer.status, 202, "the status of an accepted send")
            self.accepted[answer.json["id"]] = spoilt
        elif id == "replayDeadLetter":
            expect_equal(answer.json["id"], self.letter.pop(), "the replayed message")
        elif id == "createReplay":
            client.call("POST", f"/v1/replays/{answer.json.get('id')}/cancel")
        elif id == "createChannel":
            client.call("DELETE", f"/v1/channels/{answer.json['id']}")
        elif id == "createTenant":
            client.call("DELETE", f"/v1/tenants/{answer.json['id']}")


def is_same(stored, sent):
    """Whether the log holds what was sent; null is as good as absent."""
    sent = json.loads(encoded(sent))
    kind = sent["type"]
    content = {name: value for name, value in sent[kind].items() if value is not None}
    return stored["payload"] == content and stored["metadata"] == (sent.get("metadata") or {})


@check("no value in any field of any body gets a 5xx; refused is refused by name and not stored", limit=300)
def fields(world):
    target = Target(world, [(kind, 120 if kind == "text" else 60) for kind in CONTENTS if kind != "template"])
    walk = Walk(target)
    for operation in target.description.operations:
        if operation.schema is None:
            continue
        places = operation.fields()
        expect(places, f"the body of {operation.id} has fields")
        callers = [(target.tenant.api, False)] if "tenantKey" in operation.callers else []
        callers += [(target.node.admin, True)] if "adminToken" in operation.callers else []
        for client, is_admin in callers:
            for place in [()] + places:
                for what, value, best in VALUES:
                    walk.spoil(operation, client, is_admin, place, what, value, best)
    expect(walk.requests > 5000, f"{walk.requests} requests were made")
    for operation in target.description.operations:
        if operation.schema is not None:
            for status in (400, 422):
                expect(walk.statuses[operation.id, status], f"{operation.id} was answered {status} at least once")
    stored = {each["id"]: each for each in target.tenant.all_messages()}
    for id, sent in walk.accepted.items():
        expect(is_same(stored[id], sent), f"{sent} was accepted, and the log holds {stored[id]}")
    target.expect_well(accepted=len(walk.accepted))
