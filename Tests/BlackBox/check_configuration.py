"""Every setting given wrongly, in every place: the start ends with one line that says which, what, where and what is allowed."""

import collections
import concurrent.futures
import json
import os
import pathlib
import re

from harness import expect, expect_equal
from registry import check

# What is shown of a value that must not be shown.
HIDDEN = "[secret]"

# Setting → wrong values, each with what the line must say is allowed.
WRONG = {
    "http.host": [("", "must not be empty"), ("a b", "host name or an IP address"), ("http://x/", "host name or an IP address"),
                  ("x" * 256, "host name or an IP address")],
    "http.port": [(value, "from 0 to 65535") for value in ("eighty", "-1", "65536", "80.5", " 80", "0x50", "9" * 30)]
    + [("", "must not be empty")],
    "http.public_url": [(value, "http or https URL") for value in (
        "ftp://example.com", "notify.example.com", "https://", "https://example.com/?a=1", "https://example.com/#a")],
    "http.tls.certificate": [("nowhere.pem", "http.tls.key"), ("", "must not be empty")],
    "http.tls.key": [("nowhere.pem", "http.tls.certificate"), ("", "must not be empty")],
    "roles": [(value, "api, webhooks, worker, console") for value in ("api,boss", "API", "api,,worker", ",")]
    + [("", "must not be empty")],
    "store.url": [(value, "sqlite:PATH") for value in ("mysql://h/db", "martlet.db", "postgres:u:hunter2@h/db")]
    + [(value, "must name a file") for value in ("sqlite:", "sqlite::memory:", "sqlite:folder/", "sqlite://host/db")],
    "store.migrate": [(value, "true or false") for value in ("yes", "1", "TRUE", "no")],
    "queue.url": [("kafka://u:hunter2@h:1", "must be store"), ("elsewhere", "must be store")],
    "inbox.url": [("amqp://u:hunter2@h:1/v", "must be store"), ("elsewhere", "must be store")],
    "throttle.url": [("amqp://u:hunter2@h:1/v", "must be store"), ("elsewhere", "must be store")],
    "admin.token": [(value, "1 to 255 printable ASCII") for value in ("hunter2 hunter2", "hunter2\u00fc", "hunter2" * 40)],
    "secrets.key": [(value, "32 bytes in base64") for value in ("aHVudGVyMg==", "hunter2!", "hunter2" * 20)],
    "retry.delays": [(value, "numbers of seconds from 0 to 604800") for value in (
        "5,x", "5,,6", "-1", "5 15", "604801", ",".join(["1"] * 21), "1e3")],
    "retry.jitter": [(value, "from 0 to 1") for value in ("1.1", "-0.1", "ten", "0,1", "nan", "inf")],
    "provider.timeout": [(value, "from 0.1 to 600") for value in ("0", "601", "1e2", "30s", "+5")],
    "unknown.wait": [(value, "from 0 to 86400") for value in ("-1", "86401", "never")],
    "lease.duration": [("0", "from 0.1 to 3600"), ("3601", "from 0.1 to 3600"), ("long", "from 0.1 to 3600")],
    "idempotency.window": [(value, "from 1 to 31622400") for value in ("0", "31622401", "a day")],
    "metrics.token": [(value, "1 to 255 printable ASCII") for value in ("hunter2 hunter2", "hunter2\u00fc")],
    "callbacks.allow_private": [(value, "true or false") for value in ("maybe", "0")],
    "retention.days": [(value, "from 0 to 36500") for value in ("-1", "36501", "1.5", "forever")],
    "log.level": [(value, "trace, debug, info, notice, warning, error, critical") for value in ("loud", "INFO", "3")],
    "log.format": [(value, "text, json") for value in ("xml", "JSON")],
}
SECRET = {"admin.token", "secrets.key", "metrics.token"}

# Whole files that are wrong, and what must be said about them.
FILES = [
    ("http:\n  prot: 1\n", ["http.prot", "line 2", "there is no such setting", "http.port"]),
    ("http.prot: 1\n", ["http.prot", "line 1", "http.port"]), ("colour: red\n", ["colour", "there is no such setting"]),
    ("log:\n  level:\n    deep: debug\n", ["log.level.deep", "line 3", "there is no such setting"]),
    ("http:\n  port:\n", ["http.port", "line 2", "has no value"]), ("log: {level: ~}\n", ["log.level", "has no value"]),
    ("retry.delays: [5, [6]]\n", ["retry.delays", "list of single values"]),
    ("retry.delays: [5, {a: 6}]\n", ["retry.delays", "list of single values"]),
    ("http.port: [1, 2]\n", ["http.port", '"1,2"', "whole number from 0 to 65535"]),
    ("http.port: true\n", ["http.port", '"true"', "whole number"]), ("http.port: 1\nhttp: {port: 2}\n", ["http.port", "set twice"]),
    ("log.level: debug\nlog.level: info\n", ["log.level"]), ("- a\n", ["martlet.yaml", "must be a mapping"]),
    ("http: [\n", ["martlet.yaml", "is not YAML"]), ("a: &x 1\nhttp.port: *x\n", ["martlet.yaml"]), ("\xff", ["martlet.yaml"]),
    ("? [a]\n: 1\n", ["martlet.yaml", "must be a plain word"]), ("http: 8080\n", ["http", "there is no such setting"]),
]
JSON_FILES = [
    ("{", ["martlet.json"]), ("[]", ["martlet.json", "must be an object"]), ('{"http": {"port": null}}', ["http.port", "has no value"]),
    ('{"http": {"port": "eighty"}}', ["http.port", '"eighty"', "whole number"]), ('{"http.prot": 1}', ["http.prot", "http.port"]),
    ('{"http.port": 1, "http": {"port": 2}}', ["http.port", "set twice"]), ('{"http.port": 80.5}', ["http.port", '"80.5"']),
    ('{"roles": ["api", ["worker"]]}', ["roles", "list of single values"]), ('{"roles": ["api", null]}', ["roles"]),
]


def option(name):
    return "--" + re.sub(r"[._]", "-", name)


def variable(name):
    return "MARTLET_" + name.upper().replace(".", "_")


def documented():
    """The settings of docs/configuration.md."""
    page = pathlib.Path(__file__).parents[2].joinpath("docs", "configuration.md").read_text()
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([a-z._]+)`", row)]


def expect_refused(world, naming, hidden=(), arguments=(), environment=None):
    code, output, errors = world.run("serve", *arguments, environment=environment, within=30)
    what = f"{' '.join(arguments)} {environment or ''}"
    expect(code not in (0, None) and code > 0, f"{what} ends with {code}: {output!r} {errors!r}")
    expect_equal(output, "", f"standard output with {what}")
    expect_equal(len(errors.strip().splitlines()), 1, f"lines with {what}: {errors!r}")
    for text in naming:
        expect(text in errors, f"with {what} it says {errors!r}, and not {text!r}")
    for text in hidden:
        expect(text not in errors, f"with {what} it says {errors!r}")


def wrong_values(world):
    """Every wrong value once, its places in turn, each setting's first in all places: what to call `expect_refused` with."""
    turns = collections.Counter()
    for name, values in WRONG.items():
        for index, (value, allowed) in enumerate(values):
            shown = HIDDEN if name in SECRET else None if "hunter2" in value else f'"{value}"' if len(value) < 200 else '"'
            naming = [name, allowed] + ([shown] if shown else [])
            hidden = ["hunter2"] if name in SECRET or "hunter2" in value else []
            places = ["option", "variable", "file"]
            for place in places if index == 0 else [places[turns[name] % 3]]:
                turns[name] += 1
                if place == "option":
                    yield dict(naming=[*naming, option(name)], hidden=hidden, arguments=[f"{option(name)}={value}"] if value else [option(name), ""])
                elif place == "variable":
                    yield dict(naming=[*naming, variable(name)], hidden=hidden, environment={variable(name): value})
                else:
                    path = os.path.join(world.folder, f"{name}-{index}.yaml")
                    pathlib.Path(path).write_text(f"# A comment\n{name}: {json.dumps(value)}\n", encoding="utf-8")
                    yield dict(naming=[*naming, f"{path}, line 2"], hidden=hidden, arguments=["--config", path])


@check("every setting's wrong values are refused by name, value, place and what is allowed", limit=120)
def wrong_settings(world):
    world.needs_sqlite()
    expect_equal(sorted(WRONG), sorted(documented()), "the settings that are tried beside those that are described")
    refusals = list(wrong_values(world))
    for index, (text, naming) in enumerate(FILES):
        path = os.path.join(world.folder, f"{index}-martlet.yaml")
        pathlib.Path(path).write_bytes(text.encode("latin-1"))
        refusals.append(dict(naming=naming, arguments=["--config", path]))
    for index, (text, naming) in enumerate(JSON_FILES):
        path = os.path.join(world.folder, f"{index}-martlet.json")
        pathlib.Path(path).write_text(text)
        refusals.append(dict(naming=naming, arguments=["--config", path]))
    refusals += [
        dict(naming=["colour"], arguments=["--colour", "red"]), dict(naming=["--http-prot"], arguments=["--http-prot", "1"]),
        dict(naming=["nowhere.yaml", "no such file"], arguments=["--config", "nowhere.yaml"]),
        dict(naming=["lease.duration", "5", "provider.timeout", "30"], environment={"MARTLET_LEASE_DURATION": "5"}),
        dict(naming=["http.tls.certificate", "nowhere.pem", "can be read"], environment={
            "MARTLET_HTTP_TLS_CERTIFICATE": "nowhere.pem", "MARTLET_HTTP_TLS_KEY": "nowhere.pem"}),
    ]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(lambda one: expect_refused(world, **one), one) for one in refusals]:
            done.result()
    left = [name for name in os.listdir(world.folder) if name.startswith("martlet.db")]
    expect_equal(left, [], "what refused starts have left behind")
