/// Where a message is on its way. There are these five values and no others.
package enum MessageStatus: String, Sendable, CaseIterable {
    case queued, sent, delivered, read, failed

    /// Final: nothing more will be done for this message. (`delivered` may still become `read` or `failed`.)
    package var isFinal: Bool {
        switch self {
        case .queued, .sent: false
        case .delivered, .read, .failed: true
        }
    }

    /// Whether a message may go from this status to that one. A status only moves forward:
    /// queued → sent → delivered → read (steps may be skipped), and failed from any but read.
    package func mayBecome(_ next: MessageStatus) -> Bool {
        switch (self, next) {
        case (.failed, _), (.read, _): false
        case (_, .failed): true
        default: next.rank > rank
        }
    }

    private var rank: Int {
        switch self {
        case .queued: 0
        case .sent: 1
        case .delivered: 2
        case .read: 3
        case .failed: 4
        }
    }
}

/// What a provider says of a message it has taken, by webhook or when asked.
package enum AcknowledgementLevel: Int, Sendable, CaseIterable {
    /// The provider holds it; WhatsApp has not seen it yet.
    case pending = 1
    /// WhatsApp's server has it. One more entry in the timeline; the status stays `sent`.
    case server = 2
    /// It reached the recipient's device.
    case device = 3
    /// It was read, or played.
    case read = 4
    /// The provider gave up on it.
    case failed = 0

    /// The status this level stands for.
    package var status: MessageStatus {
        switch self {
        case .pending, .server: .sent
        case .device: .delivered
        case .read: .read
        case .failed: .failed
        }
    }
}

/// Order in which messages of one channel leave.
package enum Priority: Int, Sendable, CaseIterable {
    case high = 0
    case normal = 1
    case low = 2

    package init?(name: String) {
        switch name {
        case "high": self = .high
        case "normal": self = .normal
        case "low": self = .low
        default: return nil
        }
    }

    package var name: String {
        switch self {
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }
}

/// What to do with a message of which nobody can say whether the provider took it.
package enum UnknownPolicy: String, Sendable, CaseIterable {
    /// Send it again: at least once.
    case retry
    /// Send it no more: at most once. It goes to the dead-letter queue as `outcome_unknown`.
    case hold
}
