"""Engines beside the store, disturbed under load: what was accepted is delivered, and all goes on by itself."""

import os
import shutil
import signal
import threading
import time

import engines
from network import Namespace
from check_nodes import SHORT, everywhere, expect_whole
from harness import Skipped, expect, expect_equal, texts, wait_for
from registry import check

TOTAL = 500


def nodes_with(world, **urls):
    """Two processes on one database, with these engines beside it."""
    world.needs_postgresql()
    environment = {f"MARTLET_{part.upper()}_URL": url for part, url in urls.items()}
    return [world.node(environment={**engines.AWS, **environment}, **SHORT) for _ in range(2)]


def disturbed(world, nodes, disturbances, per_second=200, pause=0.02, reached=lambda url: url):
    """Sends messages one by one through both processes while the disturbances happen one after the other. Holds the end
    against what was accepted. `reached` makes the sandbox's URL one that the processes reach."""
    sandbox = world.sandbox("--limit", f"{per_second}/1s")
    sandbox.url = reached(sandbox.url)
    tenant = nodes[0].tenant()
    channel = tenant.channel(sandbox, limits=((per_second, 1),))
    everywhere(tenant, channel, nodes)
    failures = []

    def disturb():
        try:
            for disturbance in disturbances:
                time.sleep(1)
                disturbance()
        except Exception as failure:
            failures.append(failure)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    accepted, number = set(), 0
    while number < TOTAL or disturber.is_alive():
        body = texts("disturbed", number + 1)[number]
        body["idempotency_key"] = body["text"]["body"]
        client = tenant.on(nodes[number % 2]).api

        def send():
            try:
                answer = client.call("POST", "/v1/messages", body=body)
            except OSError:
                # Cut off in the middle: the same key says whether it was stored.
                return None
            expect(answer.status in (200, 202, 503), f"the answer {answer}")
            return answer.json["id"] if answer.status != 503 else None

        accepted.add(wait_for("an answer", send, within=60))
        number += 1
        time.sleep(pause)
    disturber.join()
    expect_equal(failures, [], "disturbances that failed")
    expect_whole(tenant, sandbox, accepted)
    statistics = sandbox.statistics()
    expect(statistics["highest_in_any_second"] <= per_second, f"{statistics['highest_in_any_second']} in one second")
    expect_equal(statistics["refused_429"], 0, "refusals")
    for node in nodes:
        wait_for("a node that is well", lambda: node.health()[0] == 200, within=60)
    # What was noted for a broker has gone out to it, and new messages go their way.
    wait_for("an empty outbox", lambda: world.psql("SELECT count(*) FROM outbox") == "0", within=60, every=0.5)
    tenant.wait(tenant.send("+15559999999", "afterwards")["id"], "sent", "delivered", "read")
    world.say(f"{len(accepted)} accepted")


@check("Redis, restarted and flushed under load, costs no message and passes no limit", limit=300, alone=True)
def redis_disturbed(world):
    if shutil.which("redis-server") is None:
        raise Skipped("there is no redis-server here")
    world.needs_postgresql()
    server = engines.RedisServer(world)

    def restart():
        server.stop(signal.SIGTERM)
        time.sleep(2)
        server.start()

    def crash():
        server.stop()
        server.start()

    def freeze():
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(8)
        server.process.send_signal(signal.SIGCONT)

    nodes = nodes_with(world, queue=server.url, throttle=server.url)
    disturbed(world, nodes, [restart, crash, lambda: engines.redis(server.url, "FLUSHALL"), freeze,
                             lambda: engines.redis(server.url, "FLUSHALL")])


@check("webhooks that land in Redis survive its restart", limit=240, alone=True)
def redis_inbox(world):
    if shutil.which("redis-server") is None:
        raise Skipped("there is no redis-server here")
    world.needs_postgresql()
    server = engines.RedisServer(world)

    def crash():
        server.stop()
        time.sleep(1)
        server.start()

    nodes = nodes_with(world, inbox=server.url)
    disturbed(world, nodes, [crash, crash])


@check("RabbitMQ, restarted and purged under load, costs no message", limit=300, alone=True)
def rabbitmq_disturbed(world):
    url = os.environ.get("MARTLET_TEST_RABBITMQ")
    if url is None or "MARTLET_TEST_RABBITMQ_CONTROL" not in os.environ:
        raise Skipped("nobody says where RabbitMQ is: see scripts/with-servers")
    world.needs_postgresql()
    place = engines.environment(world, {"queue": url})["MARTLET_QUEUE_URL"]
    vhost = place.rpartition("/")[2]

    def restart():
        engines.rabbitmq("stop_app")
        time.sleep(2)
        engines.rabbitmq("start_app")

    def purge():
        for line in engines.rabbitmq("list_queues", "-p", vhost, "--no-table-headers", "name").split():
            engines.rabbitmq("purge_queue", "-p", vhost, line)

    nodes = nodes_with(world, queue=place)
    disturbed(world, nodes, [restart, purge, purge,
                             lambda: engines.rabbitmq("close_all_connections", "-p", vhost, "disturbed")])


@check("packets to PostgreSQL and Redis that are dropped under load cost no message and pass no limit", limit=400, alone=True)
def dropped_packets(world):
    if shutil.which("redis-server") is None:
        raise Skipped("there is no redis-server here")
    world.needs_postgresql()
    network = Namespace(world)
    server = engines.RedisServer(world)
    beside = {"MARTLET_QUEUE_URL": server.url, "MARTLET_THROTTLE_URL": server.url}
    cut_off = {name: network.to_engine(url) for name, url in beside.items()}
    cut_off["MARTLET_STORE_URL"] = network.to_engine(world.store()["MARTLET_STORE_URL"])
    nodes = [
        world.node(environment=beside, **SHORT),
        world.node(environment=cut_off, launcher=network.launcher, http__host=network.address, **SHORT),
    ]

    def cut(seconds):
        network.pull()
        time.sleep(seconds)
        network.plug()

    disturbed(world, nodes, [lambda: cut(3), lambda: cut(25)], pause=0.05, reached=network.to_host)


@check("an SQS endpoint that is away for thirty seconds costs no message", limit=300, alone=True)
def sqs_away(world):
    world.needs_postgresql()
    try:
        import moto  # noqa: F401
    except ImportError:
        raise Skipped("moto is not here") from None
    server = engines.SQSServer(world)

    def away():
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(30)
        server.process.send_signal(signal.SIGCONT)

    disturbed(world, nodes_with(world, queue=server.url), [away], pause=0.05)


@check("Kafka that is away for thirty seconds loses no webhook that was taken", limit=300, alone=True)
def kafka_away(world):
    world.needs_postgresql()
    if not os.path.exists(os.path.join(os.path.dirname(world.martlet), "MartletKafkaMock")):
        raise Skipped("MartletKafkaMock is not built")
    mock = engines.KafkaMock(world)

    def away():
        mock.tell("down")
        time.sleep(30)
        mock.tell("up")

    disturbed(world, nodes_with(world, inbox=mock.url), [away], pause=0.05)
