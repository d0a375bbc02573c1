import Martlet

/// Makes the provider's words fit to be stored and shown: no credentials, no control characters, not too long.
package struct ProviderWords: Sendable {
    private static let mask = Array("[secret]".utf8)
    private let secrets: [[UInt8]]

    /// - parameter secrets: longest first.
    package init(hiding secrets: [String]) { self.secrets = secrets.map { Array($0.utf8) } }

    func callAsFunction(_ text: String, max: Int = ErrorReason.detailCharactersMax) -> String {
        // A huge text is not searched to its end. Masking makes a text at most 64 times shorter, so that no part of a
        // secret which lies across this cut can move into the part that is kept.
        var bytes = Array(text.utf8.prefix((max + 1) * Credentials.secretCharactersMax))
        for secret in secrets { bytes = bytes.replacing(secret, with: Self.mask) }
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.lazy
            .map { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) ? " " : $0 }
        return String(String.UnicodeScalarView(scalars.prefix(max)))
    }
}
