"""What nobody may read: every credential of a run looked for in everything the run has left behind or said."""

import base64
import glob
import json
import os
import pathlib
import secrets
import time
import urllib.parse

from harness import Client, Failure, Process, Tenant, expect, expect_equal, number, texts, wait_for
from registry import check

# Long enough to be found by, and in no other text.
BODY = "The words of this message are 8c1f33a0-2b94"


class Listener(Client):
    """A client that keeps every answer it gets."""

    def __init__(self, url, bearer, heard):
        super().__init__(url, bearer=bearer)
        self.heard = heard

    def call(self, method, path, **options):
        answer = super().call(method, path, **options)
        self.heard.append((f"{method} {path}", answer))
        return answer


class Service:
    """A node whose settings hold secrets, given to it the way a log format is tried with, and all that is known of them."""

    def __init__(self, world, log_format):
        self.world, self.heard = world, []
        self.sandbox = world.sandbox()
        self.metrics_token = "metrics-" + secrets.token_hex(16)
        self.sealing_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.settings = {
            "http.port": 0, "store.url": "sqlite:martlet.db", "admin.token": world.admin_token,
            "metrics.token": self.metrics_token, "secrets.key": self.sealing_key, "log.level": "trace",
            "log.format": log_format, "unknown.wait": 1, "retry.delays": "0.2,0.2", "provider.timeout": 1,
        }
        if log_format == "json":
            # One run has them in a file, the other in its environment.
            path = os.path.join(world.folder, "martlet.json")
            pathlib.Path(path).write_text(json.dumps(self.settings))
            os.chmod(path, 0o600)
            self.options, self.environment = ["--config", path], {}
        else:
            self.options = []
            self.environment = {
                "MARTLET_" + name.upper().replace(".", "_"): str(value) for name, value in self.settings.items()}
        self.process = Process(world, "node", ["serve", *self.options], self.environment)
        world.processes.append(self.process)
        self.url = self.process.line_that_starts_with("listening on ").removeprefix("listening on ")
        # What makes keys shows them, this once, and is not listened to.
        self.admin = Client(self.url, bearer=world.admin_token)
        self.tenant = Tenant(self, self.admin.post("/v1/tenants", {"name": "acme"}, wanted=(201,))["id"])
        self.tenant.api = Listener(self.url, self.tenant.key, self.heard)
        self.revoked = self.admin.post(f"/v1/tenants/{self.tenant.id}/keys", {"name": "old"}, wanted=(201,))
        self.anybody = Listener(self.url, None, self.heard)
        self.operator = Listener(self.url, world.admin_token, self.heard)

    def secrets(self, channel):
        """Every credential by what it is. The webhook token is shown to the channel's owner and stands in the database."""
        return {
            "the operator's token": self.world.admin_token, "the metrics' token": self.metrics_token,
            "the key that seals": self.sealing_key, "the tenant's key": self.tenant.key,
            "a revoked key": self.revoked["key"], "the session's key": channel.session_key,
            "the personal access token": channel.personal_token, "the webhook secret": channel.webhook_secret,
            "a new session's key": channel.new_key, "a new webhook secret": channel.new_secret,
        }


def forms(secret):
    """A secret as it may stand somewhere."""
    raw = secret.encode()
    found = {raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), urllib.parse.quote(secret, safe="").encode(),
             json.dumps(secret)[1:-1].replace("/", "\\/").encode()}
    with_padding = secret.endswith("=")
    return found | ({base64.b64decode(secret), base64.b64decode(secret).hex().encode()} if with_padding else set())


def expect_absent(secrets_by_name, contents, where):
    if isinstance(contents, str):
        contents = contents.encode()
    for what, secret in secrets_by_name.items():
        for form in forms(secret):
            place = contents.find(form)
            expect(place < 0, f"{what} stands in {where}: {contents[max(0, place - 200):place + 120]!r}")


def send_all_ways(service, channel):
    """Sends that succeed and sends that fail in every way, the provider repeating what it was given wherever it can."""
    sandbox, tenant = service.sandbox, service.tenant
    told = f"Busy, {channel.session_key} ({channel.personal_token}) for: {BODY}"
    tenant.wait(tenant.send(number(1), BODY)["id"], "read")
    for index, fault in enumerate((
        {"kind": "status", "status": 500, "json": {"success": False, "message": told}},
        {"kind": "status", "status": 502, "body": f"<html>{told}</html>"},
        {"kind": "garbage", "body": told}, {"kind": "timeout", "delay_ms": 3000}, {"kind": "reset"},
        {"kind": "accept_then_reset"}, {"kind": "status", "status": 429, "json": {"message": told, "retry_after": 1}},
    )):
        sandbox.fault(**fault, count=1)
        tenant.wait(tenant.send(number(10 + index), BODY)["id"], "delivered", "read", within=30)
    sandbox.fault("status", status=422, json={"success": False, "message": told, "errors": {"to": [told]}}, count=1)
    refused = tenant.wait(tenant.send(number(20), BODY)["id"], "failed")
    tenant.api.post(f"/v1/dead-letters/{refused['id']}/replay", {"to": number(21)}, wanted=(202,))
    tenant.wait(refused["id"], "delivered", "read")
    dead = tenant.wait(tenant.send("+99912345670000", BODY)["id"], "failed")
    replay = tenant.api.post(
        "/v1/replays", {"filter": {"reason": "invalid_recipient"}, "correct": {"to_prefix": ["+999", "+44"]}}, wanted=(202,))
    tenant.wait(dead["id"], "delivered", "read")
    tenant.api.get(f"/v1/replays/{replay['id']}")
    for fault in ({"status": 401, "json": {"success": False, "message": told}}, {"status": 401, "body": told}):
        sandbox.fault("status", **fault, count=1)
        held = tenant.send(number(30), BODY)
        wait_for("a refused channel", lambda: tenant.api.get(f"/v1/channels/{channel.id}")["status"] == "unauthorized")
        tenant.api.call("PATCH", f"/v1/channels/{channel.id}", body={"credentials": {"api_key": channel.session_key}})
        tenant.wait(held["id"], "delivered", "read", within=30)
    with service.sandbox_session_down(channel):
        held = tenant.send(number(40), BODY)
        wait_for("a channel without a session", lambda: tenant.message(held["id"])["condition"] not in (None, "sending"))
    tenant.wait(held["id"], "delivered", "read", within=40)


def disturb(service, channel):
    """Requests and webhooks that are wrong, each with a secret where it may be echoed."""
    anybody, tenant, operator = service.anybody, service.tenant, service.operator
    path = channel.webhook_url.removeprefix(service.url)
    key, secret, token = tenant.key, channel.webhook_secret, channel.session_key
    for signature in (secret[:-1], secret + "0", secret.upper(), "", token):
        anybody.call("POST", path, body={"event": secret, "sessionId": token}, headers={"X-Webhook-Signature": signature})
    anybody.call("POST", path[:-1] + "0", body={"event": "x", "sessionId": token}, headers={"X-Webhook-Signature": secret})
    right = {"X-Webhook-Signature": secret}
    for raw in (
        f'{{"event": "{token}", "sessionId": "{token}"', f"{token} {channel.personal_token} {secret} {BODY}",
        f'{{"event": "messages.update", "data": "{token} {BODY}"}}', f'["{token}", "{BODY}"]',
        f'{{"event": "{BODY}", "data": {{}}}}', f'{{"event": "session.status", "data": {{"status": "{token} {secret}"}}}}',
    ):
        expect_equal(anybody.call("POST", path, raw=raw.encode(), headers=right).status, 200, f"the webhook {raw}")
    anybody.call("POST", path, body={"event": "session.status", "data": {"status": "connected"}}, headers=right)
    for authorization in (f"Bearer {key}0", f"Basic {key}", key, f"Bearer {service.revoked['key']}", f"Bearer {token}"):
        anybody.call("GET", "/v1/messages", headers={"Authorization": authorization})
        anybody.call("GET", "/metrics", headers={"Authorization": authorization})
    for place in (f"/v1/messages/{key}", f"/{key}", f"/v1/messages?key={key}", f"/v1/messages?{key}=1", f"/v1/messages?cursor={key}",
                  f"/v1/messages?limit={key}", f"/v1/messages?channel={token}", f"/v1/{key}/messages"):
        tenant.api.call("GET", place)
        anybody.call("GET", place)
    made = {"name": "other", "provider": "wasender", "credentials": {"api_key": channel.new_key}}
    for body in (
        {**made, "credentials": channel.new_key}, {**made, "credentials": {"api_key": [channel.new_key]}},
        {**made, "credentials": {"api_key": channel.new_key, "token": channel.new_key}},
        {**made, "provider": channel.new_key}, {**made, "limits": channel.new_secret}, {**made, "name": "main"},
        {**made, "webhook_secret": [channel.new_secret]}, {**made, "webhook_secret": channel.new_secret + "\0"},
        {**made, "base_url": f"http://user:{channel.new_secret}@127.0.0.1:1/api"}, {**made, "headroom": channel.new_key},
        {"to": number(1), "type": "text", "text": {"body": [BODY, token]}}, {"to": BODY, "type": token, "channel": secret},
    ):
        for route in ("/v1/channels", "/v1/messages", "/v1/replays"):
            tenant.api.call("POST", route, body=body)
        tenant.api.call("POST", "/v1/channels", raw=json.dumps(body).encode()[:-3])
        tenant.api.call("PATCH", f"/v1/channels/{channel.id}", body=body)
        operator.call("POST", "/v1/channels", body={**body, "tenant": key})
    tenant.api.call("POST", "/v1/messages", raw=b'{"to": "' + BODY.encode() + key.encode())


def look_around(service, channel):
    """Everything that lists something."""
    tenant, operator = service.tenant, service.operator
    for path in ("/v1/channels", f"/v1/channels/{channel.id}", "/v1/messages", "/v1/dead-letters", "/v1/stats"):
        tenant.api.get(path)
    for message in tenant.all_messages():
        tenant.timeline(message["id"])
    for path in ("/v1/tenants", f"/v1/tenants/{tenant.id}", f"/v1/tenants/{tenant.id}/keys", "/v1/channels"):
        operator.call("GET", path)
    for path in ("/health/ready", "/openapi.json"):
        service.anybody.get(path)
    Listener(service.url, service.metrics_token, service.heard).call("GET", "/metrics")


class SessionDown:
    """A session that is down for the length of a block."""

    def __init__(self, sandbox, key):
        self.sandbox, self.key = sandbox, key

    def __enter__(self):
        self.sandbox.fault("session_down", key=self.key)

    def __exit__(self, *_):
        self.sandbox.end_faults()


def run_with_secrets(world, log_format):
    service = Service(world, log_format)
    service.sandbox_session_down = lambda channel: SessionDown(service.sandbox, channel.session_key)
    tenant = service.tenant
    channel = tenant.channel(service.sandbox, token=True)
    channel.new_key, channel.new_secret = secrets.token_hex(32), secrets.token_hex(16)
    everything = service.secrets(channel)
    with open(f"/proc/{service.process.process.pid}/cmdline", "rb") as file:
        expect_absent(everything, file.read(), "the process's arguments")
    send_all_ways(service, channel)
    disturb(service, channel)
    look_around(service, channel)
    # A new credential takes the old one's place, and the old is gone, too.
    tenant.api.call("PATCH", f"/v1/channels/{channel.id}", body={
        "credentials": {"api_key": channel.new_key}, "webhook_secret": channel.new_secret})
    channel.session_key, channel.new_key = channel.new_key, channel.session_key
    channel.webhook_secret, channel.new_secret = channel.new_secret, channel.webhook_secret
    service.sandbox.send_webhooks(channel.session_key, channel.webhook_url, channel.webhook_secret)
    service.admin.call("DELETE", f"/v1/tenants/{tenant.id}/keys/{service.revoked['id']}")
    tenant.wait(tenant.send(number(50), BODY)["id"], "read")
    disturb(service, channel)
    look_around(service, channel)
    doctor = world.run("doctor", *service.options, environment={**service.environment})

    database = os.path.join(world.folder, "martlet.db")
    for file in sorted(glob.glob(database + "*")):
        expect_absent(everything, pathlib.Path(file).read_bytes(), os.path.basename(file))
    expect_equal(service.process.stop(), 0, "the exit code")
    for file in sorted(glob.glob(database + "*")):
        expect_absent(everything, pathlib.Path(file).read_bytes(), f"{os.path.basename(file)} once it is stopped")
    everywhere = b"".join(pathlib.Path(file).read_bytes() for file in glob.glob(database + "*"))
    expect(BODY.encode() in everywhere, "what stands in the database is found there")

    expect_absent(everything, "\n".join(doctor[1:]), "the doctor's words")
    log = service.process.log()
    expect(len(log.splitlines()) > 100 and " trace " in log or '"trace"' in log, "a log of every level")
    unseen = {**everything, "the webhook token": channel.webhook_url.rsplit("/", 1)[1], "a message's body": BODY}
    expect_absent(unseen, log + "\n".join(service.process.lines), "the log")
    if log_format == "json":
        for line in log.splitlines():
            json.loads(line)
    expect(len(service.heard) > 200, f"only {len(service.heard)} answers were heard")
    for what, answer in service.heard:
        where = f"the answer to {what}"
        headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
        expect_absent(everything, answer.body + headers.encode(), where)
        expect(answer.status < 500, f"{where}: {answer}")
        if answer.status >= 400 or what.endswith("/metrics"):
            expect_absent(unseen, answer.body + headers.encode(), where)


@check("no credential reaches a log of text, a database, an answer, the metrics or the arguments", limit=150)
def secrets_with_text_log(world):
    world.needs_sqlite()
    run_with_secrets(world, "text")


@check("no credential reaches a log of JSON, a database, an answer, the metrics or the arguments", limit=150)
def secrets_with_json_log(world):
    world.needs_sqlite()
    run_with_secrets(world, "json")


@check("the key that seals credentials is kept in a file of its owner's")
def key_file(world):
    world.needs_sqlite()
    node = world.node()
    mode = os.stat(os.path.join(world.folder, "martlet.db.key")).st_mode & 0o777
    expect_equal(mode, 0o600, "the key file's mode")
    key = pathlib.Path(world.folder, "martlet.db.key").read_bytes().strip()
    for what, contents in (("the log", node.log()), ("standard output", "\n".join(node.lines))):
        expect(key not in contents.encode(), f"the key that seals stands in {what}")


@check("the words of a message to redact are gone from the database's files once it is final", limit=120)
def redaction(world):
    world.needs_sqlite()
    sandbox, node = world.sandbox("--limit", "400/1s"), world.node(retry__delays="0.2", unknown__wait=1)
    tenant = node.tenant()
    tenant.channel(sandbox, limits=((400, 1),))
    kept, small, large = "kept-" + secrets.token_hex(16), "small-" + secrets.token_hex(16), "large-" + secrets.token_hex(16)
    tenant.send(number(1), kept)
    bodies = texts(small, 150, redact=True)
    # So long that they have pages of their own.
    bodies += [{"to": number(500 + index), "type": "text", "redact": True, "text": {"body": f"{large} {index} " * 700}}
               for index in range(10)]
    bodies += [{"to": f"+999{index:06d}0000", "type": "text", "redact": True, "text": {"body": small}} for index in range(20)]
    bodies += [{"to": number(900), "type": "image", "redact": True, "image": {
        "url": "https://example.com/a.jpg", "caption": small}}]
    tenant.send_batch(bodies)
    expired = tenant.send(number(2), small, redact=True, send_at=time.strftime(
        "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600)))["id"]
    tenant.api.post(f"/v1/messages/{expired}/cancel")
    total = len(bodies) + 2
    tenant.wait_until_final(total, within=40)
    # Acknowledgements come later than the status they bring is known; the last of them is a read.
    wait_for("all read", lambda: tenant.counts()["read"] == total - 21, within=30)
    dead = [letter["id"] for letter in tenant.api.get("/v1/dead-letters?limit=5")["data"]]
    for id in dead:
        tenant.api.post(f"/v1/dead-letters/{id}/replay", {"to": number(3), "text": {"body": small}}, wanted=(202,))
    wait_for("the replayed ones read", lambda: tenant.counts()["read"] == total - 21 + len(dead), within=30)

    def found():
        left = {}
        for file in sorted(glob.glob(os.path.join(world.folder, "martlet.db*"))):
            contents = pathlib.Path(file).read_bytes()
            for what, marker in (("small", small), ("large", large)):
                if marker.encode() in contents:
                    left[f"{what} ones in {os.path.basename(file)}"] = contents.count(marker.encode())
        return left

    last = {}

    def are_gone():
        last.clear()
        last.update(found())
        return not last

    try:
        wait_for("words gone from the files", are_gone, within=30, every=0.5)
    except Failure as failure:
        raise Failure(f"{failure}: {last}")
    files = b"".join(pathlib.Path(file).read_bytes() for file in glob.glob(os.path.join(world.folder, "martlet.db*")))
    expect(kept.encode() in files, "the words of a message that is not to be redacted are still there")
    node.kill()
    node = node.restarted()
    expect_equal(tenant.on(node).counts()["read"], total - 21 + len(dead), "messages after the restart")
    expect_equal(found(), {}, "words after the restart")
