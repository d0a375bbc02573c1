"""The API's own description, read from a running server: what the walks over every operation and every field stand on."""

import copy

from harness import Client, expect

METHODS = ("get", "post", "put", "patch", "delete")


class Operation:
    """One method on one path."""

    def __init__(self, description, method, path, value):
        self.description, self.method, self.path = description, method.upper(), path
        self.id = value["operationId"]
        # Names of security schemes, any one of which will do; empty for everybody.
        self.callers = {name for scheme in value["security"] for name in scheme}
        self.parameters = [description.resolved(parameter) for parameter in value.get("parameters", [])]
        self.statuses = {int(status) for status in value["responses"]}
        content = value.get("requestBody", {}).get("content", {})
        self.schema = content.get("application/json", {}).get("schema")

    def names(self, place):
        """The parameters that stand in the path, the query or the header."""
        return [parameter["name"] for parameter in self.parameters if parameter["in"] == place]

    def at(self, **values):
        """The path with its parameters filled in."""
        path = self.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", value)
        expect("{" not in path, f"a path with all its parameters: {path}")
        return path

    def fields(self):
        """Every field a body can have, as a path of names; an entry of an array is named 0."""
        found = []
        self._walk(self.schema, (), found)
        return found

    def _walk(self, schema, place, found):
        schema = self.description.resolved(schema)
        for part in schema.get("allOf", []) + schema.get("anyOf", []):
            self._walk(part, place, found)
        for name, inner in schema.get("properties", {}).items():
            found.append(place + (name,))
            self._walk(inner, place + (name,), found)
        if "items" in schema:
            found.append(place + (0,))
            self._walk(schema["items"], place + (0,), found)


class Description:
    """The whole document."""

    def __init__(self, node):
        self.document = Client(node.url).get("/openapi.json")
        self.operations = [
            Operation(self, method, path, item[method])
            for path, item in self.document["paths"].items() for method in METHODS if method in item
        ]

    def resolved(self, value):
        """What a reference refers to; anything else as it is."""
        while "$ref" in value:
            found = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            value = found
        return value

    def operation(self, id):
        return next(operation for operation in self.operations if operation.id == id)


def pointer(place):
    """A path of names as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in place)


def replaced(body, place, value):
    """The body with another value at that place, made where it is missing."""
    if not place:
        return value
    body = copy.deepcopy(body)
    inner = body
    for step, following in zip(place, place[1:]):
        empty = [] if following == 0 else {}
        if isinstance(inner, list):
            if not inner:
                inner.append(empty)
            inner = inner[0]
        else:
            inner = inner.setdefault(step, empty)
    if isinstance(inner, list):
        inner[:1] = [value]
    else:
        inner[place[-1]] = value
    return body
