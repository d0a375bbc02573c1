/// A phone number in E.164: a plus sign, then 7 to 15 digits of which the first is not zero (ITU-T E.164).
package struct PhoneNumber: Sendable, Hashable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        let bytes = text.utf8
        guard bytes.first == UInt8(ascii: "+"), (8...16).contains(bytes.count) else { return nil }
        let digits = bytes.dropFirst()
        guard digits.first != UInt8(ascii: "0"),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        self.text = text
    }

    /// Takes a number that was validated when it was stored.
    package init(unchecked text: String) { self.text = text }

    /// The number without its plus sign.
    package var digits: Substring { text.dropFirst() }

    package var description: String { text }
}
