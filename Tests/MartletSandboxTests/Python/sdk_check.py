"""Drives the sandbox with the published Python SDK, which knows nothing of it but its base URL.

Usage: sdk_check.py BASE_URL STYLE

BASE_URL is the sandbox's, ending in /api. STYLE is the shape of its webhooks: "docs" (objects and numbers) or "sdk"
(lists and names, which the SDK has typed models for). Ends with 0 when everything was as it should be.
"""

import asyncio
import http.server
import json
import sys
import threading
import time

from wasenderapi import WasenderAPIError, create_async_wasender, create_sync_wasender
from wasenderapi.models import RetryConfig, TextOnlyMessage
from wasenderapi.sessions import CreateWhatsAppSessionPayload, UpdateWhatsAppSessionPayload
from wasenderapi.webhook import WEBHOOK_SIGNATURE_HEADER, WasenderWebhookEventType

TO = "+12025550123"
GROUP = "120363000000000001@g.us"
DEADLINE_SECONDS = 20


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def wait_for(probe, what):
    """Polls until the probe gives something, and returns that."""
    end = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < end:
        found = probe()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {DEADLINE_SECONDS} s: {what}")


class Receiver:
    """Takes webhooks and keeps them with their signature."""

    def __init__(self):
        self.received = []
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.headers.get(WEBHOOK_SIGNATURE_HEADER), body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def events(self, name):
        return [(signature, body) for signature, body in self.received if json.loads(body)["event"] == name]


def provision(base_url, receiver):
    """Makes and connects a session through the SDK, and returns its key, its secret and its id."""
    client = create_sync_wasender("none", base_url=base_url, personal_access_token="7|token")
    made = client.create_whatsapp_session(
        CreateWhatsAppSessionPayload(
            name="Check", phone_number="+12025550100", account_protection=True, log_messages=True,
            webhook_url=receiver.url, webhook_enabled=True,
            webhook_events=[
                WasenderWebhookEventType.MESSAGE_SENT, WasenderWebhookEventType.MESSAGES_UPDATE,
                WasenderWebhookEventType.SESSION_STATUS,
            ],
        )
    ).response.data
    connected = client.connect_whatsapp_session(made.id).response.data
    check(connected.status.value == "need_scan" and connected.qr_code.startswith("2@"), "connect gives a QR code")
    check(client.get_whatsapp_session_qr_code(made.id).response.data.qr_code, "the QR code can be read again")
    wait_for(
        lambda: client.get_whatsapp_session_details(made.id).response.data.status.value == "connected",
        "the session is connected",
    )
    check(client.connect_whatsapp_session(made.id).response.data.status.value == "connected", "connecting twice")
    check(any(one.id == made.id for one in client.get_all_whatsapp_sessions().response.data), "sessions are listed")

    key = client.regenerate_api_key(made.id).response.api_key
    check(key != made.api_key, "a new key")
    try:
        create_sync_wasender(made.api_key, base_url=base_url).send_text(TO, "old key")
        raise AssertionError("the old key still works")
    except WasenderAPIError as error:
        check(error.status_code == 401 and error.api_message == "Invalid API key", "401 for the old key")
    return client, key, made.webhook_secret, made.id


def check_limit(client, administration, session_id):
    """Account protection is on: the second message within five seconds is a 429 that the SDK understands."""
    first = client.send_text(TO, "first")
    check(first.rate_limit.limit == 1 and first.rate_limit.remaining == 0, "rate limit headers of an accepted send")
    try:
        client.send_text(TO, "too early")
        raise AssertionError("account protection let a second message through")
    except WasenderAPIError as error:
        check(error.status_code == 429, "429")
        check(1 <= error.retry_after <= 5, f"retry_after {error.retry_after}")
        check(error.rate_limit.remaining == 0, "rate limit headers of a refused send")
        check("account protection" in error.api_message, error.api_message)
    patient = create_sync_wasender(
        client.api_key, base_url=client.base_url, retry_options=RetryConfig(max_retries=2, enabled=True)
    )
    check(patient.send_text(TO, "waited").response.success, "the SDK waits as told and sends again")
    updated = administration.update_whatsapp_session(
        session_id, UpdateWhatsAppSessionPayload(account_protection=False)
    )
    check(updated.response.data.account_protection is False, "account protection is off")


def check_sends(client):
    results = [
        client.send(TextOnlyMessage(to=TO, text="generic")),
        client.send_text(TO, "text"),
        client.send_image(TO, "https://files.example.com/a.jpg", "caption"),
        client.send_video(TO, "https://files.example.com/a.mp4"),
        client.send_document(TO, "https://files.example.com/a.pdf", "a.pdf", "caption"),
        client.send_audio(TO, "https://files.example.com/a.ogg"),
        client.send_sticker(TO, "https://files.example.com/a.webp"),
        client.send_contact(TO, "Support", "+12025550199"),
        client.send_location(TO, 52.52, 13.405, "Office", "Street 1"),
        client.send_poll(TO, "When?", ["Mon", "Tue"]),
        client.send_message_with_mentions(GROUP, "Hello @12025550123", ["12025550123@s.whatsapp.net"]),
    ]
    check_accepted(results)
    first = results[0].response.data
    check_accepted([client.send_quoted_message(TO, first.message_id, text="reply")])
    return first.message_id


def check_accepted(results):
    ids = [result.response.data.message_id for result in results]
    check(ids == list(range(ids[0], ids[0] + len(ids))), f"message ids follow one another: {ids}")
    for result in results:
        check(result.response.success and result.response.data.status == "in_progress", "accepted")
        check(result.response.data.jid in (TO, GROUP), "the recipient is echoed as sent")


def check_errors(client):
    for call, status, text in [
        (lambda: client.send_text("", "nobody"), 422, "Validation failed"),
        (lambda: client.send_text("+9990000000", "nobody there"), 422, "JID does not exist on WhatsApp"),
        (lambda: client.get_message_info(1), 404, "Message not found"),
    ]:
        try:
            call()
            raise AssertionError(f"no error {status}")
        except WasenderAPIError as error:
            check(error.status_code == status and error.api_message == text, f"{error.status_code} {error.api_message}")
            if status == 422:
                check(error.error_details["to"], "the field is named")


def check_message(client, message_id):
    info = wait_for(lambda: info_when_known(client, message_id), "the look-up knows the message")
    check(info["key"]["id"].startswith("3EB0") and info["key"]["fromMe"], "WhatsApp's id")
    check(info["message"]["conversation"] == "generic", "the text")
    check(client.edit_message(message_id, "edited").response.success, "edited")
    check(client.delete_message(message_id).response.success, "deleted")


def info_when_known(client, message_id):
    try:
        return client.get_message_info(message_id).response.data
    except WasenderAPIError as error:
        check(error.status_code == 404, f"look-up answered {error.status_code}")
        return None


def check_directory(client):
    check(client.check_if_on_whatsapp(TO).response.data["exists"] is True, "on WhatsApp")
    check(client.get_contacts().response.data[0].id.endswith("@s.whatsapp.net"), "contacts")
    client.get_contact_info(TO)
    client.get_contact_profile_picture(TO)
    client.block_contact(TO)
    client.unblock_contact(TO)
    check(client.get_groups().response.data[0].id == GROUP, "groups")
    check(len(client.get_group_metadata(GROUP).response.data.participants) == 2, "metadata")
    client.get_group_participants(GROUP)
    client.get_group_invite_link(GROUP)
    client.get_group_invite_info("code")
    client.send_presence_update(TO, "composing", 100)
    check(client.upload_media_file(file_bytes=b"bytes", filename="a.png").response.success, "upload of a form")
    check(client.upload_media_file(base64_data="data:image/png;base64,AAAA").response.success, "upload of base64")
    client.decrypt_media_file({"data": {"messages": {"key": {}}}})
    check(client.get_session_status("any").response.status.value == "connected", "status")
    client.get_session_user_info()


def check_webhooks(client, receiver, secret, style):
    updates = wait_for(lambda: receiver.events("messages.update"), "acknowledgements arrive")
    signature, body = updates[0]
    check(signature == secret, "the signature is the secret itself")
    event = client.handle_webhook_event(body, signature)
    check(event.session_id == client.api_key, "the session is named by its key")
    if style == "sdk":
        check(event.event is WasenderWebhookEventType.MESSAGES_UPDATE, "a typed event")
        check(event.data[0].update.status in ("sent", "delivered", "read"), "a status by name")
    else:
        check(json.loads(body)["data"]["update"]["status"] in (2, 3, 4), "a status by number")
    sent = client.handle_webhook_event(*reversed(receiver.events("message.sent")[0]))
    check(sent.event is WasenderWebhookEventType.MESSAGE_SENT, "message.sent")
    check(sent.data.key.id.startswith("3EB0"), "WhatsApp's id")
    check(not receiver.events("messages.upsert"), "an event that was not asked for stays out")
    try:
        client.handle_webhook_event(body, "wrong")
        raise AssertionError("a wrong signature was taken")
    except WasenderAPIError:
        pass


async def check_async(base_url, key):
    async with create_async_wasender(key, base_url=base_url) as client:
        results = [
            await client.send_text(TO, "text"),
            await client.send_image(TO, "https://files.example.com/a.jpg", "caption"),
            await client.send_video(TO, "https://files.example.com/a.mp4"),
            await client.send_document(TO, "https://files.example.com/a.pdf", "a.pdf"),
            await client.send_audio(TO, "https://files.example.com/a.ogg"),
            await client.send_sticker(TO, "https://files.example.com/a.webp"),
            await client.send_contact(TO, "Support", "+12025550199"),
            await client.send_location(TO, 52.52, 13.405),
            await client.send_poll(TO, "When?", ["Mon", "Tue"], True),
        ]
        check_accepted(results)
        try:
            await client.send_text("", "nobody")
            raise AssertionError("no error for an empty recipient")
        except WasenderAPIError as error:
            check(error.status_code == 422, "422")


def check_end(administration, client, session_id):
    gone = administration.disconnect_whatsapp_session(session_id).response.data
    check(gone.status.value == "disconnected", "disconnected")
    try:
        client.send_text(TO, "nobody home")
        raise AssertionError("a disconnected session sent")
    except WasenderAPIError as error:
        check("not connected" in error.api_message, error.api_message)
    check(administration.delete_whatsapp_session(session_id).response.success, "deleted")


def main(base_url, style):
    receiver = Receiver()
    administration, key, secret, session_id = provision(base_url, receiver)
    client = create_sync_wasender(key, base_url=base_url, webhook_secret=secret)
    check_limit(client, administration, session_id)
    message_id = check_sends(client)
    check_errors(client)
    check_message(client, message_id)
    check_directory(client)
    asyncio.run(check_async(base_url, key))
    check_webhooks(client, receiver, secret, style)
    check_end(administration, client, session_id)
    print("the SDK and the sandbox agree")


if __name__ == "__main__":
    main(*sys.argv[1:])
