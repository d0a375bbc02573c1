/// Blanks a channel's credentials in a webhook, changing nothing else: numbers, spaces and the order of members stay as
/// they were sent.
///
/// It walks over the tokens of the text without asking whether they make a document, so that a damaged body, which is
/// kept to be looked at, is blanked, too. A string is looked at in its plain form, however it was escaped.
struct WebhookRedaction {
    static let mask = "[redacted]"
    private static let quotedMask = Array("\"\(mask)\"".utf8)
    /// A secret shorter than this is only blanked where it is a whole value: cut out of words it would ruin texts at
    /// random.
    static let wordSecretBytesMin = 16

    private let input: [UInt8]
    private let secrets: [[UInt8]]
    private var position = 0
    private var output: [UInt8] = []

    private init(_ input: [UInt8], _ secrets: [[UInt8]]) {
        self.input = input
        self.secrets = secrets
        output.reserveCapacity(input.count)
    }

    static func redacted(_ body: [UInt8], secrets: [String]) -> [UInt8] {
        let secrets = secrets.filter { !$0.isEmpty }.map { Array($0.utf8) }
        var redaction = WebhookRedaction(body, secrets)
        redaction.run()
        // What is left can only stand outside of all strings, or across the ends of one.
        return secrets.filter { $0.count >= wordSecretBytesMin }
            .reduce(redaction.output) { $0.replacing($1, with: Array(mask.utf8)) }
    }

    private mutating func run() {
        while position < input.count {
            switch input[position] {
            case UInt8(ascii: "\""):
                let text = readString()
                guard let end = endOfColon(after: position) else {
                    write(text, isBlanked: isSecret(text.plain))
                    continue
                }
                write(text, isBlanked: holdsLongSecret(text.plain))
                output += input[position..<end]
                position = end
                if Self.isSessionID(text.plain) {
                    skipValue()
                    output += Self.quotedMask
                }
            case let byte where Self.isBare(byte):
                let start = position
                skipBare()
                let token = Array(input[start..<position])
                output += isSecret(token) ? Self.quotedMask : token
            default:
                output.append(input[position])
                position += 1
            }
        }
    }

    // MARK: - Strings

    private struct StringToken {
        /// With its quotes, as it stands in the body.
        var raw: ArraySlice<UInt8>
        /// Without quotes and escapes.
        var plain: [UInt8]
    }

    private mutating func write(_ text: StringToken, isBlanked: Bool) {
        output += isBlanked ? Self.quotedMask[...] : text.raw
    }

    /// Reads the string that starts here, to its end or to the end of the body.
    private mutating func readString() -> StringToken {
        let start = position
        position += 1
        var plain: [UInt8] = []
        while position < input.count {
            let byte = input[position]
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\"), position < input.count else {
                plain.append(byte)
                continue
            }
            let escaped = input[position]
            position += 1
            // Credentials are ASCII, so no other escape than these can hide a part of one.
            if escaped == UInt8(ascii: "u"), position + 4 <= input.count,
                let unit = UInt16(String(decoding: input[position..<position + 4], as: UTF8.self), radix: 16)
            {
                plain.append(unit < 0x80 ? UInt8(unit) : UInt8(ascii: "?"))
                position += 4
            } else {
                plain.append(escaped)
            }
        }
        return StringToken(raw: input[start..<position], plain: plain)
    }

    /// Where the value begins, if the string that has just been read is a name.
    private func endOfColon(after index: Int) -> Int? {
        let colon = endOfSpace(after: index)
        guard colon < input.count, input[colon] == UInt8(ascii: ":") else { return nil }
        return endOfSpace(after: colon + 1)
    }

    private func endOfSpace(after index: Int) -> Int {
        input[index...].firstIndex { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } ?? input.count
    }

    private static func isSessionID(_ name: [UInt8]) -> Bool {
        name.count == 9 && String(decoding: name, as: UTF8.self).lowercased() == "sessionid"
    }

    // MARK: - Values

    /// Passes over the value that starts here, whatever it is.
    private mutating func skipValue() {
        guard position < input.count else { return }
        switch input[position] {
        case UInt8(ascii: "\""): _ = readString()
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            var depth = 0
            repeat {
                switch input[position] {
                case UInt8(ascii: "\""):
                    _ = readString()
                    continue
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
                default: break
                }
                position += 1
            } while depth > 0 && position < input.count
        default: skipBare()
        }
    }

    private mutating func skipBare() {
        while position < input.count, Self.isBare(input[position]) { position += 1 }
    }

    /// Whether a byte belongs to a number, a literal or anything else that stands outside of strings.
    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "{"), UInt8(ascii: "}"),
            UInt8(ascii: "["), UInt8(ascii: "]"):
            false
        default: true
        }
    }

    private func isSecret(_ text: [UInt8]) -> Bool { secrets.contains(text) || holdsLongSecret(text) }

    private func holdsLongSecret(_ text: [UInt8]) -> Bool {
        secrets.contains {
            $0.count >= Self.wordSecretBytesMin && text.count >= $0.count && !text.ranges(of: $0).isEmpty
        }
    }
}
