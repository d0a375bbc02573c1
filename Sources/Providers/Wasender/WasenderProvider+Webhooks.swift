import Martlet

extension WasenderProvider {
    /// The header `X-Webhook-Signature` holds the webhook secret itself; it is no signature of the body (docs 'Webhook
    /// Setup'). A channel without a secret takes no webhooks: anybody could send them.
    package func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool {
        guard let secret = channel.webhookSecret?.exposed, !secret.isEmpty,
            let proof = headers["x-webhook-signature"]
        else { return false }
        return constantTimeEquals(proof.utf8, secret.utf8)
    }

    /// WasenderApi repeats the session's API key in many webhooks, as `sessionId`.
    package func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8] {
        WebhookRedaction.redacted(body, secrets: Credentials(of: channel)?.secrets ?? [])
    }

    package func events(
        webhook body: [UInt8], receivedAt: Timestamp, channel: Channel
    ) throws(WebhookError) -> [ProviderEvent] {
        let words = ProviderWords(hiding: Credentials(of: channel)?.secrets ?? [])
        return try WebhookReader(channel: channel.id, receivedAt: receivedAt, words: words).events(in: body)
    }
}
