"""Paths, queries, headers and whole bodies as nobody should send them."""

import gzip
import json
import time
import urllib.parse

from harness import Client, expect, expect_equal, number
from hostile import Target, expect_problem, message
from registry import check

# Percent-encoded, as they stand in an address.
TEXTS = [
    ("nothing", ""), ("a space", "%20"), ("a plus", "+"), ("a NUL", "%00"), ("a NUL inside", "a%00b"),
    ("control characters", "%01%1b%7f"), ("line ends", "a%0d%0aX-Injected:%201"), ("half an escape", "%4"), ("no escape", "%zz"),
    ("a lonely percent", "%"), ("bytes that are no UTF-8", "%ff%fe"), ("an overlong slash", "%c0%af"),
    ("a surrogate as bytes", "%ed%a0%80"), ("an escaped slash", "a%2fb"), ("an escaped escape", "%252e%252e%252f"),
    ("a way up", "%2e%2e%2f%2e%2e%2fetc%2fpasswd"), ("right to left", urllib.parse.quote("\u202eabc")),
    ("emoji", urllib.parse.quote("\U0001f469\u200d\U0001f467")), ("combining marks", urllib.parse.quote("e" + "\u0301" * 100)),
    ("SQL", urllib.parse.quote("' OR '1'='1' --")), ("wildcards", "%25%5f*%3f"), ("a number", "1"), ("minus one", "-1"),
    ("a fraction", "1.5"), ("a huge number", "9" * 100), ("2^63", str(2**63)), ("infinity", "Infinity"), ("null", "null"),
    ("true", "true"), ("an array", "%5b%5d"), ("an object", "%7b%7d"), ("a date that is none", "2026-02-30T00:00:00Z"),
    ("the year 0", "0000-01-01T00:00:00%2B23:59"), ("the year 9999", "9999-12-31T23:59:60-23:59"), ("a long text", "a" * 300),
    ("a very long text", "a" * 10_000), ("a message's id", "msg_" + "0" * 26), ("an id in capitals", "MSG_" + "Z" * 26),
    ("an id with more", "msg_" + "z" * 27), ("base 64 of anything", "bXNnXw"), ("padding", "===="),
]


@check("no parameter of a query or a path gets a 5xx, and a bad one is named", limit=150)
def parameters(world):
    target = Target(world)
    for operation in target.description.operations:
        if operation.id == "streamEvents":
            continue
        client = target.tenant.api if "tenantKey" in operation.callers else target.node.admin
        ids = {"id": target.channel.id if "channel" in operation.path else target.tenant.id, "key_id": "key_" + "0" * 26,
               "channel_id": target.channel.id, "token": "0" * 48}
        body = b"{}" if operation.method in ("POST", "PATCH") else None
        for name in operation.names("path"):
            for what, text in TEXTS:
                if text in ("", "null") and operation.method == "DELETE":
                    continue
                path = operation.at(**{**ids, name: text})
                answer = client.call(operation.method, path, raw=body)
                # An id that is left out may make the path of another operation, which then answers as it does.
                if text:
                    expect_problem(answer, {400, 404}, f"{operation.id} with {what} for {name}")
                else:
                    expect(answer.status < 500, f"{operation.id} with {what} for {name} answers {answer}")
        if operation.method != "GET" or "{" in operation.path:
            continue
        for name in operation.names("query"):
            for what, text in TEXTS:
                expect_query(client, operation.path, f"{name}={text}", name, f"{operation.id} with {what} for {name}")
            answer = client.call("GET", f"{operation.path}?{name}=1&{name}=1")
            expect_problem(answer, {400}, f"{operation.id} with {name} twice")
        if operation.callers and "metricsToken" not in operation.callers:
            for what, text in TEXTS:
                if text:
                    query = f"{operation.path}?{text}=1"
                    expect_problem(client.call("GET", query), {400}, f"{operation.id} with a parameter named {what}")
            many = "&".join(f"p{index}=1" for index in range(2000))
            expect_problem(client.call("GET", f"{operation.path}?{many}"), {400}, f"{operation.id} with two thousand parameters")
    target.expect_well(accepted=0)


def expect_query(client, path, query, name, what):
    answer = client.call("GET", f"{path}?{query}")
    if answer.status == 200:
        expect(isinstance(answer.json["data"], list), f"{what} answers {answer}")
        return
    problem = expect_problem(answer, {400}, what)
    named = name in problem["detail"] or "query string" in problem["detail"]
    expect(named, f"{what}: the refusal names the parameter, got {problem['detail']}")


def is_no_http(answer):
    """Whether the request was refused as no HTTP at all, which happens before anything knows of problem documents."""
    return answer.status == 400 and not answer.body and answer.headers.get("connection") == "close"


@check("headers that nobody should send get no 5xx", limit=90)
def headers(world):
    target = Target(world)
    api = target.tenant.api
    accepted = 0
    keys = [
        "", " ", "a\tb", "k" * 256, "k" * 10_000, "\x7f", "é".encode().decode("latin-1"), "\xff\xfe", "a, b", "null", "👍".encode().decode("latin-1"),
    ]
    for key in keys:
        body = {"to": number(1), "type": "text", "text": {"body": "by header"}}
        answer = api.call("POST", "/v1/messages", body=body, headers={"Idempotency-Key": key})
        if answer.status == 202:
            accepted += 1
        elif not is_no_http(answer):
            problem = expect_problem(answer, {400, 422}, f"the key {key[:20]!r}")
            if answer.status == 422:
                expect_equal([error["pointer"] for error in problem["errors"]], ["/idempotency_key"], f"the key {key[:20]!r}")
    for name, values in {
        "Content-Type": ["", ";", "application/json;", "application/json; charset=", "application/json;charset=utf-7", "a" * 5000,
                         "multipart/form-data; boundary=x", "application/json, text/plain", "\xff"],
        "Content-Encoding": ["gzip", "br", "identity, gzip", "\xff"],
        "Accept": ["", "image/png", "*/*;q=0", "\xff" * 100], "Accept-Encoding": ["gzip;q=1.0, *;q=0", "a" * 5000],
        "Host": ["", "evil.example", "a b", "[::1", "x" * 5000], "X-Forwarded-For": ["127.0.0.1, " * 200],
        "Range": ["bytes=0-1", "bytes=9999999999999999999999-"], "If-None-Match": ["*", "\xff"],
        "Authorization": ["Bearer", "Bearer  ", "bearer\tx", "Bearer " + "\xff" * 10, "Digest username=\"x\"", "Bearer a,Bearer b"],
        "Cookie": ["a=b; " * 1000], "Expect": ["nothing"], "Last-Event-ID": ["\xff", "9" * 1000],
    }.items():
        for value in values:
            for method, path, body in (("GET", "/v1/messages", None), ("POST", "/v1/messages", b"{}"), ("GET", "/health/live", None)):
                answer = api.call(method, path, raw=body, headers={name: value})
                expect(answer.status < 500, f"{method} {path} with {name}: {value[:30]!r} answers {answer}")
                if answer.status >= 400 and not is_no_http(answer):
                    expect_problem(answer, {400, 401, 415, 417, 422}, f"{method} {path} with {name}: {value[:30]!r}")
    target.expect_well(accepted)


@check("bodies that are broken as a whole are refused at once", limit=120)
def bodies(world):
    target = Target(world)
    api = target.tenant.api
    good = json.dumps(message()).encode()
    wanted_400 = {
        f"the first {length} bytes": good[:length] for length in range(0, len(good), 3)
    } | {
        "a byte order mark": b"\xef\xbb\xbf" + good, "UTF-16": json.dumps(message()).encode("utf-16"),
        "UTF-32": json.dumps(message()).encode("utf-32"), "Latin-1": good.replace(b"fine", b"f\xe9"),
        "compressed": gzip.compress(good), "a surrogate as bytes": good.replace(b"fine", b"\xed\xa0\x80"),
        "an overlong NUL": good.replace(b"fine", b"\xc0\x80"), "NULs": b"\0" * 1000, "NUL at the end": good + b"\0",
        "a form": b"to=1&type=text", "XML": b"<message/>", "brackets": b"[" * 250_000, "braces": b'{"a":' * 50_000,
        "quotes": b'"' * 250_000, "backslashes": b'"' + b"\\" * 250_000, "one long number": b"1" * 250_000,
        "one long fraction": b"0." + b"1" * 250_000 + b"e", "escapes": b'"' + b"\\u0000" * 40_000,
    }
    wanted_422 = {
        "ten thousand fields": json.dumps({f"field {index}": index for index in range(10_000)}).encode(),
        "a long name": json.dumps({"n" * 200_000: 1}).encode(), "a long fraction": b"0." + b"1" * 250_000,
        "NULs escaped": b'["' + b'\\u0000","' * 25_000 + b'"]', "half pairs": b'["' + b'\\ud800","' * 25_000 + b'"]',
        "zeros": b"[" + b"0," * 100_000 + b"0]", "a string": b'"x"', "null": b"null",
    }
    for operation in target.description.operations:
        if operation.schema is None:
            continue
        client = api if "tenantKey" in operation.callers else target.node.admin
        id = "msg_" + "0" * 26
        if operation.path.startswith("/v1/channels"):
            id = target.channel.id
        elif operation.path.startswith("/v1/tenants"):
            id = target.tenant.id
        path = operation.at(id=id)
        # A dead letter that is not there is refused before its body is read.
        absent = {404} if operation.id == "replayDeadLetter" else set()
        for statuses, cases in (({400}, wanted_400), ({422}, wanted_422)):
            for what, raw in cases.items():
                if not raw and operation.id == "createKey":
                    continue
                start = time.monotonic()
                answer = client.call(operation.method, path, raw=raw)
                expect_problem(answer, statuses | absent, f"{operation.id} with {what}")
                took = time.monotonic() - start
                expect(took < 5, f"{operation.id} with {what} took {took:.1f} s")
        limit = 4 << 20 if operation.id == "sendBatch" else 256 << 10
        expect_problem(client.call(operation.method, path, raw=b" " * (limit + 1)), {413} | absent, f"{operation.id}, too large")
        expect_problem(client.call(operation.method, path, raw=b" " * limit), {400} | absent, f"{operation.id}, large")
    hook = urllib.parse.urlsplit(target.channel.webhook_url).path
    proof = {"X-Webhook-Signature": target.channel.webhook_secret}
    for what, raw in {**wanted_400, **wanted_422}.items():
        answer = Client(target.node.url).call("POST", hook, raw=raw, headers=proof)
        expect_equal(answer.status, 200, f"a webhook with {what}: {answer}")
    answer = Client(target.node.url).call("POST", hook, raw=b" " * ((1 << 20) + 1), headers=proof)
    expect_problem(answer, {413}, "a webhook that is too large")
    target.expect_well(accepted=0)
