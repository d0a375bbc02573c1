import Foundation
import Logging
import Martlet

/// What a process does.
package enum Role: String, Sendable, CaseIterable {
    /// The HTTP API.
    case api
    /// Receives the providers' webhooks.
    case webhooks
    /// Dispatches messages and works off the inbox.
    case worker
    /// The operator's console.
    case console
}

/// How log lines are written.
package enum LogFormat: String, Sendable, CaseIterable {
    case text, json
}

/// Everything an operator sets of a node, read and checked.
package struct NodeConfiguration: Sendable {
    /// Where and how HTTP is served.
    package struct HTTP: Sendable, Equatable {
        package var host: String
        /// 0 picks a free port.
        package var port: Int
        /// How the outside reaches this service, without a slash at the end; nil means where it listens.
        package var publicURL: String?
        package var tls: TLS?
    }

    /// The PEM files of the certificate (with its chain) and its private key.
    package struct TLS: Sendable, Equatable {
        package var certificatePath: String
        package var keyPath: String
    }

    package var http: HTTP
    package var roles: Set<Role>
    package var store: StoreLocation
    package var queue: QueueLocation
    package var inbox: InboxLocation
    package var throttle: ThrottleLocation
    /// Whether the start brings the store to this version's schema.
    package var migratesStore: Bool
    /// The operator's token where it is set; else one is made at the first start.
    package var adminToken: Secret<String>?
    /// 32 bytes where they are set; else they are kept in a file next to the database.
    package var secretsKey: Secret<[UInt8]>?
    package var pipeline: PipelineConfiguration
    /// How long an idempotency key is remembered.
    package var idempotencyWindow: Duration
    package var metricsToken: Secret<String>?
    /// Whether tenants' endpoints may be at loopback and private addresses.
    package var allowsPrivateCallbacks: Bool
    package var logLevel: Logger.Level
    package var logFormat: LogFormat
}

extension NodeConfiguration {
    private static let day: Double = 86_400

    /// Reads and checks every setting.
    package init(_ reader: ConfigurationReader) throws(ConfigurationError) {
        http = try HTTP(reader)
        roles = try reader.choices(.roles, among: Role.allCases.map(\.rawValue), Role.init(rawValue:))
        store = try StoreLocation.read(reader)
        queue = try QueueLocation.read(reader, store: store)
        inbox = try InboxLocation.read(reader)
        throttle = try ThrottleLocation.read(reader)
        migratesStore = try reader.bool(.storeMigrate)
        adminToken = try Self.token(.adminToken, reader)
        secretsKey = try Self.secretsKey(reader)
        pipeline = PipelineConfiguration()
        pipeline.retry = RetrySchedule(
            delays: try reader.secondsList(.retryDelays, in: 0...7 * Self.day, count: 1...20),
            jitter: try reader.number(.retryJitter, in: 0...1))
        pipeline.providerTimeout = try reader.seconds(.providerTimeout, in: 0.1...600)
        pipeline.unknownWait = try reader.seconds(.unknownWait, in: 0...Self.day)
        pipeline.leaseDuration = try reader.seconds(.leaseDuration, in: 0.1...3600)
        let retentionDays = try reader.integer(.retentionDays, in: 0...36_500)
        pipeline.retention = retentionDays == 0 ? nil : .seconds(retentionDays * Int(Self.day))
        idempotencyWindow = try reader.seconds(.idempotencyWindow, in: 1...366 * Self.day)
        metricsToken = try Self.token(.metricsToken, reader)
        allowsPrivateCallbacks = try reader.bool(.callbacksAllowPrivate)
        logLevel = try reader.choice(
            .logLevel, among: Logger.Level.allCases.map(\.rawValue), Logger.Level.init(rawValue:))
        logFormat = try reader.choice(.logFormat, among: LogFormat.allCases.map(\.rawValue), LogFormat.init(rawValue:))
        if let contradiction = pipeline.contradiction { throw ConfigurationError(contradiction) }
    }

    private static func token(_ key: ConfigurationKey, _ reader: ConfigurationReader)
        throws(ConfigurationError) -> Secret<String>?
    {
        guard let text = try reader.string(key) else { return nil }
        guard text.utf8.count <= 255, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw reader.refusal(key, "must be 1 to 255 printable ASCII characters without spaces")
        }
        return Secret(text)
    }

    private static func secretsKey(_ reader: ConfigurationReader) throws(ConfigurationError) -> Secret<[UInt8]>? {
        guard let text = try reader.string(.secretsKey) else { return nil }
        guard let bytes = Data(base64Encoded: text), bytes.count == SecretsKeyFile.byteCount else {
            throw reader.refusal(
                .secretsKey, "must be 32 bytes in base64; `head -c 32 /dev/urandom | base64` makes a new one")
        }
        return Secret(Array(bytes))
    }
}

extension NodeConfiguration.HTTP {
    fileprivate init(_ reader: ConfigurationReader) throws(ConfigurationError) {
        host = try reader.requiredString(.httpHost)
        guard host.utf8.count <= 255, host.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !host.contains("/") else {
            throw reader.refusal(.httpHost, "must be a host name or an IP address")
        }
        port = try reader.integer(.httpPort, in: 0...65_535)
        publicURL = try Self.publicURL(reader)
        let certificate = try reader.string(.httpTLSCertificate)
        let key = try reader.string(.httpTLSKey)
        switch (certificate, key) {
        case (nil, nil): tls = nil
        case (let certificate?, let key?):
            for (setting, path) in [(ConfigurationKey.httpTLSCertificate, certificate), (.httpTLSKey, key)] {
                guard FileManager.default.isReadableFile(atPath: path) else {
                    throw reader.refusal(setting, "must name a PEM file that can be read")
                }
            }
            tls = NodeConfiguration.TLS(certificatePath: certificate, keyPath: key)
        case (_?, nil): throw reader.refusal(.httpTLSCertificate, "needs http.tls.key beside it")
        case (nil, _?): throw reader.refusal(.httpTLSKey, "needs http.tls.certificate beside it")
        }
    }

    private static func publicURL(_ reader: ConfigurationReader) throws(ConfigurationError) -> String? {
        guard let text = try reader.string(.httpPublicURL) else { return nil }
        guard let url = URLComponents(string: text), url.scheme == "http" || url.scheme == "https",
            let host = url.host, !host.isEmpty, url.query == nil, url.fragment == nil, url.user == nil
        else {
            throw reader.refusal(
                .httpPublicURL, "must be an http or https URL without query, such as https://notify.example.com")
        }
        return String(text.reversed().drop { $0 == "/" }.reversed())
    }
}
