"""The engines beside the store: where each check has a place of its own on shared servers, and servers that a check starts
for itself because it disturbs them."""

import os
import pathlib
import queue
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

# What moto takes for credentials is anything.
AWS = {"AWS_ACCESS_KEY_ID": "checks", "AWS_SECRET_ACCESS_KEY": "checks"}

# Databases of a Redis server that are free; the first is left to the engines' own tests.
_redis_databases = queue.Queue()
for _number in range(1, 16):
    _redis_databases.put(_number)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def environment(world, urls):
    """The settings that name a fresh place on each engine; `urls` are servers by `queue`, `inbox` and `throttle`."""
    settings, places = {}, {}
    for part, url in urls.items():
        if url is None:
            continue
        # One place on a server for all that is kept there.
        if url not in places:
            places[url] = _place(world, url)
        settings[f"MARTLET_{part.upper()}_URL"] = places[url]
        if url.startswith("sqs://"):
            settings.update(AWS)
    return settings


def _place(world, url):
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme == "redis":
        number = _redis_databases.get(timeout=300)
        redis(url, "-n", str(number), "FLUSHDB")

        def give_back():
            redis(url, "-n", str(number), "FLUSHDB")
            _redis_databases.put(number)

        world.closing(give_back)
        return f"{url}/{number}"
    name = f"check-{secrets.token_hex(8)}"
    if scheme == "amqp":
        rabbitmq("add_vhost", name)
        rabbitmq("set_permissions", "-p", name, urllib.parse.urlsplit(url).username, ".*", ".*", ".*")
        world.closing(lambda: rabbitmq("delete_vhost", name))
        return urllib.parse.urlsplit(url)._replace(path=f"/{name}").geturl()
    if scheme == "sqs":
        return f"{url}/{name}?region=us-east-1&tls=false"
    if scheme == "kafka":
        # A group of its own, too: one that others join and leave stands still for a while each time.
        return f"{url}/{name}?group={name}"
    raise ValueError(f"no engine is known for {scheme}:")


def redis(url, *arguments):
    """Runs redis-cli. Answers what it printed."""
    place = urllib.parse.urlsplit(url)
    done = subprocess.run(
        ["redis-cli", "-h", place.hostname, "-p", str(place.port), *arguments], check=True, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def rabbitmq(*arguments):
    """Runs rabbitmqctl against the shared broker. Answers what it printed."""
    done = subprocess.run(
        [os.environ["MARTLET_TEST_RABBITMQ_CONTROL"], "-q", *arguments], check=True, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120)
    return done.stdout


class Server:
    """A server of a check's own on a port that stays the same when it is started again."""

    def __init__(self, world):
        self.world, self.port, self.process = world, free_port(), None
        self.folder = os.path.join(world.folder, f"server-{self.port}")
        os.mkdir(self.folder)
        self.start()
        world.closing(self.stop)

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"{self.command()[0]} does not start") from None
                time.sleep(0.05)

    def stop(self, by=signal.SIGKILL):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(by)
            self.process.wait(timeout=30)


class RedisServer(Server):
    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                "--appendonly", "yes", "--appendfsync", "always"]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"


class SQSServer(Server):
    """moto forgets its queues when it ends: what an endpoint that is away does not do, so it is stopped, not ended."""

    def command(self):
        return [sys.executable, "-c", "import sys; from moto.server import main; sys.setswitchinterval(60); main()",
                "-H", "127.0.0.1", "-p", str(self.port)]

    @property
    def url(self):
        return f"sqs://127.0.0.1:{self.port}/checks?region=us-east-1&tls=false"


class KafkaMock:
    """The stand-in for Kafka that is built with the program."""

    def __init__(self, world):
        program = pathlib.Path(world.martlet).with_name("MartletKafkaMock")
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = f"kafka://{self.process.stdout.readline().strip()}/checks"
        world.closing(self.process.kill)

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise RuntimeError(f"the mock answers {answer!r} to {command}")
