import Crypto

/// What identifies a text without being it: parked echoes are kept by this, never by their words.
package enum EchoFingerprint {
    /// The SHA-256 of the text's UTF-8.
    package static func of(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
}
