import Crypto
import Martlet

/// The secrets that belong to one installation: the key that encrypts credentials and the operator's token.
package struct InstallationSecrets: Sendable {
    /// Encrypts channel credentials.
    package var box: SecretBox
    /// SHA-256 of the operator's token.
    package var adminTokenHash: [UInt8]
    /// The operator's token when it was made just now, to be shown this once.
    package var newAdminToken: Secret<String>?

    /// The store's name for the hash of the token that was made at the first start.
    package static let adminTokenSetting = "admin_token_hash"
    /// The store's name for the fingerprint of the key that encrypts credentials.
    package static let keyFingerprintSetting = "secrets_key_fingerprint"

    /// Takes the key from the configuration, else from the file next to the database, which is made where there is none.
    package static func box(_ configuration: NodeConfiguration) throws(ConfigurationError) -> SecretBox {
        if let configured = configuration.secretsKey { return box(configured) }
        switch configuration.store {
        case .sqlite(let path): return box(try SecretsKeyFile(databasePath: path).readOrMake())
        case .postgresql: throw keyIsMissing
        }
    }

    /// The same, but makes nothing; nil where there is no key.
    package static func existingBox(_ configuration: NodeConfiguration) throws(ConfigurationError) -> SecretBox? {
        if let configured = configuration.secretsKey { return box(configured) }
        switch configuration.store {
        case .sqlite(let path): return try SecretsKeyFile(databasePath: path).read().map(box)
        case .postgresql: return nil
        }
    }

    /// Processes on different machines must have the same key, so none is made beside one of them.
    private static let keyIsMissing = ConfigurationError(
        "secrets.key must be set with PostgreSQL, the same for every process: `head -c 32 /dev/urandom | base64` makes a new one"
    )

    private static func box(_ key: Secret<[UInt8]>) -> SecretBox {
        guard let box = SecretBox(key: key.exposed) else {
            preconditionFailure("a secrets key has 32 bytes wherever it is read")
        }
        return box
    }

    /// Checks the key against the store and settles which token is the operator's.
    /// - throws: ``ConfigurationError`` when the store was made with another key; the store's error.
    package static func establish(_ configuration: NodeConfiguration, store: any Maintenance) async throws -> Self {
        let box = try box(configuration)
        let fingerprint = try await store.setSettingOnce(keyFingerprintSetting, box.fingerprint)
        guard fingerprint == box.fingerprint else {
            throw ConfigurationError(
                "the secrets key is not the one this database was made with, so no channel's credentials could be read: "
                    + "put the old key file back next to the database, or set secrets.key to the old key")
        }
        if let configured = configuration.adminToken {
            return Self(box: box, adminTokenHash: hash(configured.exposed), newAdminToken: nil)
        }
        if let stored = try await store.setting(adminTokenSetting) {
            return Self(box: box, adminTokenHash: stored, newAdminToken: nil)
        }
        let token = makeAdminToken()
        let made = hash(token)
        let standing = try await store.setSettingOnce(adminTokenSetting, made)
        // Another process on the same store may have been first; then its token stands and was shown there.
        return Self(box: box, adminTokenHash: standing, newAdminToken: standing == made ? Secret(token) : nil)
    }

    /// A new token: 256 random bits.
    package static func makeAdminToken() -> String {
        "ma_"
            + SymmetricKey(size: .bits256).withUnsafeBytes { bytes in
                bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            }
    }

    /// What is stored and compared in place of a token.
    package static func hash(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }
}
