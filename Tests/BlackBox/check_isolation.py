"""Every operation of the API's description, called by everybody who may not: refused, in words that tell nothing of what
is there, and nothing has changed."""

import base64
import time
import urllib.parse

from description import Description
from harness import Client, expect, expect_equal, number, wait_for
from registry import check

# Bodies that would change something if they were let through.
BODIES = {
    "sendMessage": {"to": number(9), "type": "text", "text": {"body": "intruder"}},
    "sendBatch": {"messages": [{"to": number(9), "type": "text", "text": {"body": "intruder"}}]},
    "replayDeadLetter": {"to": number(9)}, "createReplay": {"filter": {}},
    "createChannel": {"name": "intruder", "provider": "wasender", "credentials": {"api_key": "k" * 64}},
    "updateChannel": {"name": "intruder", "webhook_secret": "intruder"},
    "createTenant": {"name": "intruder"}, "updateTenant": {"name": "intruder"}, "createKey": {"name": "intruder"},
}
REPORT = {"event": "session.status", "data": {"status": "logged_out"}}


class Possessions:
    """A tenant with one of everything, and what the outside can see of it."""

    def __init__(self, world, node, sandbox, name):
        self.node = node
        self.tenant = node.tenant(name)
        self.channel = self.tenant.channel(sandbox, name="main")
        self.read = self.tenant.send(number(1), f"{name} read", idempotency_key="the-same-for-all")["id"]
        self.scheduled = self.tenant.send(number(2), f"{name} scheduled", send_at=time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400)))["id"]
        self.dead = self.tenant.send("+99912345670000", f"{name} dead")["id"]
        self.provider_id = self.tenant.wait(self.read, "read")["message_id"]
        self.tenant.wait(self.dead, "failed")
        self.key = self.keys()[0]["id"]
        # A bulk replay that finds nothing to do.
        self.replay = self.tenant.api.post("/v1/replays", {"filter": {"recipient": number(5)}})["id"]
        wait_for("the end of the bulk replay", lambda: self.job()["status"] == "finished")

    def job(self):
        return self.tenant.api.get(f"/v1/replays/{self.replay}")

    def keys(self):
        return self.node.admin.get(f"/v1/tenants/{self.tenant.id}/keys")["data"]

    def seen(self):
        """Everything the tenant has, without when its keys were last used."""
        api = self.tenant.api
        messages = self.tenant.all_messages()
        statistics = api.get("/v1/stats")
        for channel in statistics["channels"]:
            del channel["sent_last_minute"]
        return {
            "messages": messages, "timelines": [self.tenant.timeline(message["id"]) for message in messages],
            "dead letters": api.get("/v1/dead-letters")["data"], "channels": api.get("/v1/channels")["data"],
            "statistics": statistics, "bulk replay": self.job(), "tenant": self.node.admin.get(f"/v1/tenants/{self.tenant.id}"),
            "keys": [{**key, "last_used_at": None} for key in self.keys()],
        }

    def targets(self, operation):
        """Parameters of the path that name what this tenant has."""
        if operation.path.startswith("/v1/messages/{id}"):
            return [{"id": self.read}, {"id": self.scheduled}]
        if operation.path.startswith("/v1/dead-letters/{id}"):
            return [{"id": self.dead}]
        if operation.path.startswith("/v1/replays/{id}"):
            return [{"id": self.replay}]
        if operation.path.startswith("/v1/channels/{id}"):
            return [{"id": self.channel.id}]
        if operation.path.startswith("/v1/tenants/{id}"):
            return [{"id": self.tenant.id, **({"key_id": self.key} if "{key_id}" in operation.path else {})}]
        if operation.path.startswith("/webhooks/"):
            return [{"channel_id": self.channel.id, "token": "0" * 48}]
        expect("{" not in operation.path, f"{operation.path} has a parameter that is not accounted for")
        return [{}]

    def names(self):
        """What in an answer would betray this tenant."""
        return [
            self.tenant.id, self.channel.id, self.read, self.scheduled, self.dead, self.replay, self.key, self.provider_id,
            self.channel.webhook_url.rsplit("/", 1)[1],
        ]


def absent(target):
    """The same parameters, naming what nobody has."""
    return {
        name: value if name == "token" else value[:4] + "0" * 26 for name, value in target.items()
    }


def call(client, operation, target, headers=None, method=None):
    body = BODIES.get(operation.id, REPORT if operation.id == "receiveWebhook" else None)
    return client.call(method or operation.method, operation.at(**target), body=body, headers=headers)


def expect_refusal(answer, statuses, what):
    expect(answer.status in statuses, f"{what}: wanted {statuses}, got {answer}")
    expect_equal(answer.headers.get("content-type"), "application/problem+json", f"the content type of {what}")
    expect_equal(answer.json["status"], answer.status, f"the problem's status of {what}")
    expect_equal("www-authenticate" in answer.headers, answer.status == 401, f"a challenge in {what}")


def expect_same(answer, other, what):
    """Two refusals between which nobody can tell."""
    volatile = {"date"}
    expect_equal(answer.status, other.status, f"the status of {what} beside what is absent")
    expect_equal(answer.body, other.body, f"the body of {what} beside what is absent")
    left, right = ({name: value for name, value in each.headers.items() if name not in volatile}
                   for each in (answer, other))
    expect_equal(left, right, f"the headers of {what} beside what is absent")


@check("no operation lets in a stranger, and none tells a stranger what is there", limit=150)
def walk(world):
    sandbox, node = world.sandbox(), world.node(metrics__token="the-scraper")
    first = Possessions(world, node, sandbox, "first")
    second = Possessions(world, node, sandbox, "second")
    revoked = node.admin.post(f"/v1/tenants/{first.tenant.id}/keys", {"name": "old"}, wanted=(201,))
    Client(node.url, bearer=revoked["key"]).get("/v1/messages")
    node.admin.call("DELETE", f"/v1/tenants/{first.tenant.id}/keys/{revoked['id']}")
    before, before_second, sent = first.seen(), second.seen(), len(sandbox.ledger())
    tenants = len(node.admin.get("/v1/tenants")["data"])

    description = Description(node)
    expect(len(description.operations) >= 30, f"the description has {len(description.operations)} operations only")
    nobody = {
        "no key": None, "a revoked key": revoked["key"], "an invented key": "mk_" + "0" * 64, "garbage": "x" * 67,
        "a key cut short": first.tenant.key[:-1], "a key in capitals": first.tenant.key.upper(),
        "a key and more": first.tenant.key + "0", "a webhook secret": first.channel.webhook_secret,
        "a session key": first.channel.session_key, "a very long key": "mk_" + "a" * 3000,
    }
    strangers = {what: Client(node.url, bearer=bearer) for what, bearer in nobody.items()}
    strangers["another scheme"] = Client(node.url)
    for operation in description.operations:
        for target in first.targets(operation):
            for what, client in strangers.items():
                name = f"{operation.method} {operation.path} with {what}"
                headers = {"Authorization": f"Basic {first.tenant.key}"} if what == "another scheme" else None
                if operation.path.startswith("/webhooks/"):
                    wanted = {404}
                elif operation.callers:
                    wanted = {401}
                else:
                    expect(operation.path in ("/health/live", "/health/ready", "/openapi.json"), f"{name} is open")
                    continue
                answer = call(client, operation, target, headers)
                expect_refusal(answer, wanted, name)
                if target:
                    expect_same(answer, call(client, operation, absent(target), headers), name)
                if operation.method == "GET":
                    expect_equal(call(client, operation, target, headers, "HEAD").status, answer.status, f"HEAD, {name}")

            wrong_sort = []
            if operation.callers and "tenantKey" not in operation.callers:
                wrong_sort += [("a tenant's key", first.tenant.api), ("another tenant's key", second.tenant.api)]
            if operation.callers and "adminToken" not in operation.callers:
                wrong_sort.append(("the admin token", node.admin))
            for what, client in wrong_sort:
                name = f"{operation.method} {operation.path} with {what}"
                answer = call(client, operation, target)
                # The scraper's token is a key of its own: every other one is simply not it.
                expect_refusal(answer, {401} if "metricsToken" in operation.callers else {403}, name)
                if target:
                    expect_same(answer, call(client, operation, absent(target)), name)

            if "tenantKey" in operation.callers and target:
                name = f"{operation.method} {operation.path} with another tenant's key"
                answer = call(second.tenant.api, operation, target)
                expect_refusal(answer, {404}, name)
                expect_same(answer, call(second.tenant.api, operation, absent(target)), name)
                # What cannot even be an id is no different.
                expect_same(answer, call(second.tenant.api, operation, {"id": "anything"}), name)
                if operation.method == "GET":
                    expect_equal(call(second.tenant.api, operation, target, method="HEAD").status, 404, f"HEAD, {name}")

    webhooks(node, first, second)
    lists(first, second, description)
    bodies(first, second)
    expect_equal(first.seen(), before, "what the first tenant has")
    expect_equal(second.seen(), before_second, "what the second tenant has")
    expect_equal(len(node.admin.get("/v1/tenants")["data"]), tenants, "tenants")
    expect_equal(len(sandbox.ledger()), sent, "sends the provider saw")
    streams(node, first, second)


def webhooks(node, first, second):
    """Addresses and proofs of one tenant are nothing at another's."""
    path = first.channel.webhook_url.removeprefix(node.url)
    client = Client(node.url)
    for what, headers in [("no proof", {}), ("another's proof", {"X-Webhook-Signature": second.channel.webhook_secret})]:
        answer = client.call("POST", path, body=REPORT, headers=headers)
        expect(answer.status == 401, f"a webhook with {what} answers {answer}")
    token = second.channel.webhook_url.rsplit("/", 1)[1]
    answer = client.call("POST", f"/webhooks/{first.channel.id}/{token}", body=REPORT, headers={
        "X-Webhook-Signature": second.channel.webhook_secret})
    expect_equal(answer.status, 404, "a webhook to one channel with another's token and proof")


def lists(first, second, description):
    """What lists everything lists the caller's own, however it is asked."""
    api = second.tenant.api
    cursor = first.tenant.api.get("/v1/messages?limit=1")["next_cursor"]
    # A list of one element has no cursor to give; this is what one would look like.
    channel_cursor = base64.urlsafe_b64encode(first.channel.id.encode()).decode().rstrip("=")
    values = {
        "recipient": ["+15550000001"], "message_id": [first.provider_id], "channel": [first.channel.id, "main"],
        "status": ["read", "failed"], "since": ["2020-01-01T00:00:00Z"],
        "until": ["2100-01-01T00:00:00Z"], "limit": ["200"], "tenant": [first.tenant.id],
    }
    for operation in description.operations:
        if operation.method != "GET" or "tenantKey" not in operation.callers or "{" in operation.path:
            continue
        if operation.id == "streamEvents":
            continue
        values["cursor"] = [channel_cursor if operation.id == "listChannels" else cursor]
        queries = [""] + [
            f"?{name}={urllib.parse.quote(value)}" for name in operation.names("query") for value in values[name]]
        for query in queries:
            answer = api.call("GET", operation.path + query)
            wanted = (400,) if "tenant=" in query else (200,)
            expect(answer.status in wanted, f"GET {operation.path}{query} answers {answer}")
            text = answer.body.decode()
            for name in first.names():
                expect(name not in text or name in query, f"GET {operation.path}{query} tells of {name}")


def bodies(first, second):
    """A body cannot reach into another tenant."""
    api, over = second.tenant.api, {**BODIES["sendMessage"], "channel": first.channel.id}
    answer = api.call("POST", "/v1/messages", body=over)
    expect_refusal(answer, {422}, "a send over another tenant's channel")
    nowhere = api.call("POST", "/v1/messages", body={**over, "channel": "chn_" + "0" * 26})
    expect_same(answer, nowhere, "a send over another tenant's channel")
    results = api.post("/v1/messages/batch", {"messages": [over]})["results"]
    expect_equal(results[0]["status"], 422, "a batch over another tenant's channel")
    answer = api.call("POST", "/v1/channels", body={**BODIES["createChannel"], "tenant": first.tenant.id})
    expect_refusal(answer, {422}, "a channel for another tenant")
    # Both have used this key, each for a message of its own.
    again = first.tenant.api.call("POST", "/v1/messages", body={
        "to": number(1), "type": "text", "text": {"body": "first read"}, "idempotency_key": "the-same-for-all"})
    expect_equal((again.status, again.json["id"]), (200, first.read), "the first tenant's own key again")


def streams(node, first, second):
    """The stream carries the caller's own changes."""
    with node.events(second.tenant) as events:
        theirs = first.tenant.send(number(3), "first again")["id"]
        first.tenant.wait(theirs, "read")
        own = second.tenant.send(number(3), "second again")["id"]
        expect_equal(events.next()["id"], own, "the first change in the second tenant's stream")
