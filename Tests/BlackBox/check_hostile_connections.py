"""Connections that do not speak HTTP as they should: refused or closed, never answered for somebody else, and nobody else
notices."""

import json
import os
import random
import re
import socket
import ssl
import threading
import time

from harness import Client, expect, expect_equal, wait_for
from hostile import Target
from registry import check

GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def exchange(target, sent, within=4.0, half_close=True):
    """Sends bytes as they are and answers everything that comes back until the other end closes or is silent."""
    received = b""
    with socket.create_connection(("127.0.0.1", target.node.port), timeout=within) as connection:
        try:
            connection.sendall(sent)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            connection.settimeout(within)
            while part := connection.recv(65536):
                received += part
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass
    return received


def statuses(received):
    """The statuses of all answers in what came back."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]


def send(body, extra=b"", path=b"/v1/messages", key=b"x"):
    return b"POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n%s\r\n%s" % (
        path, key, extra, body)


def cases(key):
    """What is sent, by what it is. Nothing of it may be answered with 2xx or 5xx."""
    good = json.dumps({"to": "+15550000001", "type": "text", "text": {"body": "smuggled"}}).encode()
    inner = send(good, b"Content-Length: %d\r\n" % len(good), key=key)
    chunked = b"Transfer-Encoding: chunked\r\n"
    return {
        "nothing but line ends": b"\r\n" * 100, "zeros": b"\0" * 1000, "random bytes": random.Random(1).randbytes(5000),
        "a TLS hello": tls_hello(), "HTTP/2 at once": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
        "HTTP/0.9": b"GET /health/live\r\n", "no such version": b"GET /health/live HTTP/9.9\r\n\r\n",
        "a version of letters": b"GET /health/live HTTP/x.y\r\nHost: x\r\n\r\n", "no path": b"GET HTTP/1.1\r\nHost: x\r\n\r\n",
        "spaces in the path": b"GET /health live HTTP/1.1\r\nHost: x\r\n\r\n", "a NUL in the path": b"GET /health/live\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "a lower-case method": b"get /health/live HTTP/1.1\r\nHost: x\r\n\r\n", "a method of signs": b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
        "a tunnel": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n", "a long method": b"A" * 70_000 + b" / HTTP/1.1\r\n\r\n",
        "a long path": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        "a long header": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        "a long header name": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"a" * 200_000 + b": x\r\n\r\n",
        "ten thousand headers": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        "headers of a megabyte": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 130 + b"\r\n",
        "a header without a name": b"GET /health/live HTTP/1.1\r\nHost: x\r\n: x\r\n\r\n",
        "a space before the colon": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        "a NUL in a header": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        "a lonely carriage return": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: a\rY: b\r\n\r\n",
        "a header with no colon": b"GET /health/live HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
        "two lengths": send(good, b"Content-Length: %d\r\nContent-Length: 0\r\n" % len(good), key=key),
        "two lengths in one": send(good, b"Content-Length: %d, 0\r\n" % len(good), key=key),
        "a negative length": send(good, b"Content-Length: -1\r\n", key=key), "a length with a plus": send(good, b"Content-Length: +5\r\n", key=key),
        "a length of letters": send(good, b"Content-Length: many\r\n", key=key), "a length in hexadecimal": send(good, b"Content-Length: 0x10\r\n", key=key),
        "a length beyond counting": send(good, b"Content-Length: " + b"9" * 30 + b"\r\n", key=key),
        "a length of 2^63": send(good, b"Content-Length: 9223372036854775808\r\n", key=key),
        "a length that is too large to take": send(good, b"Content-Length: 999999999\r\n", key=key),
        "a length that promises more": send(good, b"Content-Length: %d\r\n" % (len(good) + 10), key=key),
        "no length at all": send(good, key=key),
        "length and chunks": send(b"0\r\n\r\n" + inner, chunked + b"Content-Length: %d\r\n" % (5 + len(inner)), key=key),
        "chunks and length": send(b"0\r\n\r\n" + inner, b"Content-Length: 5\r\n" + chunked, key=key),
        "an unknown coding": send(b"5\r\nhello\r\n0\r\n\r\n", b"Transfer-Encoding: xchunked\r\n", key=key),
        "chunks that are not last": send(b"0\r\n\r\n", b"Transfer-Encoding: chunked, identity\r\n", key=key),
        "chunks twice": send(b"0\r\n\r\n" + inner, chunked + b"Transfer-Encoding: identity\r\n", key=key),
        "a hidden coding": send(b"0\r\n\r\n", b"Transfer-Encoding:\x0bchunked\r\n", key=key),
        "a chunk's size of letters": send(b"zz\r\n{}\r\n0\r\n\r\n", chunked, key=key),
        "a chunk's size beyond counting": send(b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n", chunked, key=key),
        "a negative chunk": send(b"-2\r\n{}\r\n0\r\n\r\n", chunked, key=key),
        "a chunk that is longer than it says": send(b"2\r\n{}{}{}\r\n0\r\n\r\n", chunked, key=key),
        "a chunk that never ends": send(b"ffff\r\n{}", chunked, key=key),
        "chunks without an end": send(b"2\r\n{}\r\n" * 100, chunked, key=key),
        "a long chunk extension": send(b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", chunked, key=key),
        "a hundred thousand chunks": send(b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n", chunked, key=key),
        "chunks without end, without a key": send(b"4000\r\n" + b" " * 0x4000 + b"\r\n", chunked)  + (b"4000\r\n" + b" " * 0x4000 + b"\r\n") * 400,
        "trailers that pretend": send(b"2\r\n{}\r\n0\r\nAuthorization: Bearer x\r\nContent-Length: 5\r\n\r\n", chunked, key=key),
        "folded headers": b"GET /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization:\r\n Bearer x\r\n\r\n",
    }


def tls_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


@check("what is no HTTP is refused, and smuggles nothing in", limit=240)
def no_http(world):
    target = Target(world)
    key = target.tenant.key.encode()
    for what, sent in cases(key).items():
        received = exchange(target, sent)
        found = statuses(received)
        for status in found:
            expect(status < 500 and not 200 <= status < 300, f"{what} is answered {received[:300]!r}")
        # A second answer would mean that a part of the body was taken for a request; but for the one that says, on its
        # own, that the connection ended in the middle of a body.
        if received.endswith(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"):
            found.pop()
        expect(len(found) <= 1, f"{what} has {len(found)} answers: {received[:600]!r}")
        expect_equal(exchange(target, GET)[9:12], b"200", f"an honest request after {what}")
    target.expect_well(accepted=0)


@check("many requests on one connection are answered in order, and one that is cut off ends it", limit=90)
def pipelines(world):
    target = Target(world)
    key = target.tenant.key.encode()
    paths = [b"/health/live", b"/v1/nowhere", b"/v1/channels", b"/openapi.json"]
    requests = [
        b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % (paths[index % 4], key) for index in range(200)]
    expect_equal(statuses(exchange(target, b"".join(requests))), [200, 404, 200, 200] * 50, "the answers to 200 requests at once")
    bad = send(b"nonsense", b"Content-Length: 8\r\n", key=key)
    expect_equal(statuses(exchange(target, bad * 50)), [400] * 50, "the answers to 50 bad bodies at once")
    refused = send(b"x" * 5000, b"Content-Length: 5000\r\n", key=b"wrong")
    expect_equal(statuses(exchange(target, refused * 20 + GET)), [401] * 20 + [200], "what follows bodies that were not read")
    # A thousand more than anybody waits for: the reader goes away after the first.
    with socket.create_connection(("127.0.0.1", target.node.port)) as connection:
        connection.sendall(b"".join(requests) * 5)
        connection.recv(1)
    for cut in range(1, len(GET), 3):
        expect_equal([status for status in statuses(exchange(target, GET + GET[:cut], half_close=True)) if status != 400], [200],
                     f"a request, then {cut} bytes of another")
    waits = b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    found = statuses(exchange(target, waits, within=2, half_close=False))
    expect(found in ([401], [100, 401]), f"a body that was announced and never came is answered {found}")
    for _ in range(50):
        connection = socket.create_connection(("127.0.0.1", target.node.port))
        connection.sendall(send(b"{", b"Content-Length: 100\r\n", key=key))
        # Closed with a reset instead of an end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    target.expect_well(accepted=0)


@check("slow and silent connections hold up nobody else", limit=90)
def slow(world):
    target = Target(world)
    key, connections = target.tenant.key.encode(), []
    try:
        for index in range(400):
            connection = socket.create_connection(("127.0.0.1", target.node.port))
            connections.append(connection)
            kinds = (b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\nX: ", send(b"{", b"Content-Length: 200000\r\n", key=key),
                     send(b"2\r\n{}\r\n", b"Transfer-Encoding: chunked\r\n", path=b"/webhooks/chn_x/y"))
            connection.sendall(kinds[index % 4])
        stop = threading.Event()

        def drip():
            while not stop.wait(0.05):
                for connection in connections[1::4]:
                    try:
                        connection.send(b"a")
                    except OSError:
                        pass

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            took = []
            for _ in range(100):
                start = time.monotonic()
                expect_equal(Client(target.node.url).call("GET", "/health/live").status, 200, "an honest request")
                target.tenant.api.get("/v1/messages")
                took.append(time.monotonic() - start)
            expect(sorted(took)[90] < 1, f"honest requests beside slow ones took {sorted(took)[90]:.2f} s")
        finally:
            stop.set()
            dripping.join()
        readers = [target.node.events(target.tenant) for _ in range(20)]
        target.expect_well(accepted=0)
        for reader in readers:
            reader.close()
    finally:
        for connection in connections:
            connection.close()
    files = f"/proc/{target.node.process.pid}/fd"
    wait_for("the connections' files closed", lambda: len(os.listdir(files)) < 100)


@check("whoever may not is refused before the body is read", limit=60)
def unread(world):
    target = Target(world)
    address = target.channel.webhook_url.removeprefix(target.node.url)
    guessed = address.rsplit("/", 1)[0] + "/" + "0" * 48
    announced = b"Content-Length: 200000\r\n"
    for what, path, key, status in [
        ("a send without a valid key", "/v1/messages", b"x", 401), ("a batch without a valid key", "/v1/messages/batch", b"x", 401),
        ("a tenant by a tenant", "/v1/tenants", target.tenant.key.encode(), 403), ("a webhook to a guessed address", guessed, b"x", 404),
    ]:
        found = statuses(exchange(target, send(b"{", announced, path.encode(), key), within=1, half_close=False))
        expect_equal(found, [status], f"the answer to {what} whose body never comes")
    target.expect_well(accepted=0)
