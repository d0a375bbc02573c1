/// One send that was accepted, and what became of it.
package struct LedgerEntry: Sendable {
    /// How a send that was accepted ended for its sender.
    package enum Outcome: String, Sendable {
        /// The sender was told so.
        case accepted
        /// The connection was reset instead of an answer.
        case acceptedThenReset = "accepted_then_reset"
        /// No answer came.
        case acceptedThenTimeout = "accepted_then_timeout"
        /// An error was answered all the same.
        case acceptedThenStatus = "accepted_then_status"
        /// Something was answered that is not JSON.
        case acceptedThenGarbage = "accepted_then_garbage"
    }

    /// The place in the ledger, from 1 on, without gaps.
    package let sequence: Int
    /// When the send was received.
    package let receivedAt: SandboxInstant
    /// The API key it came with.
    package let key: String
    /// The recipient as it was sent.
    package let to: String
    /// The text or the caption.
    package internal(set) var text: String?
    /// The request body, a JSON object, byte by byte.
    package let body: [UInt8]
    /// The provider's number for it.
    package let messageID: Int
    /// How the send ended for its sender.
    package let outcome: Outcome
    /// The acknowledgement it has reached, in WhatsApp's numbers: 0 failed, 1 pending, 2 sent, 3 delivered, 4 read.
    package internal(set) var status = 1

    /// The session it belongs to.
    let session: Int
    /// What kind of message it is.
    let kind: MessageKind
    /// Equal for bodies that mean the same.
    let fingerprint: Int
    /// Which acknowledgements it gets.
    let course: MessageCourse
    /// How many of the course's stages are behind it.
    var stagesDone = 0
    /// When its course began: the acceptance, or a later resend.
    var courseStart: Int64
    /// Its acknowledgements are held back and posted in reverse order, at the time of the last.
    var isReversed = false
    /// Its acknowledgements were posted before the send was answered.
    var isHurried = false
    /// Deleted for everybody by its sender.
    var isDeleted = false
}

/// What a message consists of.
package enum MessageKind: String, Sendable, CaseIterable {
    case text, image, video, document, audio, sticker, contact, location, poll
}

/// A step of a message on its way, and the moment it is due at.
enum MessageStage: Sendable, Equatable {
    /// WhatsApp's server took it.
    case sent
    /// The recipient's phone has it.
    case delivered
    /// The recipient has seen it.
    case read
    /// WhatsApp refused it after the provider had accepted it.
    case failed
}

/// The steps a message will take.
enum MessageCourse: Sendable, Equatable {
    case full, fails, silent, sentOnly, unread, skipsDelivered

    var stages: [MessageStage] {
        switch self {
        case .full: [.sent, .delivered, .read]
        case .fails: [.failed]
        case .silent: []
        case .sentOnly: [.sent]
        case .unread: [.sent, .delivered]
        case .skipsDelivered: [.sent, .read]
        }
    }
}
