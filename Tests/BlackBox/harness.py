"""What the black-box checks stand on: processes of the built program, and small clients of what they serve.

Python's standard library alone. Every check has a World of its own: a folder, a database, free ports, and processes that are
ended with it, whatever happens.
"""

import base64
import contextlib
import glob
import http.client
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import engines


class Failure(AssertionError):
    """A promise that was not kept."""


class Skipped(Exception):
    """A check that this machine cannot run, and why."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


def expect_equal(actual, wanted, what):
    if actual != wanted:
        raise Failure(f"{what}: wanted {wanted!r}, got {actual!r}")


def wait_for(what, condition, within=20.0, every=0.05):
    """Asks until the condition answers something true, and answers that; fails when the time is up."""
    end = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {within:g} s: {what}")
        time.sleep(every)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Answer:
    """An HTTP answer."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:300]!r}"


class Client:
    """Makes HTTP requests to one server, with a connection for each thread."""

    def __init__(self, url, bearer=None):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port, self.bearer = parts.hostname, parts.port, bearer
        self.prefix = parts.path.rstrip("/")
        self._local = threading.local()

    def call(self, method, path, body=None, headers=None, raw=None, timeout=30):
        """A request. `body` goes as JSON, `raw` as it is. A connection that was closed in the meantime is made anew once,
        for requests that are safe to repeat only."""
        sent = {"Accept": "application/json"}
        if self.bearer:
            sent["Authorization"] = f"Bearer {self.bearer}"
        if body is not None:
            raw = json.dumps(body).encode()
        if raw is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        for attempt in (1, 2):
            connection = getattr(self._local, "connection", None)
            is_new = connection is None
            if is_new:
                connection = self._local.connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
            try:
                connection.request(method, self.prefix + path, body=raw, headers=sent)
                response = connection.getresponse()
                return Answer(response.status, response.getheaders(), response.read())
            except (http.client.HTTPException, OSError):
                connection.close()
                self._local.connection = None
                if is_new or attempt == 2 or method != "GET":
                    raise

    def get(self, path, **options):
        answer = self.call("GET", path, **options)
        expect(answer.status == 200, f"GET {path} answers {answer}")
        return answer.json

    def post(self, path, body=None, wanted=(200, 201, 202), **options):
        answer = self.call("POST", path, body=body, **options)
        expect(answer.status in wanted, f"POST {path} answers {answer}")
        return answer.json if answer.body else None


class EventStream:
    """A tenant's stream of status changes (server-sent events), read as they come."""

    def __init__(self, client, timeout=30):
        self._connection = http.client.HTTPConnection(client.host, client.port, timeout=timeout)
        self._connection.request("GET", "/v1/events", headers={"Authorization": f"Bearer {client.bearer}"})
        self._response = self._connection.getresponse()
        expect(self._response.status == 200, f"GET /v1/events answers {self._response.status}")
        # The first line says that the stream is heard.
        self._response.readline()

    def next(self):
        """The message of the next change."""
        while True:
            line = self._response.readline()
            expect(line, "the stream of status changes goes on")
            if line.startswith(b"data: "):
                return json.loads(line.removeprefix(b"data: "))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._connection.close()


class Process:
    """A process of the program, and the lines it writes."""

    def __init__(self, world, name, arguments, environment=None, launcher=()):
        self.name = name
        self.log_path = os.path.join(world.folder, f"{name}.log")
        self.lines = []
        self._lines_changed = threading.Condition()
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*launcher, world.martlet, *arguments], cwd=world.folder, env={**kept, **(environment or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._log, start_new_session=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._lines_changed:
                self.lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._lines_changed.notify_all()
        with self._lines_changed:
            self._lines_changed.notify_all()

    def line_that_starts_with(self, prefix, within=60):
        end = time.monotonic() + within
        with self._lines_changed:
            while True:
                for line in self.lines:
                    if line.startswith(prefix):
                        return line
                if self.process.poll() is not None:
                    raise Failure(f"{self.name} ended with {self.process.returncode}: {self.log_tail()}")
                if time.monotonic() > end:
                    raise Failure(f"{self.name} did not say '{prefix}': {self.log_tail()}")
                self._lines_changed.wait(0.2)

    def log(self):
        with open(self.log_path, "r", encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tail(self):
        return self.log()[-2000:]

    def stop(self, within=40):
        """Asks it to stop, and waits until it has. Answers its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not stop within {within} s: {self.log_tail()}")

    def kill(self):
        """Ends it at once, as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def close(self):
        self.kill()
        self._log.close()


class Sandbox(Process):
    """The provider simulator."""

    def __init__(self, world, *flags):
        super().__init__(world, f"sandbox{len(world.processes)}", ["sandbox", "--port", "0", *flags])
        world.processes.append(self)
        self.url = self.line_that_starts_with("sandbox listening on ").removeprefix("sandbox listening on ")
        self.control = Client(self.url)
        self.account = Client(self.url + "/api", bearer="1|any-personal-access-token")

    def ledger(self, since=0):
        return self.control.get(f"/_sandbox/messages?since={since}")["data"]

    def statistics(self):
        return self.control.get("/_sandbox/stats")

    def fault(self, kind, **fields):
        return self.control.post("/_sandbox/faults", {"kind": kind, **fields})

    def end_faults(self):
        self.control.call("DELETE", "/_sandbox/faults")

    def send_webhooks(self, key, url, secret):
        """Points a session's webhooks at an address, as one does at the provider: through its session endpoints."""
        Client(self.url + "/api", bearer=key).get("/status")
        sessions = self.account.get("/whatsapp-sessions")["data"]
        session = next(session["id"] for session in sessions if session["api_key"] == key)
        answer = self.account.call(
            "PUT", f"/whatsapp-sessions/{session}",
            body={"webhook_url": url, "webhook_enabled": True, "webhook_secret": secret})
        expect(answer.status == 200, f"the sandbox answers {answer} to new session settings")


class Node(Process):
    """`martlet serve` on a database of its own.

    `environment` is added to the process's own, `launcher` put before the program; `is_awaited=False` returns before the
    node listens.
    """

    def __init__(self, world, settings, port=0, database="martlet.db", environment=None, launcher=(), is_awaited=True):
        self.world, self.settings, self.database = world, settings, database
        self.extra_environment, self.launcher = environment or {}, launcher
        self.admin_token = world.admin_token
        super().__init__(
            world, f"node{len(world.processes)}", ["serve"], {**self.own_environment(port), **self.extra_environment},
            launcher)
        world.processes.append(self)
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        if is_awaited:
            self.await_ready()

    def own_environment(self, port):
        """The settings as environment variables."""
        environment = {
            "MARTLET_HTTP_PORT": str(port),
            "MARTLET_ADMIN_TOKEN": self.admin_token,
            **self.world.store(self.database),
        }
        for name, value in self.settings.items():
            environment["MARTLET_" + name.upper().replace(".", "_")] = str(value)
        return environment

    def await_ready(self, within=60):
        """Waits until it listens."""
        self.url = self.line_that_starts_with("listening on ", within).removeprefix("listening on ")
        self.port = urllib.parse.urlsplit(self.url).port
        self.admin = Client(self.url, bearer=self.admin_token)

    def restarted(self, is_awaited=True, settings=None):
        """Another process on the same database and the same port."""
        return Node(
            self.world, {**self.settings, **(settings or {})}, port=self.port, database=self.database,
            environment=self.extra_environment, launcher=self.launcher, is_awaited=is_awaited)

    def health(self):
        """The status of `/health/ready`, and its checks that are not well, by name."""
        answer = Client(self.url).call("GET", "/health/ready")
        return answer.status, {check["name"]: check.get("detail") for check in answer.json["checks"] if not check["ok"]}

    def doctor(self, *arguments, port=None):
        """Runs `martlet doctor` with this node's settings. Answers exit code and output."""
        environment = {**self.own_environment(self.port if port is None else port), **self.extra_environment}
        code, output, errors = self.world.run("doctor", *arguments, environment=environment, launcher=self.launcher)
        return code, output + errors

    def tenant(self, name="acme", **fields):
        return Tenant(self, self.admin.post("/v1/tenants", {"name": name, **fields}, wanted=(201,))["id"])

    def events(self, tenant):
        """The tenant's stream of status changes."""
        return EventStream(tenant.api)

    def metric(self, name, **labels):
        """The sum of a metric's samples that have these labels."""
        total = 0.0
        for line in Client(self.url).call("GET", "/metrics").body.decode().splitlines():
            head, _, value = line.rpartition(" ")
            if not head.startswith(name) or head[len(name):len(name) + 1] not in ("", "{"):
                continue
            if all(f'{label}="{wanted}"' in head for label, wanted in labels.items()):
                total += float(value)
        return total


class Tenant:
    """A tenant and a key of its."""

    def __init__(self, node, id):
        self.node, self.id = node, id
        self.key = node.admin.post(f"/v1/tenants/{id}/keys", {"name": "check"}, wanted=(201,))["key"]
        self.api = Client(node.url, bearer=self.key)

    def on(self, node):
        """The same tenant at another process on the same database."""
        moved = object.__new__(Tenant)
        moved.node, moved.id, moved.key = node, self.id, self.key
        moved.api = Client(node.url, bearer=self.key)
        return moved

    def channel(self, sandbox, name="main", webhooks=True, token=False, limits=((50, 1),), **fields):
        """A channel at the sandbox, its webhooks pointed at this service."""
        channel = Channel(name, secrets.token_hex(32), secrets.token_hex(16))
        credentials = {"api_key": channel.session_key}
        if token:
            channel.personal_token = f"7|{secrets.token_hex(20)}"
            credentials["personal_access_token"] = channel.personal_token
        body = {
            "name": name, "provider": "wasender", "base_url": sandbox.url + "/api", "credentials": credentials,
            "webhook_secret": channel.webhook_secret,
            "limits": [{"count": count, "per_seconds": seconds} for count, seconds in limits], **fields,
        }
        created = self.api.post("/v1/channels", body, wanted=(201,))
        channel.id, channel.webhook_url = created["id"], created["webhook_url"]
        if webhooks:
            sandbox.send_webhooks(channel.session_key, channel.webhook_url, channel.webhook_secret)
        return channel

    def send(self, to, text="Hello", wanted=(202,), headers=None, **fields):
        body = {"to": to, "type": "text", "text": {"body": text}, **fields}
        return self.api.post("/v1/messages", body, wanted=wanted, headers=headers)

    def send_batch(self, messages):
        results = []
        for start in range(0, len(messages), 1000):
            answer = self.api.post("/v1/messages/batch", {"messages": messages[start:start + 1000]}, wanted=(202,))
            results += answer["results"]
        return results

    def message(self, id):
        return self.api.get(f"/v1/messages/{id}")

    def timeline(self, id):
        return self.api.get(f"/v1/messages/{id}/events")["data"]

    def wait(self, id, *statuses, within=20):
        """Waits until the message has one of these statuses, and answers it."""

        def look():
            message = self.message(id)
            return message if message["status"] in statuses else None

        try:
            return wait_for(f"{id} {' or '.join(statuses)}", look, within)
        except Failure as failure:
            raise Failure(f"{failure}; it is {self.message(id)} with {self.timeline(id)}")

    def all_messages(self, **filters):
        """Every message of the log that fits."""
        found, cursor = [], None
        while True:
            query = {**filters, "limit": 200, **({"cursor": cursor} if cursor else {})}
            page = self.api.get("/v1/messages?" + urllib.parse.urlencode(query))
            found += page["data"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def counts(self):
        return self.api.get("/v1/stats")["counts"]

    def wait_until_final(self, total, within):
        """Waits until so many messages have a final status."""

        counts = {}

        def look():
            answer = self.api.call("GET", "/v1/stats")
            if answer.status == 503:
                # The store is away for a moment.
                return False
            expect_equal(answer.status, 200, "the status of GET /v1/stats")
            counts.update(answer.json["counts"])
            return sum(counts.get(status, 0) for status in ("delivered", "read", "failed")) >= total

        try:
            wait_for(f"{total} messages final", look, within, every=0.2)
        except Failure as failure:
            raise Failure(f"{failure}; there are {counts}")


class Channel:
    """What a check knows of a channel."""

    def __init__(self, name, session_key, webhook_secret):
        self.name, self.session_key, self.webhook_secret = name, session_key, webhook_secret
        self.personal_token = self.id = self.webhook_url = None


class World:
    """The folder and the processes of one check. `server` is the URL of a PostgreSQL server to check on; else it is SQLite.
    `engines` are servers beside it, by `queue`, `inbox` and `throttle`."""

    def __init__(self, martlet, folder, server=None, engines=None):
        self.engines = engines or {}
        self.martlet, self.folder, self.server = os.path.abspath(martlet), folder, server
        self.secrets_key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._databases, self._beside = {}, {}
        self.admin_token = "admin-" + secrets.token_hex(24)
        self.processes = []
        # What a check has to tell beside its verdict.
        self.remarks = []
        self._to_close = []

    def say(self, remark):
        """Has a line printed below the check's own."""
        self.remarks.append(remark)

    def node(self, database="martlet.db", environment=None, launcher=(), **settings):
        """Settings by keyword, a double underscore for the dot: `retry__delays`."""
        return Node(
            self, {name.replace("__", "."): value for name, value in settings.items()}, database=database,
            environment=environment, launcher=launcher)

    def sandbox(self, *flags):
        return Sandbox(self, *flags)

    def store(self, database="martlet.db"):
        """The settings that name the store; each name is a database of its own."""
        if self.server is None:
            return {"MARTLET_STORE_URL": f"sqlite:{os.path.join(self.folder, database)}"}
        if database not in self._databases:
            name = self._databases[database] = f"check_{secrets.token_hex(8)}"
            self._psql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
            self.closing(lambda: self._psql(f"DROP DATABASE {name} WITH (FORCE)"))
            self._beside[database] = engines.environment(self, self.engines)
        url = urllib.parse.urlsplit(self.server)._replace(path="/" + self._databases[database]).geturl()
        return {"MARTLET_STORE_URL": url, "MARTLET_SECRETS_KEY": self.secrets_key, **self._beside[database]}

    def stored(self, database="martlet.db"):
        """Everything the store holds, as bytes by where they are: SQLite's files, or a dump of the database."""
        if self.server is None:
            files = glob.glob(os.path.join(self.folder, database + "*"))
            return {os.path.basename(file): pathlib.Path(file).read_bytes() for file in files}
        dump = subprocess.run(
            ["pg_dump", "-d", self.store(database)["MARTLET_STORE_URL"]], check=True, stdin=subprocess.DEVNULL,
            capture_output=True, timeout=60)
        return {"the database": dump.stdout}

    def psql(self, statement, database="martlet.db"):
        """Runs a statement in a PostgreSQL database. Answers what it printed."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.store(database)["MARTLET_STORE_URL"],
             "-c", statement], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.stdout.strip()

    def needs_postgresql(self):
        """Says that a check is about several processes on one database."""
        if self.server is None:
            raise Skipped("SQLite takes one worker; it runs with --store postgres://…")

    def needs_sqlite(self):
        """Says that a check is about SQLite's own files."""
        if self.server is not None:
            raise Skipped("it is about SQLite's files")

    def _psql(self, statement):
        subprocess.run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.server, "-c", statement], check=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    def run(self, *arguments, environment=None, launcher=(), within=60):
        """Runs a command to its end. Answers exit code, standard output and standard error."""
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
        done = subprocess.run(
            [*launcher, self.martlet, *arguments], cwd=self.folder, env={**kept, **(environment or {})},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=within)
        return done.returncode, done.stdout, done.stderr

    def kill_all(self):
        for process in self.processes:
            with contextlib.suppress(Exception):
                process.kill()

    def closing(self, close):
        """Has something ended with the world, after its processes."""
        self._to_close.append(close)

    def close(self):
        for process in reversed(self.processes):
            with contextlib.suppress(Exception):
                process.close()
        for close in reversed(self._to_close):
            with contextlib.suppress(Exception):
                close()


def number(index):
    """A recipient of its own for each index."""
    return f"+1555{index:07d}"


def texts(prefix, count, **fields):
    """Bodies of so many text messages, each with its own text and recipient."""
    return [
        {"to": number(index), "type": "text", "text": {"body": f"{prefix} {index}"}, **fields} for index in range(count)
    ]
