"""What nobody should send, and a server to send it to."""

import json

from description import Description, pointer
from harness import Client, expect, expect_equal, number


class Raw(str):
    """A piece of JSON as it is written, for what Python's own writer would not write."""


# Some field may take it: everything between an answer 2xx and a refusal by name is right.
PERHAPS = 200
# No field takes it: a refusal by name.
NEVER = 422
# It is no JSON: the body as a whole is refused.
NO_JSON = 400

VALUES = [
    ("null", None, PERHAPS), ("true", True, PERHAPS), ("zero", 0, PERHAPS), ("minus one", -1, PERHAPS),
    ("a fraction", 1.5, PERHAPS), ("2^63", 2**63, PERHAPS), ("-2^63", -(2**63), PERHAPS), ("10^300", 10**300, PERHAPS),
    ("a tiny number", Raw("1e-320"), PERHAPS), ("minus zero", Raw("-0.0"), PERHAPS),
    ("10^999", Raw("1e999"), NO_JSON), ("a number of 400 digits", Raw("9" * 400), NO_JSON), ("NaN", Raw("NaN"), NO_JSON),
    ("a hexadecimal number", Raw("0x10"), NO_JSON), ("a number with a plus", Raw("+1"), NO_JSON),
    ("a lonely comma", Raw(","), NO_JSON), ("two values", Raw("1 2"), NO_JSON), ("a comment", Raw("/**/1"), NO_JSON),
    ("an unfinished string", Raw('"abc'), NO_JSON), ("a wrong escape", Raw('"\\x41"'), NO_JSON),
    ("a raw line feed", Raw('"a\nb"'), NO_JSON), ("a raw NUL", Raw('"a\0b"'), NO_JSON),
    ("an empty string", "", PERHAPS), ("a space", " ", PERHAPS), ("a NUL", "\0", NEVER), ("a NUL inside", "a\0b", NEVER),
    ("half a pair", Raw('"\\ud800"'), NEVER), ("the other half", Raw('"x\\udc00"'), NEVER),
    ("a pair the wrong way round", Raw('"\\udc00\\ud800"'), NEVER),
    ("control characters", "\x01\x1b[31m\x1f\x7f\x85", PERHAPS), ("line ends", "a\r\nX-Injected: 1\r\n\r\n", PERHAPS),
    ("right to left", "\u202e\u2067abc\u2069\u202c", PERHAPS),
    ("emoji of many parts", "\U0001f469\u200d\U0001f469\u200d\U0001f467\ufe0f\u200d\U0001f308", PERHAPS),
    ("combining marks", "e" + "\u0301" * 300, PERHAPS), ("letters of four bytes", "\U0001d54f\U00010348\U0002070e", PERHAPS),
    ("noncharacters", "\ufffe\uffff\U0010ffff", PERHAPS), ("a byte order mark", "\ufeffx", PERHAPS),
    ("separators of lines", "\u2028\u2029", PERHAPS), ("SQL", "'; DROP TABLE communications_log; --", PERHAPS),
    ("a path", "../../../../etc/passwd", PERHAPS), ("formats", "%s%n%x{0}${x}{{x}}", PERHAPS),
    ("markup", "<script>alert(1)</script>", PERHAPS), ("digits", "9" * 40, PERHAPS),
    ("a long string", "x" * 70_000, PERHAPS), ("a long string of emoji", "\U0001f600" * 20_000, PERHAPS),
    ("an empty array", [], PERHAPS), ("an array of an array", [[]], PERHAPS),
    ("an array of everything", [None, 1, "x", {}], PERHAPS), ("ten thousand entries", [0] * 10_000, PERHAPS),
    ("an empty object", {}, PERHAPS), ("an awkward name", {"a/b~c": 1}, PERHAPS), ("an empty name", {"": "x"}, PERHAPS),
    ("a NUL in a name", {"a\0": "x"}, NEVER), ("half a pair in a name", Raw('{"\\ud800":"x"}'), NEVER),
    ("a thousand fields", {f"field {index}": "x" for index in range(1000)}, PERHAPS),
    ("a name twice", Raw('{"a":"x","a":"x"}'), NO_JSON),
    ("a name twice in other spelling", Raw('{"a":"x","\\u0061":"x"}'), NO_JSON),
    ("deep arrays", Raw("[" * 50 + "]" * 50), PERHAPS), ("deep objects", Raw('{"a":' * 50 + "1" + "}" * 50), PERHAPS),
    ("arrays too deep", Raw("[" * 5000 + "]" * 5000), NO_JSON),
    ("objects too deep", Raw('{"a":' * 5000 + "1" + "}" * 5000), NO_JSON),
]


def encoded(value):
    """As JSON text, raw pieces where they stand."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{encoded(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encoded, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


CONTENTS = {
    "text": {"body": "fine"},
    "image": {"url": "https://example.com/a.jpg", "caption": "fine", "filename": "a.jpg"},
    "video": {"url": "https://example.com/a.mp4", "caption": "fine", "filename": "a.mp4"},
    "audio": {"url": "https://example.com/a.mp3", "caption": "fine", "filename": "a.mp3"},
    "document": {"url": "https://example.com/a.pdf", "caption": "fine", "filename": "a.pdf"},
    "sticker": {"url": "https://example.com/a.webp"},
    "location": {"latitude": 1.5, "longitude": -2.5, "name": "here", "address": "there"},
    "contact": {"name": "Ada", "phone": number(7)},
    "template": {"name": "hello", "language": "en", "components": [{"type": "body"}]},
}


def message(kind="text"):
    """A send with everything a send can have."""
    return {
        "channel": "main", "to": number(1), "type": kind, kind: CONTENTS[kind],
        "event": {"user_id": "u", "type": "t", "timestamp": "2026-11-23T10:00:00Z"}, "idempotency_key": "key",
        "priority": "low", "send_at": "2026-11-23T10:00:00Z", "expires_in": 3600, "on_unknown": "hold", "redact": False,
        "metadata": {"a": "b"},
    }


class Target:
    """A server with a tenant whose channel is paused, so that whatever is let through stays where it is."""

    def __init__(self, world, dead=()):
        """`dead` lists the contents of dead letters to be had, by kind."""
        self.node = world.node(log__level="trace", log__format="json")
        self.sandbox = world.sandbox("--limit", "1000/1s")
        self.tenant = self.node.tenant()
        self.channel = self.tenant.channel(self.sandbox, limits=((1000, 1),))
        # One more to be changed at will, and one that nobody touches.
        self.changed = self.node.tenant("changed")
        self.changed_channel = self.changed.channel(self.sandbox, name="changed")
        self.neighbour = self.node.tenant("neighbour")
        self.neighbour.channel(self.sandbox)
        self.dead = {}
        for kind, count in dead:
            body = {"to": "+99912345670000", "type": kind, kind: CONTENTS[kind]}
            self.dead[kind] = [result["id"] for result in self.tenant.send_batch([body] * count)]
        self.tenant.wait_until_final(sum(count for _, count in dead), within=60)
        self.tenant.api.post(f"/v1/channels/{self.channel.id}/pause")
        self.description = Description(self.node)
        self.sent = len(self.sandbox.ledger())
        self.stored = self.count()

    def count(self):
        return sum(self.tenant.counts().values())

    def expect_well(self, accepted):
        """Nothing stored but what was accepted; alive, ready, its log in order; and it sends as soon as it may."""
        expect_equal(self.node.process.poll(), None, "the server's exit code while it should run")
        expect_equal(Client(self.node.url).call("GET", "/health/ready").status, 200, "readiness")
        expect_equal(self.count(), self.stored + accepted, "messages in the log")
        expect_equal(len(self.sandbox.ledger()), self.sent, "sends the provider saw")
        with open(self.node.log_path, "rb") as log:
            for line in log:
                json.loads(line)
        with open(f"/proc/{self.node.process.pid}/status") as status:
            resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
        expect(resident < 600_000, f"the server takes {resident} kB")
        self.neighbour.wait(self.neighbour.send(number(8), "good after all")["id"], "read", within=30)


def expect_problem(answer, statuses, what):
    """A refusal as RFC 9457 has it, of a size one can bear."""
    expect(answer.status in statuses, f"{what}: wanted {statuses}, got {answer}")
    expect_equal(answer.headers.get("content-type"), "application/problem+json", f"the content type of {what}")
    problem = answer.json
    expect_equal(problem["status"], answer.status, f"the problem's status of {what}")
    expect(problem["type"] and problem["title"] and problem["detail"], f"{what}: a problem without words")
    expect(len(answer.body) < 64 * 1024, f"{what}: the answer has {len(answer.body)} bytes")
    return problem


def expect_named(problem, place, what):
    """One of the errors stands at the field or inside of it; where the field is an entry of an array, at the array."""
    here = pointer(place[:-1] if place and place[-1] == 0 else place)
    pointers = [error["pointer"] for error in problem["errors"]]
    named = any((each + "/").startswith(here + "/") for each in pointers)
    # The provider carries no templates: whatever stands in one, it is the type that is wrong.
    named = named or "template" in place and any(each.endswith(("/type", "/template")) for each in pointers)
    expect(named, f"{what}: wanted {here} among {pointers}")
    expect(all(error["message"] for error in problem["errors"]), f"{what}: an error without words")
