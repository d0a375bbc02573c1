import Martlet
import Synchronization

/// A provider that takes one credential, carries everything but stickers, and answers session commands as it is told.
final class StandInProvider: Provider {
    static let textMax = 4096

    let name = "stand-in"
    let traits = ProviderTraits(
        defaultBaseURL: "https://provider.example/api", defaultLimits: [RateLimit(count: 50, perSeconds: 1)],
        concurrency: 4, needsIdentityLookUp: false, canLookUpAcknowledgement: true, hasSessions: true)
    private let control = Mutex<SessionControlAnswer>(.done(status: "connected", qrCode: nil))

    func answerCommands(with answer: SessionControlAnswer) { control.withLock { $0 = answer } }

    func validate(credentials: JSONObject) -> [FieldError] {
        var errors: [FieldError] = []
        if credentials["api_key"]?.stringValue == nil { errors.append(FieldError("/api_key", "is required")) }
        for name in credentials.names where !["api_key", "account_token"].contains(name) {
            errors.append(FieldError("/\(name)", "is not known"))
        }
        return errors
    }

    func validate(_ payload: Payload) -> [FieldError] {
        if payload.kind == .sticker { return [FieldError("/sticker", "cannot be sent")] }
        if let text = payload.visibleText, text.unicodeScalars.count > Self.textMax {
            return [FieldError("/\(payload.kind.rawValue)/body", "must have at most \(Self.textMax) characters")]
        }
        return []
    }

    func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer {
        SendAnswer(.accepted(submissionID: "submission", messageID: nil))
    }

    func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer { .unsupported }

    func session(of channel: Channel, timeout: Duration) async -> SessionAnswer { .up }

    func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async -> SessionControlAnswer {
        control.withLock { $0 }
    }

    func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool {
        guard let secret = channel.webhookSecret?.exposed, let given = headers["x-proof"] else { return false }
        return constantTimeEquals(Array(secret.utf8), Array(given.utf8))
    }

    func verification(query: [String: String], channel: Channel) -> String? {
        guard query["hub.verify_token"] == channel.webhookSecret?.exposed else { return nil }
        return query["hub.challenge"]
    }

    func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8] {
        guard let key = channel.credentials.exposed["api_key"]?.stringValue else { return body }
        return Array(String(decoding: body, as: UTF8.self).replacing(key, with: "***").utf8)
    }

    func events(
        webhook body: [UInt8], receivedAt: Timestamp, channel: Channel
    ) throws(WebhookError) -> [ProviderEvent] { [] }
}
