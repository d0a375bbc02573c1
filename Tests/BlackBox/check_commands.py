"""The program's own commands, as a person uses them."""

import json
import os
import pathlib
import re
import sqlite3
import subprocess

from harness import Client, Process, expect, expect_equal, free_port, number
from registry import check


@check("administration and sending from the command line")
def command_line(world):
    sandbox, node = world.sandbox(), world.node(retry__delays="0.2")
    as_admin = {"MARTLET_URL": node.url, "MARTLET_KEY": node.admin_token}

    def run(*arguments, environment=as_admin, code=0):
        exit_code, output, errors = world.run(*arguments, environment=environment)
        expect_equal(exit_code, code, f"{' '.join(arguments)} with {errors!r} and {output!r}")
        if code:
            expect_equal(len(errors.strip().splitlines()), 1, f"lines of {errors!r}")
        return output

    tenant = run("tenants", "create", "--name", "acme").strip()
    expect(tenant.startswith("ten_"), f"a tenant's id, got {tenant!r}")
    expect_equal(json.loads(run("tenants", "show", tenant, "--json"))["name"], "acme", "the tenant's name")
    expect("acme" in run("tenants", "list"), "the tenant in the list")
    key = run("keys", "create", "--tenant", tenant, "--name", "backend").strip()
    as_tenant = {"MARTLET_URL": node.url, "MARTLET_KEY": key}
    channel = json.loads(run(
        "channels", "create", "--name", "main", "--provider", "wasender", "--base-url", sandbox.url + "/api",
        "--credential", "api_key=" + "a" * 64, "--webhook-secret", "s" * 32, "--limit", "50/1s", "--json",
        environment=as_tenant))
    sandbox.send_webhooks("a" * 64, channel["webhook_url"], "s" * 32)
    expect("active" in run("channels", "list", environment=as_tenant), "the channel in the list")
    followed = run("send", "--to", number(1), "--text", "from the command line", "--watch", environment=as_tenant)
    expect(followed.strip().splitlines()[-1] in ("delivered", "read"), f"the last line of {followed!r}")
    id = followed.splitlines()[0]
    shown = json.loads(run("messages", "show", id, "--json", environment=as_tenant))
    expect_equal((shown["id"], shown["timeline"][0]["type"]), (id, "accepted"), "the message with its timeline")
    expect(id in run("messages", "list", "--recipient", number(1), environment=as_tenant), "the message in the list")

    code, output, _ = world.run("send", "--to", "+99912345670000", "--text", "nobody", "--watch", environment=as_tenant)
    expect_equal(code, 1, f"the exit code of a send that fails: {output}")
    letters = json.loads(run("dlq", "list", "--json", environment=as_tenant))["data"]
    expect_equal(len(letters), 1, "dead letters")
    expect("invalid_recipient" in run("dead-letters", "show", letters[0]["id"], environment=as_tenant), "the reason")
    run("dlq", "replay", letters[0]["id"], "--to", number(2), environment=as_tenant)
    run("messages", "watch", letters[0]["id"], environment=as_tenant)

    run("channels", "pause", "main", environment=as_tenant)
    expect("paused" in run("channels", "show", "main", environment=as_tenant), "a paused channel")
    waiting = json.loads(run("send", "--to", number(3), "--text", "held", "--json", environment=as_tenant))
    run("messages", "cancel", waiting["id"], environment=as_tenant)
    run("messages", "cancel", waiting["id"], environment=as_tenant, code=1)
    run("channels", "resume", "main", environment=as_tenant)
    report = json.loads(run(
        "bench", "--rate", "20", "--duration", "1", "--connections", "4", "--settle", "20", "--json", environment=as_tenant))
    expect_equal((report["accepted"], report["refused"]), (20, {}), "accepted by the benchmark")
    run("messages", "show", "msg_nothing", environment=as_tenant, code=1)
    run("messages", "list", environment={"MARTLET_URL": f"http://127.0.0.1:{free_port()}", "MARTLET_KEY": "x"}, code=1)
    run("send", "--to", number(1), environment=as_tenant, code=64)
    run("keys", "list", "--tenant", tenant, environment={"MARTLET_URL": node.url, "MARTLET_KEY": "wrong"}, code=1)


@check("a bad configuration stops the start with one line that says what is wrong")
def bad_configuration(world):
    def refused(*arguments, environment=None, file=None, naming=()):
        if file is not None:
            path = os.path.join(world.folder, "martlet.yaml")
            pathlib.Path(path).write_text(file)
            arguments = (*arguments, "--config", path)
        code, output, errors = world.run("serve", *arguments, environment=environment)
        expect(code != 0, f"{arguments} {environment} {file!r} was taken")
        expect_equal(len(errors.strip().splitlines()), 1, f"lines of {errors!r}")
        for text in naming:
            expect(text in errors, f"{errors!r} does not say {text!r}")

    refused("--http-port", "eighty", naming=("http.port", "eighty", "--http-port", "65535"))
    refused("--nonsense", "1", naming=("nonsense",))
    refused(environment={"MARTLET_HTTP_PORT": "70000"}, naming=("http.port", "70000", "MARTLET_HTTP_PORT"))
    refused(environment={"MARTLET_RETRY_DELAYS": "5,x"}, naming=("retry.delays", "5,x"))
    refused(environment={"MARTLET_LOG_LEVEL": "loud"}, naming=("log.level", "loud", "debug"))
    refused(environment={"MARTLET_STORE_URL": "mysql://u:hunter2@h/db"}, naming=("store.url", "sqlite:PATH"))
    refused(environment={"MARTLET_SECRETS_KEY": "c2hvcnQ="}, naming=("secrets.key", "32 bytes"))
    refused(environment={"MARTLET_LEASE_DURATION": "5"}, naming=("lease.duration", "provider.timeout"))
    refused(file="http:\n  prot: 1\n", naming=("http.prot", "line 2", "http.port"))
    refused(file="http:\n  port:\n", naming=("http.port", "line 2"))
    refused(file="- a\n", naming=("martlet.yaml",))
    refused("--config", "nowhere.yaml", naming=("nowhere.yaml",))
    code, _, errors = world.run("serve", environment={"MARTLET_STORE_URL": "postgres://u:hunter2@h/db"})
    expect("hunter2" not in errors, "a URL's password in an error")


@check("the settings' places: command line over environment over file")
def precedence(world):
    port = free_port()
    pathlib.Path(world.folder, "martlet.yaml").write_text(
        "http:\n  port: 1\n  host: 127.0.0.1\nstore.url: sqlite:from-file.db\nlog: {format: json}\n")
    process = Process(
        world, "layers", ["serve", "--config", "martlet.yaml", "--http.port", str(port)],
        {"MARTLET_HTTP_PORT": "2", "MARTLET_COLOUR": "red", "MARTLET_LOG_LEVEL": "info"})
    world.processes.append(process)
    token = process.line_that_starts_with("admin token (shown this once): ").rsplit(" ", 1)[1]
    expect_equal(process.line_that_starts_with("listening on "), f"listening on http://127.0.0.1:{port}", "the line")
    expect(os.path.exists(os.path.join(world.folder, "from-file.db")), "the file's database")
    expect_equal(Client(f"http://127.0.0.1:{port}", bearer=token).call("GET", "/v1/tenants").status, 200, "the made token")
    lines = [json.loads(line) for line in process.log().splitlines()]
    expect(any("MARTLET_COLOUR" in json.dumps(line) for line in lines), "the warning about an unknown variable")
    expect(token not in process.log(), "the operator's token in the log")
    expect_equal(process.stop(), 0, "the exit code")
    code, output, _ = world.run("doctor", "--config", "martlet.yaml", environment={"MARTLET_HTTP_PORT": "0"})
    expect_equal(code, 0, f"the doctor's exit code: {output}")
    os.remove(os.path.join(world.folder, "from-file.db.key"))
    code, output, _ = world.run("doctor", "--config", "martlet.yaml", environment={"MARTLET_HTTP_PORT": "0"})
    expect_equal(code, 1, "the doctor's exit code without the key file")
    expect("from-file.db.key" in output, f"the doctor names the missing file: {output}")


@check("the doctor tells a channel that cannot send")
def doctor(world):
    sandbox, node = world.sandbox("--key", "b" * 64), world.node()
    tenant = node.tenant()
    channel = tenant.channel(sandbox, webhooks=False)
    # Where the node listens: a worker of the database that does not answer there is a mistake of its own.
    settings = {**world.store(), "MARTLET_HTTP_PORT": str(node.port)}
    code, output, _ = world.run("doctor", environment=settings)
    expect_equal(code, 1, f"the doctor's exit code: {output}")
    expect(channel.id in output and "credentials" in output, f"the doctor names the channel: {output}")
    tenant.api.call("PATCH", f"/v1/channels/{channel.id}", body={"credentials": {"api_key": "b" * 64}})
    code, output, _ = world.run("doctor", "--json", environment=settings)
    expect_equal((code, json.loads(output)["ok"]), (0, True), f"the doctor once it is mended: {output}")


@check("a database of a later version is refused", limit=60)
def later_version(world):
    world.needs_sqlite()
    node = world.node()
    node.stop()
    database = sqlite3.connect(os.path.join(world.folder, "martlet.db"))
    version = database.execute("PRAGMA user_version").fetchone()[0]
    database.execute(f"PRAGMA user_version = {version + 1000}")
    tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    if "grdb_migrations" in tables:
        database.execute("INSERT INTO grdb_migrations VALUES ('9999-from-the-future')")
    database.commit()
    database.close()
    code, _, errors = world.run("serve", environment={"MARTLET_HTTP_PORT": "0", "MARTLET_STORE_URL": "sqlite:martlet.db"})
    expect(code == 1 and "later Martlet" in errors, f"{code} {errors!r}")


@check("health, metrics and the API's description are served")
def around_it(world):
    sandbox, node = world.sandbox(), world.node(metrics__token="scrape-me-please")
    tenant = node.tenant()
    tenant.channel(sandbox)
    tenant.wait(tenant.send(number(1), "counted")["id"], "read")
    anybody = Client(node.url)
    expect_equal(anybody.call("GET", "/health/live").status, 200, "liveness")
    ready = anybody.get("/health/ready")
    expect_equal((ready["status"], all(check["ok"] for check in ready["checks"])), ("ready", True), "readiness")
    expect_equal(anybody.call("GET", "/metrics").status, 401, "metrics without their token")
    metrics = Client(node.url, bearer="scrape-me-please").call("GET", "/metrics").body.decode()
    expect(re.search(r"^martlet_messages_accepted_total 1(\.0)?$", metrics, re.M), "the count of accepted messages")
    expect("/v1/messages" in anybody.get("/openapi.json")["paths"], "the API's description")


@check("the first message of the README works as it stands there", limit=120)
def readme(world):
    text = pathlib.Path(__file__).parents[2].joinpath("README.md").read_text()
    section = text.split("## A first message", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.S)
    expect(len(blocks) >= 3, "the README's section has shell blocks")
    script = "\n".join(blocks)
    script = script.replace(".build/debug/martlet", f'"{world.martlet}"')
    for port in ("8080", "9090"):
        script = script.replace(port, str(free_port()))
    # Commands that stay in the foreground stand with an ampersand there; they end with the script.
    script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n" + script
    done = subprocess.run(
        ["bash", "-c", script], cwd=world.folder, capture_output=True, text=True, timeout=100, stdin=subprocess.DEVNULL)
    expect_equal(done.returncode, 0, f"{done.stdout}\n{done.stderr}")
    expect('"status":"read"' in done.stdout.replace(" ", "") or '"status":"delivered"' in done.stdout.replace(" ", ""),
           f"the message's status: {done.stdout}")
    for kind in ("accepted", "attempt", "sent", "delivered"):
        expect(f'"type":"{kind}"' in done.stdout.replace(" ", ""), f"{kind} in the timeline: {done.stdout}")


@check("the demonstration ends with every message final", limit=120, alone=True)
def demo(world):
    code, output, errors = world.run("demo", within=90)
    expect_equal(code, 0, f"{output}\n{errors}")
    expect("have a final status" in output and " 0 duplicates" in output, output)
    expect("\x1b" not in output, "control sequences outside a terminal")
    leftovers = list(pathlib.Path(os.environ.get("TMPDIR", "/tmp")).glob("martlet-demo-*"))
    expect_equal(leftovers, [], "folders it left behind")
