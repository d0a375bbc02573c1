/// Numbers that make something happen on purpose.
///
/// A recipient is one when its digits begin with ``SandboxConfiguration/purposefulPrefix`` (999) and end in four
/// digits of this list: `+9990000000` and `+99912345670000` both do not exist on WhatsApp.
package enum PurposefulNumber: String, Sendable, CaseIterable {
    /// `JID does not exist on WhatsApp`, 422; `on-whatsapp` says so, too.
    case unknown = "0000"
    /// Accepted, then fails: `message.sent` with `success:false` and no key, status 0, a failed row in the logs.
    case failsLater = "0001"
    /// Accepted, and nothing is ever heard of it.
    case silent = "0002"
    /// Acknowledged by the server and never delivered.
    case neverDelivered = "0003"
    /// Delivered and never read.
    case neverRead = "0004"
    /// Read without having been delivered before.
    case skipsDelivered = "0005"

    /// The purpose of a recipient; `nil` for all ordinary ones.
    init?(recipient: String, prefix: String) {
        let digits = Recipient.digits(of: recipient)
        guard digits.utf8.count >= 4 + prefix.utf8.count, digits.hasPrefix(prefix) else { return nil }
        self.init(rawValue: String(digits.suffix(4)))
    }

    /// What happens, for people.
    package var explanation: String {
        switch self {
        case .unknown: "422 JID does not exist on WhatsApp"
        case .failsLater: "accepted, then fails: keyless message.sent with success false, status 0, failed in the logs"
        case .silent: "accepted, never acknowledged"
        case .neverDelivered: "acknowledged by the server, never delivered"
        case .neverRead: "delivered, never read"
        case .skipsDelivered: "read without having been delivered"
        }
    }

    var course: MessageCourse {
        switch self {
        case .unknown, .failsLater: .fails
        case .silent: .silent
        case .neverDelivered: .sentOnly
        case .neverRead: .unread
        case .skipsDelivered: .skipsDelivered
        }
    }
}
