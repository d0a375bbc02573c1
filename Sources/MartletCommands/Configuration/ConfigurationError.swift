/// Why a configuration cannot be used, in one line that an operator can act on.
package struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// A value that is not allowed.
    /// - Parameters:
    ///   - value: as it was written; never shown for a secret.
    ///   - origin: where it was written.
    ///   - rule: what is allowed, such as "must be true or false".
    package init(_ key: ConfigurationKey, value: String, origin: String, rule: String) {
        let shown = key.isSecret ? "[secret]" : "\"\(Self.printable(value))\""
        description = "\(key.name) = \(shown) (\(origin)): \(rule)"
    }

    /// The text on one line and of a length one can read, with a URL's password blanked: whatever stands between the first colon
    /// and the last `@`, as a password may hold anything and a URL that is refused need not have a URL's form.
    static func printable(_ text: String) -> String {
        let line = String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(200).map { $0.properties.generalCategory == .control ? " " : $0 }))
        let start = line.range(of: "://")?.upperBound ?? line.startIndex
        guard let at = line[start...].lastIndex(of: "@"), let colon = line[start..<at].firstIndex(of: ":") else {
            return line
        }
        return line[...colon] + "[secret]" + line[at...]
    }
}
