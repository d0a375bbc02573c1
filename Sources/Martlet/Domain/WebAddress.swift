/// An absolute http or https URL as RFC 3986 writes one: ASCII, everything else percent-encoded.
///
/// What an HTTP client would refuse later, when a message waits for it, is refused here.
package struct WebAddress: Sendable, Equatable {
    package static let bytesMax = 2048

    package let text: String
    /// Whether it names a user, with or without a password.
    package let hasUser: Bool
    /// Whether anything follows the path.
    package let hasQueryOrFragment: Bool

    /// Nil when the text is none, or longer than ``bytesMax``.
    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.count <= Self.bytesMax,
            let scheme = ["https://", "http://"].first(where: { Self.starts(bytes, $0) }),
            Self.isWellFormed(bytes)
        else { return nil }
        let rest = bytes.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) }
        let at = authority.lastIndex(of: UInt8(ascii: "@"))
        let place = at.map { authority[authority.index(after: $0)...] } ?? authority
        guard Self.isPlace(place), at.map({ !authority[..<$0].contains(UInt8(ascii: "@")) }) ?? true else { return nil }
        // Brackets stand around an IPv6 address and nowhere else.
        guard rest.count(where: Self.isBracket) == place.count(where: Self.isBracket) else { return nil }
        self.text = text
        hasUser = at != nil
        hasQueryOrFragment = rest.contains { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    }

    private static func starts(_ bytes: String.UTF8View, _ scheme: String) -> Bool {
        bytes.count > scheme.utf8.count
            && zip(bytes, scheme.utf8).allSatisfy { $0 == $1 || isLetter($1) && $0 | 0x20 == $1 }
    }

    /// Whether every character may stand in a URL, and every percent sign begins an escape.
    private static func isWellFormed(_ bytes: String.UTF8View) -> Bool {
        var digitsDue = 0
        for byte in bytes {
            if digitsDue > 0 {
                guard isDigit(byte) || isHexadecimalLetter(byte) else { return false }
                digitsDue -= 1
            } else if byte == UInt8(ascii: "%") {
                digitsDue = 2
            } else {
                guard isLetter(byte) || isDigit(byte) || signs.contains(byte) else { return false }
            }
        }
        return digitsDue == 0
    }

    private static let signs: Set<UInt8> = Set("-._~:/?#[]@!$&'()*+,;=".utf8)

    private static func isBracket(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "[") || byte == UInt8(ascii: "]") }

    /// A host and, after a colon, a port.
    private static func isPlace(_ place: Substring.UTF8View) -> Bool {
        let host: Substring.UTF8View
        var port: Substring.UTF8View?
        if place.first == UInt8(ascii: "[") {
            guard let end = place.firstIndex(of: UInt8(ascii: "]")) else { return false }
            host = place[place.index(after: place.startIndex)..<end]
            let rest = place[place.index(after: end)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return false }
            if !rest.isEmpty { port = rest.dropFirst() }
            guard
                host.allSatisfy({
                    isDigit($0) || isHexadecimalLetter($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".")
                })
            else { return false }
        } else {
            let colon = place.firstIndex(of: UInt8(ascii: ":"))
            host = colon.map { place[..<$0] } ?? place
            port = colon.map { place[place.index(after: $0)...] }
            // Of what a host's name may have by RFC 3986, only what names have that can be looked up.
            guard
                host.allSatisfy({
                    isLetter($0) || isDigit($0)
                        || [UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_")].contains($0)
                })
            else { return false }
        }
        guard !host.isEmpty else { return false }
        guard let port else { return true }
        guard (1...5).contains(port.count), port.allSatisfy(isDigit) else { return false }
        return (1...65_535).contains(port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    private static func isHexadecimalLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
