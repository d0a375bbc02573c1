"""WasenderApi's HTTP interface, on connections that are kept."""

import orjson
import urllib3

from . import settings

POOL = urllib3.PoolManager(
    maxsize=settings.WORKER_CONCURRENCY, timeout=urllib3.Timeout(30), retries=False,
    headers={
        "Authorization": f"Bearer {settings.PROVIDER_KEY}", "Content-Type": "application/json",
        "Accept": "application/json",
    })


class Throttled(Exception):
    """The provider wants a pause, in seconds."""

    def __init__(self, pause: float):
        super().__init__(pause)
        self.pause = pause


class Unavailable(Exception):
    """The provider did not take the request; it may take it later."""


class Refused(Exception):
    """The provider will never take this request."""


def send(to: str, text: str) -> int:
    """Sends a text. Answers the provider's number of it."""
    return call("POST", "/send-message", {"to": to, "text": text})["msgId"]


def information(submission: int) -> dict | None:
    """What the provider knows of a message that it took; none while it knows nothing or cannot be asked."""
    try:
        return call("GET", f"/messages/{submission}/info")
    except (Throttled, Unavailable, Refused):
        return None


def call(method: str, path: str, body: dict | None = None) -> dict:
    try:
        response = POOL.request(method, settings.PROVIDER_URL + path, body=body and orjson.dumps(body))
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable(type(error).__name__) from error
    try:
        answer = orjson.loads(response.data)
    except orjson.JSONDecodeError:
        answer = {}
    if response.status == 429:
        raise Throttled(float(answer.get("retry_after", 1)))
    if response.status >= 500 or response.status == 409:
        raise Unavailable(f"HTTP {response.status}")
    if response.status != 200 or not answer.get("success"):
        raise Refused(f"HTTP {response.status}: {str(answer.get('message'))[:200]}")
    return answer["data"]
