/// Something a webhook tells. Each wire format names and writes it in its own way.
enum SandboxEvent: Sendable {
    /// A message went to WhatsApp, as the event for own messages tells it.
    case messageSent(MessageFacts)
    /// The same, as the event for messages in both directions tells it.
    case messageStored(MessageFacts)
    /// A message reached an acknowledgement: 2 sent, 3 delivered, 4 read.
    case messageAcknowledged(MessageFacts, status: Int)
    /// A member of a group received or read a message.
    case groupReceipt(MessageFacts, isRead: Bool)
    /// WhatsApp refused a message. There is no id in it.
    case messageFailed(MessageFacts)
    /// A message was deleted for everybody.
    case messageDeleted(MessageFacts)
    /// A session changed its state.
    case sessionStatus(String)
    /// A session wants its QR code scanned.
    case qrCode(String)
}

/// What webhooks tell of a message.
struct MessageFacts: Sendable {
    /// WhatsApp's own id of the message.
    let keyID: String
    let to: String
    let text: String?
    let kind: MessageKind
    let body: [UInt8]
    /// Seconds since 1970.
    let timestamp: Int64
}

/// An event and where it goes.
struct AddressedEvent: Sendable {
    let event: SandboxEvent
    /// The receiver's address.
    let url: String
    /// What the signature header carries; none without it.
    let secret: String?
    /// The session's API key, which some webhooks name.
    let apiKey: String
    /// Events with the same number are posted one after another.
    let lane: Int
}
