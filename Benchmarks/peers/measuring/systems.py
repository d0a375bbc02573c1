"""The two systems. Each starts what it consists of, and answers the same requests."""

import glob
import os
import secrets
import shutil
import signal
import subprocess

from .processes import Failure, Server, call, free_port, wait_for
from .sandbox import API_KEY, LIMIT_PER_SECOND, WEBHOOK_SECRET

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def postgres_binaries():
    """The folder of PostgreSQL's newest version; Debian does not put it on the path."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    return found[-1] if found else os.path.dirname(shutil.which("postgres") or "")


class System:
    """Servers, the address and key of the HTTP API, and where webhooks are to be posted."""

    url = key = webhook_url = None

    def __init__(self):
        self._servers = []

    def start(self, *arguments, **options):
        server = Server(*arguments, **options)
        self._servers.append(server)
        return server

    def counts(self):
        """How many messages have which status."""
        for server in self._servers:
            server.check()
        return call(f"{self.url}/v1/stats", self.key)["counts"]

    def use(self):
        """What each server holds and has used."""
        return {server.name: server.use() for server in self._servers}

    def stop(self):
        while self._servers:
            self._servers.pop().stop()


class Martlet(System):
    def __init__(self, options, folder, sandbox):
        super().__init__()
        admin = secrets.token_hex(16)
        server = self.start(
            folder, "martlet",
            [
                options.martlet, "serve", "--http-port", "0", "--store-url", f"sqlite:{folder}/martlet.db",
                "--log-level", "warning",
            ],
            env={**os.environ, "MARTLET_ADMIN_TOKEN": admin})
        self.url = server.address()
        tenant = call(f"{self.url}/v1/tenants", admin, "POST", {"name": "peers"})["id"]
        self.key = call(f"{self.url}/v1/tenants/{tenant}/keys", admin, "POST", {})["key"]
        channel = call(
            f"{self.url}/v1/channels", self.key, "POST",
            {
                "name": "bench", "provider": "wasender", "base_url": f"{sandbox.url}/api",
                "credentials": {"api_key": API_KEY}, "webhook_secret": WEBHOOK_SECRET,
                "limits": [{"count": LIMIT_PER_SECOND, "per_seconds": 1}],
            })
        self.webhook_url = channel["webhook_url"]


class Recipe(System):
    def __init__(self, options, folder, sandbox):
        super().__init__()
        database, broker = self._start_postgres(folder), self._start_redis(folder)
        self.key = secrets.token_hex(16)
        port = free_port()
        environment = {
            **os.environ,
            "PYTHONPATH": HERE, "RECIPE_DATABASE_URL": database, "RECIPE_REDIS_URL": broker, "RECIPE_API_KEY": self.key,
            "RECIPE_WEBHOOK_SECRET": WEBHOOK_SECRET, "RECIPE_PROVIDER_URL": f"{sandbox.url}/api",
            "RECIPE_PROVIDER_KEY": API_KEY, "RECIPE_RATE_PER_SECOND": str(LIMIT_PER_SECOND),
            "RECIPE_WORKER_CONCURRENCY": str(options.worker_concurrency),
        }
        python = os.path.join(options.environment, "bin", "python")

        api = self.start(
            folder, "api",
            [
                python, "-m", "uvicorn", "recipe.api:app", "--host", "127.0.0.1", "--port", str(port),
                "--workers", str(options.api_processes), "--loop", "uvloop", "--http", "httptools", "--no-access-log",
                "--no-proxy-headers", "--no-server-header", "--no-date-header", "--log-level", "info",
            ],
            env=environment, cwd=folder)
        celery = [python, "-m", "celery", "--app", "recipe.worker", "--workdir", folder]
        workers = [
            self.start(
                folder, f"worker-{number}",
                [
                    *celery, "worker", "--pool", options.worker_pool, "--concurrency", str(options.worker_concurrency),
                    "--queues", "send,identify", "--hostname", f"worker-{number}", "--loglevel", "WARNING",
                    "--without-gossip", "--without-mingle", "--without-heartbeat",
                ],
                env=environment, cwd=folder)
            for number in range(1, options.worker_processes + 1)
        ]
        self.start(
            folder, "beat", [*celery, "beat", "--loglevel", "WARNING", "--schedule", f"{folder}/beat", "--pidfile", ""],
            env=environment, cwd=folder)
        self.url = f"http://127.0.0.1:{port}"
        self.webhook_url = f"{self.url}/webhooks/wasender"
        wait_for(
            "every API process is up",
            lambda: api.log().count("Application startup complete") >= options.api_processes, within=60)
        api.check()
        for worker in workers:
            worker.check()

    def _start_postgres(self, folder):
        binaries = postgres_binaries()
        data, port = os.path.join(folder, "postgres"), free_port()
        os.mkdir(data, 0o700)
        owner = {}
        if os.geteuid() == 0:
            # PostgreSQL does not run as root.
            owner = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(data, "postgres", "postgres")
        made = subprocess.run(
            [f"{binaries}/initdb", "-D", data, "-U", "recipe", "-A", "trust", "-E", "UTF8", "--locale", "C"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, cwd="/",
            **owner)
        if made.returncode != 0:
            raise Failure(f"initdb ended with {made.returncode}: {made.stdout[-2000:]}")
        settings = {
            "listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": data, "max_connections": 100,
            # A commit is on disk before it is answered, as is the default; the rest is what tuning guides say for 4 GB.
            "fsync": "on", "synchronous_commit": "on", "shared_buffers": "512MB", "effective_cache_size": "3GB",
            "wal_buffers": "16MB", "max_wal_size": "4GB", "min_wal_size": "1GB", "checkpoint_completion_target": "0.9",
            "wal_compression": "on", "random_page_cost": "1.1", "jit": "off",
        }
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # With SIGINT it does not wait for clients to leave.
        server = self.start(
            folder, "postgres", [f"{binaries}/postgres", "-D", data, *flags], stop_signal=signal.SIGINT, cwd="/",
            **owner)
        server.says("database system is ready to accept connections")
        with open(os.path.join(HERE, "recipe", "schema.sql"), encoding="utf-8") as schema:
            loaded = subprocess.run(
                [
                    f"{binaries}/psql", "-h", "127.0.0.1", "-p", str(port), "-U", "recipe", "-d", "postgres", "-q",
                    "-v", "ON_ERROR_STOP=1",
                ],
                stdin=schema, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, cwd="/")
        if loaded.returncode != 0:
            raise Failure(f"the schema cannot be loaded: {loaded.stdout[-2000:]}")
        return f"postgresql://recipe@127.0.0.1:{port}/postgres"

    def _start_redis(self, folder):
        data, port = os.path.join(folder, "redis"), free_port()
        os.mkdir(data)
        server = self.start(
            folder, "redis",
            [
                "redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", data, "--appendonly", "yes",
                "--appendfsync", "everysec", "--save", "",
            ])
        server.says("Ready to accept connections")
        return f"redis://127.0.0.1:{port}/0"
