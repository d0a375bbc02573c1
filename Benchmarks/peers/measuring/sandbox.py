"""The provider that both systems send to."""

from .processes import Server, call

API_KEY = "peers"
WEBHOOK_SECRET = "a-secret-of-this-run"
# More than either system can send, so that each shows what it can do.
LIMIT_PER_SECOND = 1_000_000


class Sandbox:
    def __init__(self, martlet, folder):
        self._server = Server(
            folder, "sandbox",
            [martlet, "sandbox", "--port", "0", "--limit", f"{LIMIT_PER_SECOND}/1s", "--latency-ms", "5"])
        self.url = self._server.address()

    def post_webhooks_to(self, url, events):
        """Makes the session, as its owner would on the provider's site."""
        call(
            f"{self.url}/api/whatsapp-sessions", "any", "POST",
            {
                "name": "peers", "phone_number": "+4915100000000", "account_protection": False, "log_messages": True,
                "api_key": API_KEY, "webhook_secret": WEBHOOK_SECRET, "webhook_url": url, "webhook_enabled": True,
                "webhook_events": events,
            })
        sessions = call(f"{self.url}/api/whatsapp-sessions", "any")["data"]
        session = next(session for session in sessions if session["api_key"] == API_KEY)
        call(f"{self.url}/api/whatsapp-sessions/{session['id']}/connect", "any", "POST")

    def is_connected(self):
        return call(f"{self.url}/api/status", API_KEY).get("status") == "connected"

    def statistics(self):
        return call(f"{self.url}/_sandbox/stats", "any")

    def stop(self):
        self._server.stop()
