import Martlet

/// What an operator sets of the HTTP side.
package struct ServerConfiguration: Sendable {
    /// The parts of the HTTP side that a process may take on. Health, metrics and the API's description are always
    /// there.
    package enum Role: Sendable, Hashable, CaseIterable {
        /// `/v1/…`
        case api
        /// `/webhooks/…`
        case webhooks
    }

    /// PEM files of a certificate chain and its private key.
    package struct TLS: Sendable {
        package var certificatePath: String
        package var keyPath: String

        package init(certificatePath: String, keyPath: String) {
            self.certificatePath = certificatePath
            self.keyPath = keyPath
        }
    }

    /// The address to listen on.
    package var host = "127.0.0.1"
    /// 0 takes a free one.
    package var port = 8080
    /// How the outside reaches the server; nil stands for where it listens.
    package var publicURL: String?
    /// With it, HTTPS, and HTTP/2 for clients that ask for it.
    package var tls: TLS?
    /// SHA-256 of the operator's bearer token. From a short one it could be guessed.
    package var adminTokenHash: Secret<[UInt8]>
    /// What a scraper of `/metrics` must bring as its bearer token; nil lets anybody read.
    package var metricsToken: Secret<String>?
    /// What this process serves.
    package var roles = Set(Role.allCases)
    /// The program's version, for the API's description.
    package var version: String

    package init(adminTokenHash: [UInt8], version: String) {
        self.adminTokenHash = Secret(adminTokenHash)
        self.version = version
    }
}
