import NIOCore

/// Writes events as WasenderApi's webhooks.
///
/// Which of the shapes that documentation, samples and SDKs disagree on comes out is the configuration's choice.
struct WasenderWebhook: Sendable {
    private let style: SandboxConfiguration.WebhookStyle

    init(style: SandboxConfiguration.WebhookStyle) {
        self.style = style
    }

    /// The body of a webhook.
    ///
    /// - Parameters:
    ///   - addressed: what happened, and in which session.
    ///   - now: the time that is written into it.
    func body(of addressed: AddressedEvent, at now: SandboxInstant) -> ByteBuffer {
        var writer = JSONWriter(capacity: 512)
        writer.literal("{\"event\":")
        writer.string(addressed.event.wasenderName)
        writer.literal(",\"timestamp\":")
        writer.integer(
            style.timestamp == .seconds ? now.wallSeconds : now.wallMicroseconds / 1000)
        if addressed.event.namesSession {
            // The provider puts the session's API key here, in the clear.
            writer.literal(",\"sessionId\":")
            writer.string(addressed.apiKey)
        }
        writer.literal(",\"data\":")
        write(addressed.event, to: &writer)
        writer.literal("}")
        return writer.buffer
    }

    private func write(_ event: SandboxEvent, to writer: inout JSONWriter) {
        switch event {
        case .messageSent(let facts):
            writer.literal("{\"key\":")
            writeKey(of: facts, remoteJID: facts.to, fromMe: true, to: &writer)
            writer.literal(",\"message\":")
            WasenderContent.write(facts, to: &writer)
            writer.literal(",\"success\":true}")
        case .messageStored(let facts): writeStored(facts, to: &writer)
        case .messageAcknowledged(let facts, let status): writeAcknowledgement(facts, status: status, to: &writer)
        case .messageFailed(let facts):
            writer.literal("{\"success\":false,\"error\":")
            writer.string(WasenderContent.failureReason(to: facts.to))
            writer.literal("}")
        case .messageDeleted(let facts):
            writer.literal("{\"keys\":[")
            writeKey(of: facts, remoteJID: remoteJID(of: facts.to), fromMe: true, to: &writer)
            writer.literal("]}")
        case .groupReceipt(let facts, let isRead): writeReceipt(facts, isRead: isRead, to: &writer)
        case .sessionStatus(let status):
            writer.literal("{\"status\":")
            writer.string(status)
            writer.literal("}")
        case .qrCode(let code):
            writer.literal("{\"qr\":")
            writer.string(code)
            writer.literal("}")
        }
    }

    private func writeStored(_ facts: MessageFacts, to writer: inout JSONWriter) {
        writer.literal("{\"messages\":")
        if style.upsertMessages == .array { writer.literal("[") }
        writer.literal("{\"key\":")
        writeKey(of: facts, remoteJID: remoteJID(of: facts.to), fromMe: true, to: &writer)
        writer.literal(",\"messageBody\":")
        writer.string(facts.text ?? "")
        writer.literal(",\"message\":")
        WasenderContent.write(facts, to: &writer)
        writer.literal(",\"messageTimestamp\":")
        writer.integer(facts.timestamp)
        writer.literal("}")
        if style.upsertMessages == .array { writer.literal("]") }
        writer.literal("}")
    }

    private func writeAcknowledgement(_ facts: MessageFacts, status: Int, to writer: inout JSONWriter) {
        if style.updateData == .array { writer.literal("[") }
        writer.literal("{\"update\":{\"status\":")
        if style.status == .string {
            writer.string(["error", "pending", "sent", "delivered", "read", "played"][status])
        } else {
            writer.integer(status)
        }
        writer.literal("},\"key\":")
        writeKey(of: facts, remoteJID: remoteJID(of: facts.to), fromMe: style.fromMe, to: &writer)
        writer.literal("}")
        if style.updateData == .array { writer.literal("]") }
    }

    private func writeReceipt(_ facts: MessageFacts, isRead: Bool, to writer: inout JSONWriter) {
        writer.literal("{\"message\":{\"key\":{\"remoteJid\":")
        writer.string(facts.to)
        writer.literal(",\"id\":")
        writer.string(facts.keyID)
        writer.literal(",\"fromMe\":true,\"participant\":")
        writer.string(WasenderDirectory.groupMember)
        writer.literal("},\"receipt\":{\"userJid\":")
        writer.string(WasenderDirectory.groupMember)
        writer.literal(isRead ? ",\"readTimestamp\":" : ",\"receiptTimestamp\":")
        writer.integer(facts.timestamp)
        writer.literal("}}}")
    }

    private func writeKey(
        of facts: MessageFacts, remoteJID: String, fromMe: Bool, to writer: inout JSONWriter
    ) {
        writer.literal("{\"id\":")
        writer.string(facts.keyID)
        writer.literal(",\"fromMe\":")
        writer.bool(fromMe)
        writer.literal(",\"remoteJid\":")
        writer.string(remoteJID)
        writer.literal("}")
    }

    private func remoteJID(of recipient: String) -> String {
        switch style.remoteJID {
        case .asSent: recipient
        case .number: WasenderContent.jid(of: recipient)
        case .lid: WasenderContent.linkedID(of: recipient)
        }
    }
}

extension SandboxEvent {
    /// The event's name on WasenderApi's wire.
    var wasenderName: String {
        switch self {
        case .messageSent, .messageFailed: "message.sent"
        case .messageStored: "messages.upsert"
        case .messageAcknowledged: "messages.update"
        case .groupReceipt: "message-receipt.update"
        case .messageDeleted: "messages.delete"
        case .sessionStatus: "session.status"
        case .qrCode: "qrcode.updated"
        }
    }

    /// Whether the documentation's sample of the event has a `sessionId`.
    fileprivate var namesSession: Bool {
        switch self {
        case .messageAcknowledged, .sessionStatus, .qrCode: true
        case .messageSent, .messageStored, .groupReceipt, .messageFailed, .messageDeleted: false
        }
    }
}
