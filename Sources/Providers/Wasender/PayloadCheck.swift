import Martlet

/// What WasenderApi can carry (docs 'Send Text Message' and its sibling pages).
///
/// Sizes of media are left to the provider: its pages disagree about them, and they are only known once the media are
/// loaded.
struct PayloadCheck {
    /// WhatsApp's own limit for a text.
    static let textCharactersMax = 65_536
    static let urlCharactersMax = 4096
    static let nameCharactersMax = 1000
    static let fileNameCharactersMax = 255

    private let kind: Payload.Kind
    private let content: JSONObject
    private var problems: [FieldError] = []

    private init(_ payload: Payload) {
        kind = payload.kind
        content = payload.content
    }

    static func problems(in payload: Payload) -> [FieldError] {
        var check = PayloadCheck(payload)
        switch payload.kind {
        case .text: check.text("body", isRequired: true, max: textCharactersMax)
        case .image, .video, .audio, .document, .sticker:
            check.url("url")
            check.text("caption", isRequired: false, max: textCharactersMax)
            if payload.kind == .document { check.text("filename", isRequired: false, max: fileNameCharactersMax) }
        case .location:
            check.number("latitude", in: -90...90)
            check.number("longitude", in: -180...180)
            check.text("name", isRequired: false, max: nameCharactersMax)
            check.text("address", isRequired: false, max: nameCharactersMax)
        case .contact:
            check.text("name", isRequired: true, max: nameCharactersMax)
            check.phone("phone")
        case .template:
            check.problems.append(
                FieldError("/type", "template is not carried by wasender; WasenderApi knows no templates"))
        }
        return check.problems
    }

    private mutating func fault(_ name: String, _ message: String) {
        problems.append(FieldError("/\(kind.rawValue)/\(name)", message))
    }

    /// The member as text; nil when it is absent or wrong, which is then noted.
    private mutating func string(_ name: String, isRequired: Bool) -> String? {
        guard let value = content[name], isRequired || !value.isNull else {
            if isRequired { fault(name, "is required") }
            return nil
        }
        guard let text = value.stringValue else {
            fault(name, "must be a string, not \(value.kindName)")
            return nil
        }
        return text
    }

    private mutating func text(_ name: String, isRequired: Bool, max: Int) {
        guard let text = string(name, isRequired: isRequired) else { return }
        if isRequired, text.isEmpty { fault(name, "must not be empty") }
        // UTF-8 has at least one byte for a character: a short text need not be counted.
        if text.utf8.count > max, text.unicodeScalars.count > max { fault(name, "must be at most \(max) characters") }
    }

    private mutating func url(_ name: String) {
        guard let text = string(name, isRequired: true) else { return }
        let lowercased = text.prefix(8).lowercased()
        let rest: Substring
        if lowercased.hasPrefix("https://") {
            rest = text.dropFirst(8)
        } else if lowercased.hasPrefix("http://") {
            rest = text.dropFirst(7)
        } else {
            return fault(name, "must be an http or https URL; WasenderApi loads media itself")
        }
        guard let first = rest.utf8.first, ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains(first),
            rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && !$0.properties.isWhitespace })
        else { return fault(name, "must be a URL with a host and without spaces") }
        if text.utf8.count > Self.urlCharactersMax { fault(name, "must be at most \(Self.urlCharactersMax) bytes") }
    }

    private mutating func number(_ name: String, in range: ClosedRange<Double>) {
        guard let value = content[name] else { return fault(name, "is required") }
        guard let number = value.doubleValue else { return fault(name, "must be a number, not \(value.kindName)") }
        if !range.contains(number) {
            fault(name, "must be from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
        }
    }

    /// A contact card may hold a local number, so only its characters are checked.
    private mutating func phone(_ name: String) {
        guard let text = string(name, isRequired: true) else { return }
        let isFit = text.unicodeScalars.allSatisfy { ("0"..."9").contains($0) || "+ -().".unicodeScalars.contains($0) }
        let digits = text.utf8.count { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if !isFit || !(3...20).contains(digits) || text.utf8.count > 40 {
            fault(name, "must be a phone number of 3 to 20 digits")
        }
    }
}
