import Crypto
import Foundation

/// Encrypts secrets at rest with AES-256-GCM. The context (such as a channel's id) is authenticated, so that one row's secret
/// cannot be moved to another.
package struct SecretBox: Sendable {
    package enum Failure: Error, Sendable { case wrongKeyOrDamaged }

    private let key: SymmetricKey

    /// - parameter key: 32 bytes.
    package init?(key: [UInt8]) {
        guard key.count == 32 else { return nil }
        self.key = SymmetricKey(data: key)
    }

    /// Version byte 1, then nonce, ciphertext and tag.
    package func seal(_ value: JSONValue, context: String) throws -> [UInt8] {
        let sealed = try AES.GCM.seal(value.encoded(), using: key, authenticating: Array(context.utf8))
        guard let combined = sealed.combined else { throw Failure.wrongKeyOrDamaged }
        return [1] + combined
    }

    /// - throws: ``Failure/wrongKeyOrDamaged`` when the key or the context is another, or a byte has changed.
    package func open(_ bytes: [UInt8], context: String) throws(Failure) -> JSONValue {
        guard bytes.first == 1,
            let box = try? AES.GCM.SealedBox(combined: bytes.dropFirst()),
            let plain = try? AES.GCM.open(box, using: key, authenticating: Array(context.utf8)),
            let value = try? JSONParser.value(plain)
        else { throw .wrongKeyOrDamaged }
        return value
    }

    /// The key's fingerprint, to tell a wrong key at start instead of at the first channel.
    package var fingerprint: [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array("martlet key fingerprint".utf8), using: key).prefix(8))
    }
}
