"""Every mistake the doctor knows, made for real: it names it, says how to mend it, and is content once that is done."""

import base64
import http.server
import json
import os
import pathlib
import secrets
import shutil
import socket
import sqlite3
import threading
import time

import engines
from harness import Skipped, expect, expect_equal, free_port, number, wait_for
from machine import MovableClock, OwnNames, SmallDisk, may_use_low_ports, without_low_ports
from registry import check


class Patient:
    """Settings to run the doctor with, and what it finds."""

    def __init__(self, world, environment, launcher=()):
        self.world, self.environment, self.launcher = world, environment, launcher

    def findings(self, environment=None, launcher=None, arguments=()):
        code, output, errors = self.world.run(
            "doctor", "--json", *arguments, environment={**self.environment, **(environment or {})},
            launcher=self.launcher if launcher is None else launcher)
        expect_equal(errors, "", "what the doctor writes beside its findings")
        report = json.loads(output)
        failed = any(finding["state"] == "failed" for finding in report["findings"])
        expect_equal((code, report["ok"]), (1 if failed else 0, not failed), f"the exit code: {report['findings']}")
        for finding in report["findings"]:
            expect_equal(bool(finding["remedy"]), finding["state"] != "ok", f"a remedy: {finding}")
        return report["findings"]

    def finds(self, name, state, *words, **options):
        """Expects a finding whose detail and remedy have these words."""
        found = self.findings(**options)
        fitting = [
            finding for finding in found if finding["name"].startswith(name) and finding["state"] == state
            and all(word in f"{finding['detail']} → {finding['remedy']}" for word in words)]
        expect(fitting, f"the doctor finds no {name} {state} with {words}: {found}")

    def is_content(self, but=(), **options):
        """Expects nothing wrong but what is named."""
        wrong = [
            finding for finding in self.findings(**options)
            if finding["state"] != "ok" and not finding["name"].startswith(tuple(but) or ("\0",))]
        expect_equal(wrong, [], "what the doctor still finds")


class Listener:
    """Something that is not Martlet on a port."""

    def __init__(self, world, speaks_http=True):
        if speaks_http:
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_error(404)

                def log_message(self, *_):
                    pass

            self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
            self.port = self._server.server_address[1]
            world.closing(self._server.shutdown)
        else:
            self._socket = socket.socket()
            self._socket.bind(("127.0.0.1", 0))
            self._socket.listen()
            self.port = self._socket.getsockname()[1]
            world.closing(self._socket.close)


def change(world, sql, *arguments, database="martlet.db"):
    """Changes the database behind the program's back."""
    connection = sqlite3.connect(os.path.join(world.folder, database), timeout=10)
    connection.execute(sql, arguments)
    connection.commit()
    connection.close()


@check("the doctor finds mistakes in settings and addresses", limit=120)
def settings(world):
    world.needs_sqlite()
    node = world.node()
    patient = Patient(world, {**node.own_environment(node.port)})
    patient.is_content()
    patient.finds("address", "ok", "a Martlet listens")
    patient.finds("channels", "ok", "none yet")
    patient.finds("configuration", "failed", "http.port", '"eighty"', "MARTLET_HTTP_PORT", "65535", "correct that setting",
                  environment={"MARTLET_HTTP_PORT": "eighty"})
    patient.finds("configuration", "failed", "nowhere.yaml", arguments=["--config", "nowhere.yaml"])
    patient.finds("configuration", "warning", "MARTLET_HTTP_PROT", "correct or remove",
                  environment={"MARTLET_HTTP_PROT": "1"})
    patient.finds("admin token", "warning", "shorter than 16", "long random text", environment={"MARTLET_ADMIN_TOKEN": "short"})

    for speaks_http in (True, False):
        other = Listener(world, speaks_http)
        patient.finds("address", "failed", "not Martlet", str(other.port), "another port",
                      environment={"MARTLET_HTTP_PORT": str(other.port)})
    patient.finds("address", "failed", "192.0.2.1 is no address of this machine", "0.0.0.0",
                  environment={"MARTLET_HTTP_HOST": "192.0.2.1"})
    patient.finds("address", "failed", "cannot be used", "http.host", environment={"MARTLET_HTTP_HOST": "no.such.host.invalid"})
    if not may_use_low_ports():
        patient.finds("address", "failed", "may not listen on port 81", "above 1023", "CAP_NET_BIND_SERVICE",
                      environment={"MARTLET_HTTP_PORT": "81"}, launcher=without_low_ports())

    # Another address than the service has that dispatches from this database, and another database than the service's.
    patient.finds("worker", "failed", f"process {node.process.pid} dispatches", "no Martlet answers", f"end process {node.process.pid}",
                  environment={"MARTLET_HTTP_PORT": str(free_port())})
    patient.finds("worker", "failed", "does not dispatch from this database", "the configuration that service has",
                  environment={"MARTLET_STORE_URL": "sqlite:another.db"})
    text_code, text, _ = world.run("doctor", environment={**patient.environment, "MARTLET_HTTP_PORT": "eighty"})
    expect_equal(text_code, 1, "the exit code of the doctor that speaks to people")
    expect(text.startswith("FAILED  configuration: ") and "\n        → correct" in text, f"it says {text!r}")
    node.stop()
    patient.is_content()
    patient.finds("address", "ok", "is free")


@check("the doctor finds what is wrong with the database and its key", limit=120)
def database(world):
    world.needs_sqlite()
    node = world.node()
    tenant = node.tenant()
    sandbox = world.sandbox()
    channel = tenant.channel(sandbox)
    tenant.api.post(f"/v1/channels/{channel.id}/pause")
    tenant.send(number(1), "overdue")
    node.stop()
    environment = node.own_environment(0)
    patient = Patient(world, environment)
    paused = f"channel main ({channel.id})"
    patient.finds(paused, "warning", "is paused", f"martlet channels resume {channel.id}")
    patient.is_content(but=[paused])

    key = pathlib.Path(world.folder, "martlet.db.key")
    right = key.read_bytes()
    os.chmod(key, 0o644)
    patient.finds("secrets key", "warning", "others can read", "chmod 600")
    os.chmod(key, 0o600)
    key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    patient.finds("secrets key", "failed", "not the one this database was made with", "old key")
    key.write_bytes(b"nonsense")
    patient.finds("secrets key", "failed", "32 bytes in base64", "backup")
    key.unlink()
    patient.finds("secrets key", "failed", "there is no key file", "martlet.db.key", "backup")
    patient.finds("secrets key", "failed", "not the one", environment={
        "MARTLET_SECRETS_KEY": base64.b64encode(secrets.token_bytes(32)).decode()})
    key.write_bytes(right)
    os.chmod(key, 0o600)
    patient.is_content(but=[paused], environment={"MARTLET_SECRETS_KEY": right.decode().strip()})

    change(world, "UPDATE jobs SET due_at = due_at - 400 * 1000000")
    patient.finds("queue", "warning", "have been due for 4", "role worker")
    change(world, "INSERT INTO inbox (channel_id, received_at, body) VALUES (?, ?, x'7b7d')", channel.id,
           int((time.time() - 90) * 1e6))
    change(world, "INSERT INTO counters VALUES ('', '', 'inbox', 1) ON CONFLICT DO UPDATE SET value = 1")
    patient.finds("inbox", "warning", "1 webhooks wait, the oldest for 9", "role worker")

    for where, words in {
        "sqlite:nowhere/martlet.db": ("there is no database", "nowhere", "make the folder"),
        f"sqlite:{world.folder}": ("store.url",),
    }.items():
        patient.finds("store", "failed", *words, environment={"MARTLET_STORE_URL": where})
    patient.finds("store", "ok", "martlet serve makes it", environment={"MARTLET_STORE_URL": "sqlite:new.db"})
    pathlib.Path(world.folder, "garbage.db").write_bytes(os.urandom(20_000))
    patient.finds("store", "failed", "garbage.db", environment={"MARTLET_STORE_URL": "sqlite:garbage.db"})
    change(world, "CREATE TABLE theirs (a)", database="theirs.db")
    patient.finds("store", "failed", "another program", "another file", environment={"MARTLET_STORE_URL": "sqlite:theirs.db"})
    version = sqlite3.connect(os.path.join(world.folder, "martlet.db")).execute("PRAGMA user_version").fetchone()[0]
    change(world, "PRAGMA user_version = 1")
    patient.finds("store", "failed", "has schema version 1", "martlet migrate", "back the database up")
    change(world, f"PRAGMA user_version = {version + 7}")
    patient.finds("store", "failed", "of a later Martlet", "later version")
    change(world, f"PRAGMA user_version = {version}")
    patient.is_content(but=[paused, "queue", "inbox"])
    node = node.restarted()
    tenant.on(node).api.post(f"/v1/channels/{channel.id}/resume")
    tenant.on(node).wait_until_final(1, within=20)
    Patient(world, node.own_environment(node.port)).is_content()


@check("the doctor warns of a Redis server that forgets, where webhooks land in it", limit=120)
def forgetful_redis(world):
    world.needs_postgresql()
    if shutil.which("redis-server") is None:
        raise Skipped("there is no redis-server here")
    node = world.node()
    node.stop()
    server = engines.RedisServer(world)
    parts = {f"MARTLET_{part}_URL": server.url for part in ("QUEUE", "INBOX", "THROTTLE")}
    patient = Patient(world, {**node.own_environment(node.port), **parts})

    def expect_warnings(remark, parts, **options):
        warned = {finding["name"] for finding in patient.findings(**options)
                  if finding["state"] == "warning" and remark in finding["detail"]}
        expect_equal(warned, set(parts), f"the parts that are warned: {remark}")

    patient.is_content()
    engines.redis(server.url, "CONFIG", "SET", "appendfsync", "everysec")
    expect_warnings("appendfsync", ["inbox.url"])
    engines.redis(server.url, "CONFIG", "SET", "appendonly", "no")
    expect_warnings("append-only file", ["inbox.url"])
    expect_warnings("append-only file", [], environment={"MARTLET_INBOX_URL": "store"})
    engines.redis(server.url, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    expect_warnings("maxmemory-policy", ["queue.url", "inbox.url", "throttle.url"])


@check("the doctor finds a disk that is nearly full", limit=60)
def small_disk(world):
    world.needs_sqlite()
    disk = SmallDisk(world, 24)
    node = world.node(database=disk.database, launcher=disk.launcher)
    patient = Patient(world, node.own_environment(node.port), disk.launcher)
    patient.finds("disk", "failed", "nearly full", "disk", "make room there", "retention.days")
    node.stop()


@check("the doctor finds channels that cannot send, and says why", limit=120)
def channels(world):
    world.needs_sqlite()
    sandbox = world.sandbox("--key", "a" * 64)
    node = world.node()
    tenant = node.tenant()
    made = tenant.api.post("/v1/channels", {
        "name": "main", "provider": "wasender", "base_url": sandbox.url + "/api", "credentials": {"api_key": "a" * 64}})
    id, name = made["id"], f"channel main ({made['id']})"
    patient = Patient(world, node.own_environment(node.port))

    def update(**fields):
        answer = tenant.api.call("PATCH", f"/v1/channels/{id}", body=fields)
        expect_equal(answer.status, 200, f"a change of the channel: {answer}")

    patient.finds(name, "failed", "has no webhook secret", f"martlet channels update {id} --webhook-secret")
    update(webhook_secret="s" * 32)
    patient.is_content()
    sent = tenant.send(number(1), "never acknowledged")["id"]
    wait_for("a send", lambda: tenant.message(sent)["status"] == "sent")
    patient.is_content()
    change(world, "UPDATE communications_log SET created_at = created_at - 200 * 1000000")
    patient.finds(name, "failed", "no webhook ever came", f"martlet channels show {id}", "turn its webhooks on")
    sandbox.send_webhooks("a" * 64, made["webhook_url"], "s" * 32)
    tenant.wait(tenant.send(number(2), "acknowledged")["id"], "read")
    patient.is_content()

    update(credentials={"api_key": "b" * 64})
    patient.finds(name, "failed", "refuses its credentials", f"martlet channels update {id} --credential api_key=")
    update(credentials={"api_key": "a" * 64})
    sandbox.fault("session_down", key="a" * 64)
    patient.finds(name, "failed", "its session is down", f"martlet channels connect {id}")
    sandbox.end_faults()
    update(base_url=f"http://127.0.0.1:{free_port()}/api")
    patient.finds(name, "failed", "cannot be asked", "base URL")
    update(base_url=sandbox.url + "/api")
    tenant.api.post(f"/v1/channels/{id}/pause")
    patient.finds(name, "warning", "is paused", f"martlet channels resume {id}")
    tenant.api.post(f"/v1/channels/{id}/resume")
    patient.is_content()

    clock = MovableClock(world)
    for seconds, words in ((3600, "ahead of"), (-3600, "behind")):
        clock.move(seconds)
        patient.finds("clock", "failed", words, "timedatectl", environment=clock.environment)
    node.stop()
    change(world, "UPDATE channels SET provider = 'carrier-pigeon'")
    patient.finds(name, "failed", "carrier-pigeon is not part of this build", "delete the channel")


@check("the doctor finds out whether a provider outside can reach the service", limit=120)
def public_url(world):
    # Names of the public Internet, as far as their form tells, that lead to this machine.
    names = OwnNames(world, "provider.example.com", "notify.example.com")
    sandbox = world.sandbox()
    port = free_port()
    node = world.node(http__port=port, launcher=names.launcher)
    tenant = node.tenant()
    tenant.channel(sandbox, webhooks=False)
    outside = sandbox.url.replace("127.0.0.1", "provider.example.com") + "/api"
    patient = Patient(world, node.own_environment(port), names.launcher)
    patient.finds("public URL", "ok", "no channel's provider is outside")
    channel = tenant.api.get("/v1/channels")["data"][0]["id"]
    tenant.api.call("PATCH", f"/v1/channels/{channel}", body={"base_url": outside})

    def with_url(url):
        return {"environment": {"MARTLET_HTTP_PUBLIC_URL": url}}

    patient.finds("public URL", "failed", "none is set", "channel main cannot send webhooks", "set http.public_url")
    for inside in (f"http://127.0.0.1:{port}", "https://10.1.2.3", "http://notify.local"):
        patient.finds("public URL", "failed", "not reachable from the Internet", inside, "set http.public_url", **with_url(inside))
    patient.finds("public URL", "warning", "leads here, but without TLS", "certificate",
                  **with_url(f"http://notify.example.com:{port}"))
    patient.finds("public URL", "failed", "leads to something that is not Martlet (HTTP 404)", "pass /webhooks/ on",
                  **with_url(f"http://notify.example.com:{Listener(world).port}"))
    patient.finds("public URL", "failed", "cannot be reached", "firewall", **with_url(f"http://notify.example.com:{free_port()}"))
    node.stop()
    patient.finds("public URL", "ok", "tried when the service runs", **with_url("https://notify.example.com"))
