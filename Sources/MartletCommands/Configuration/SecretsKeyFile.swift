import Crypto
import Foundation
import Martlet

#if canImport(Glibc)
    import Glibc
#endif

/// The file that holds the key which encrypts channel credentials, where the configuration does not give one: next to the
/// SQLite database, readable by its owner alone.
package struct SecretsKeyFile: Sendable {
    /// The length of the key.
    package static let byteCount = 32

    package let path: String

    /// - parameter databasePath: the database the key belongs to.
    package init(databasePath: String) { path = databasePath + ".key" }

    /// The key in the file; where there is no file, a new key, which is in the file and on disk on return.
    /// - throws: ``ConfigurationError`` when the file cannot be read or written, or holds something else.
    package func readOrMake() throws(ConfigurationError) -> Secret<[UInt8]> {
        if let key = try read() { return key }
        return try make()
    }

    /// The key in the file; nil where there is no file.
    /// - throws: ``ConfigurationError`` when it cannot be read or holds something else.
    package func read() throws(ConfigurationError) -> Secret<[UInt8]>? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let handle = FileHandle(forReadingAtPath: path), let bytes = try? handle.read(upToCount: 1024) else {
            throw ConfigurationError("the secrets key file \(path) cannot be read: check its owner and permissions")
        }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let key = Data(base64Encoded: text), key.count == Self.byteCount else {
            throw ConfigurationError(
                "the secrets key file \(path) must hold 32 bytes in base64: put the right file back from your backup")
        }
        return Secret(Array(key))
    }

    private func make() throws(ConfigurationError) -> Secret<[UInt8]> {
        let key = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            // Another process may have made it between the look and now; its key is as good.
            if errno == EEXIST, let key = try read() { return key }
            throw failure("cannot be made")
        }
        defer { close(descriptor) }
        let text = Array((Data(key).base64EncodedString() + "\n").utf8)
        guard text.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == text.count,
            fsync(descriptor) == 0
        else {
            let failure = failure("cannot be written")
            unlink(path)
            throw failure
        }
        return Secret(key)
    }

    private func failure(_ what: String) -> ConfigurationError {
        ConfigurationError("the secrets key file \(path) \(what): \(String(cString: strerror(errno)))")
    }
}
