import HummingbirdCore
import Martlet

/// Reads a query string strictly: each parameter known, given once, and in range.
package struct QueryReader {
    private var values: [String: String] = [:]

    /// - parameter known: the parameters this route has.
    /// - throws: 400 on any other, on one given twice or empty, and on what cannot be decoded.
    package init(_ uri: URI, known: Set<String>) throws {
        for pair in (uri.query ?? "").split(separator: "&", omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count == 2 ? parts[1] : "") else {
                throw Problem(.badParameter, "The query string is not well-formed.")
            }
            guard known.contains(name) else {
                let allowed = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
                throw Problem(
                    .badParameter, "There is no query parameter \(name.cut(to: 64)) here; there are: \(allowed).")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem(.badParameter, "The query parameter \(name) is given twice.")
            }
            guard !value.isEmpty else { throw Self.refusal(name, "must not be empty") }
        }
    }

    /// Every pair of a query string that can be decoded, for a route that hands them on unread.
    package static func pairs(_ uri: URI) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in (uri.query ?? "").split(separator: "&", maxSplits: 64, omittingEmptySubsequences: true) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decoded(parts[0]), let value = decoded(parts.count == 2 ? parts[1] : "") else { continue }
            pairs[name] = value
        }
        return pairs
    }

    /// 400 that names the parameter and its rule.
    static func refusal(_ name: String, _ rule: String) -> Problem {
        Problem(.badParameter, "The query parameter \(name) \(rule).")
    }

    /// 1 to 255 characters, none of them a control character.
    package func text(_ name: String) throws -> String? {
        guard let value = values[name] else { return nil }
        guard value.unicodeScalars.count <= 255, value.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) else {
            throw Self.refusal(name, "must have at most 255 printable characters")
        }
        return value
    }

    /// A whole number in that range.
    package func integer(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let value = values[name] else { return nil }
        guard let number = Int(value), range.contains(number) else {
            throw Self.refusal(name, "must be a whole number between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
    }

    /// One of the names an enumeration allows.
    package func choice<Choice>(_ name: String, among names: [String], _ make: (String) -> Choice?) throws -> Choice? {
        guard let value = values[name] else { return nil }
        guard let choice = make(value) else {
            throw Self.refusal(name, "must be one of \(names.joined(separator: ", "))")
        }
        return choice
    }

    /// A phone number in E.164, its plus sign encoded or not.
    package func phoneNumber(_ name: String) throws -> PhoneNumber? {
        guard let value = values[name] else { return nil }
        guard let number = PhoneNumber(Self.withPlusSigns(value)) else {
            throw Self.refusal(name, "must be a phone number in E.164 such as +14155550123")
        }
        return number
    }

    /// An RFC 3339 date-time, its plus sign encoded or not.
    package func timestamp(_ name: String) throws -> Timestamp? {
        guard let value = values[name] else { return nil }
        guard let timestamp = Timestamp(rfc3339: Self.withPlusSigns(value)) else {
            throw Self.refusal(name, "must be an RFC 3339 date-time such as 2026-11-23T10:00:00Z")
        }
        return timestamp
    }

    /// A plus sign in a query string means a space in a form, but people write phone numbers and time zones as they
    /// are.
    private static func withPlusSigns(_ value: String) -> String { value.replacing(" ", with: "+") }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
