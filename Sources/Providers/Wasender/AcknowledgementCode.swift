import Martlet

/// How far a message is, as WasenderApi counts: 0 error, 1 pending, 2 server, 3 device, 4 read, 5 played (docs
/// 'Get Message Info'). Some client libraries and webhooks have names instead.
enum AcknowledgementCode {
    /// The level, or nil for what is not known.
    static func level(_ value: JSONValue?) -> AcknowledgementLevel? {
        guard let value else { return nil }
        if let code = value.looseInteger {
            return switch code {
            case 0: .failed
            case 1: .pending
            case 2: .server
            case 3: .device
            case 4, 5: .read
            default: nil
            }
        }
        return switch value.stringValue?.lowercased() {
        case "error", "failed": .failed
        case "pending", "in_progress", "queued": .pending
        case "sent", "server_ack": .server
        case "delivered", "delivery_ack": .device
        case "read", "played": .read
        default: nil
        }
    }
}
