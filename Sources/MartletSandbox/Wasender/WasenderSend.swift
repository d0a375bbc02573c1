import Foundation
import NIOCore

/// Reads and checks the body of `POST /send-message`.
///
/// There is no type in the body: what kind of message it is follows from the field that is present. Unknown fields
/// are ignored, as is `null`, which SDKs send for what they leave out.
struct WasenderSend: Sendable {
    /// The send, when nothing is wrong with it.
    private(set) var submission: Submission?
    /// The recipient, also of a body that is refused for something else.
    private(set) var recipient: String?
    /// What is wrong, by field.
    private(set) var errors: [String: [String]] = [:]

    private static let mediaFields: [(field: String, label: String, kind: MessageKind)] = [
        ("imageUrl", "image url", .image), ("videoUrl", "video url", .video),
        ("documentUrl", "document url", .document),
        ("audioUrl", "audio url", .audio), ("stickerUrl", "sticker url", .sticker),
    ]

    /// WhatsApp's own limit of a text; the provider documents none.
    private static let textCharactersMax = 65_536

    /// - Parameter bytes: the body. One that is not a JSON object counts as empty, as in Laravel.
    init(_ bytes: [UInt8]) {
        let fields = JSONValue.parseObject(bytes) ?? [:]
        let text = checkText(fields)
        checkRecipient(fields)
        let kind = checkContent(fields, hasText: text != nil)
        checkOptions(fields)
        if let recipient, Recipient.isChannel(recipient), let kind, kind != .text {
            errors["to", default: []].append("Channels take text messages only.")
        }
        guard errors.isEmpty, let recipient, let kind else { return }
        submission = Submission(
            to: recipient, text: text, kind: kind, body: bytes, fingerprint: JSONValue.object(fields).hashValue)
    }

    private mutating func checkRecipient(_ fields: [String: JSONValue]) {
        switch fields["to"] {
        case .string(let to) where to.isEmpty: errors["to"] = ["The to field is required."]
        case .string(let to):
            recipient = to
            if !Self.isRecipient(to) { errors["to"] = ["The to field format is invalid."] }
        case nil, .null: errors["to"] = ["The to field is required."]
        default: errors["to"] = ["The to field must be a string."]
        }
    }

    /// A number with or without plus, a user name, or a JID of a person, group, channel or linked id.
    private static func isRecipient(_ to: String) -> Bool {
        if to.hasPrefix("@") { return to.utf8.count > 1 }
        let parts = to.split(separator: "@", omittingEmptySubsequences: false)
        let name = parts[0].utf8
        switch parts.count {
        case 1:
            let digits = name.first == UInt8(ascii: "+") ? name.dropFirst() : name[...]
            return (5...15).contains(digits.count) && digits.allSatisfy(isDigit)
        case 2:
            guard ["s.whatsapp.net", "g.us", "newsletter", "lid"].contains(parts[1]) else { return false }
            // Old groups are named by number and time, with a hyphen between.
            return !name.isEmpty && name.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "-") }
        default: return false
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private mutating func checkText(_ fields: [String: JSONValue]) -> String? {
        switch fields["text"] {
        case nil, .null: return nil
        case .string(let text) where text.isEmpty: return nil
        case .string(let text):
            if text.utf8.count > Self.textCharactersMax, text.count > Self.textCharactersMax {
                errors["text"] = ["The text field must not be greater than \(Self.textCharactersMax) characters."]
            }
            return text
        default:
            errors["text"] = ["The text field must be a string."]
            return nil
        }
    }

    /// Checks what the message consists of.
    ///
    /// - Returns: its kind; `nil` when there is nothing in it.
    private mutating func checkContent(_ fields: [String: JSONValue], hasText: Bool) -> MessageKind? {
        for media in Self.mediaFields {
            guard let value = fields[media.field], value != .null else { continue }
            if value.string.map(Self.isURL) != true {
                errors[media.field] = ["The \(media.label) field must be a valid URL."]
            }
            return media.kind
        }
        if let contact = fields["contact"], contact != .null {
            require(strings: ["name", "phone"], of: contact, named: "contact")
            return .contact
        }
        if let location = fields["location"], location != .null {
            check(location: location)
            return .location
        }
        if let poll = fields["poll"], poll != .null {
            check(poll: poll)
            return .poll
        }
        if !hasText, errors["text"] == nil {
            errors["text"] = ["The text field is required when no media, contact, location or poll is present."]
        }
        return .text
    }

    private mutating func check(location: JSONValue) {
        for (name, range) in [("latitude", -90.0...90.0), ("longitude", -180.0...180.0)] {
            let value = location.object?[name]
            // Laravel's `numeric` takes numbers in strings, too.
            let number = value?.number ?? value?.string.flatMap(Double.init)
            if number.map(range.contains) != true {
                errors["location.\(name)"] = ["The location.\(name) field must be a number in its range."]
            }
        }
        for name in ["name", "address"] {
            if let value = location.object?[name], value != .null, value.string == nil {
                errors["location.\(name)"] = ["The location.\(name) field must be a string."]
            }
        }
    }

    private mutating func check(poll: JSONValue) {
        require(strings: ["question"], of: poll, named: "poll")
        let options = poll.object?["options"]?.array
        if options.map({ (2...12).contains($0.count) && $0.allSatisfy { $0.string?.isEmpty == false } }) != true {
            errors["poll.options"] = ["The poll.options field must have between 2 and 12 strings."]
        }
        if let several = poll.object?["multiSelect"], several != .null, several.bool == nil {
            errors["poll.multiSelect"] = ["The poll.multi select field must be true or false."]
        }
    }

    private mutating func checkOptions(_ fields: [String: JSONValue]) {
        if let name = fields["fileName"], name != .null, name.string == nil {
            errors["fileName"] = ["The file name field must be a string."]
        }
        if let mentions = fields["mentions"], mentions != .null {
            let isList = mentions.array?.allSatisfy { $0.string?.hasSuffix("@s.whatsapp.net") == true }
            if isList != true { errors["mentions"] = ["The mentions field must be a list of JIDs."] }
        }
        if let reply = fields["replyTo"], reply != .null, reply.integer == nil {
            errors["replyTo"] = ["The reply to field must be an integer."]
        }
        if let once = fields["viewOnce"], once != .null, once.bool == nil {
            errors["viewOnce"] = ["The view once field must be true or false."]
        }
    }

    private mutating func require(strings names: [String], of value: JSONValue, named field: String) {
        for name in names where value.object?[name]?.string?.isEmpty != false {
            errors["\(field).\(name)"] = ["The \(field).\(name) field is required."]
        }
    }

    static func isURL(_ text: String) -> Bool {
        guard let url = URL(string: text), let scheme = url.scheme?.lowercased() else { return false }
        return (scheme == "http" || scheme == "https") && url.host?.isEmpty == false
    }
}
