import ArgumentParser

/// The settings of a node as options, and the file they may stand in.
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: ArgumentHelp("A file with settings, YAML or JSON.", valueName: "file"))
    var file: String?

    @Option(help: "The address to listen on. (default: 127.0.0.1)")
    var httpHost: String?
    @Option(help: "The port to listen on; 0 takes a free one. (default: 8080)")
    var httpPort: String?
    @Option(
        name: .customLong("http-public-url"),
        help: ArgumentHelp("How the outside reaches this service. (default: where it listens)", valueName: "url"))
    var httpPublicURL: String?
    @Option(
        name: .customLong("http-tls-certificate"),
        help: ArgumentHelp("A PEM file with the certificate; with the key, HTTPS.", valueName: "file"))
    var httpTLSCertificate: String?
    @Option(
        name: .customLong("http-tls-key"),
        help: ArgumentHelp("A PEM file with the certificate's private key.", valueName: "file"))
    var httpTLSKey: String?
    @Option(help: "What this process does: any of api, webhooks, worker, console. (default: all)")
    var roles: String?
    @Option(
        name: .customLong("store-url"),
        help: ArgumentHelp("The system of record. (default: sqlite:martlet.db)", valueName: "url"))
    var storeURL: String?
    @Option(help: "Whether the start brings the store to this version's schema. (default: true)")
    var storeMigrate: String?
    @Option(
        name: .customLong("queue-url"),
        help: ArgumentHelp("Where dispatch jobs wait. (default: store)", valueName: "url"))
    var queueURL: String?
    @Option(
        name: .customLong("inbox-url"),
        help: ArgumentHelp("Where webhooks land before they are processed. (default: store)", valueName: "url"))
    var inboxURL: String?
    @Option(
        name: .customLong("throttle-url"),
        help: ArgumentHelp("What nodes share to keep the rates. (default: store)", valueName: "url"))
    var throttleURL: String?
    @Option(help: "The operator's token. (default: made at the first start and printed once)")
    var adminToken: String?
    @Option(help: "32 bytes in base64 that encrypt credentials at rest. (default: kept in a file next to the database)")
    var secretsKey: String?
    @Option(help: "Seconds before attempt 2, 3, and so on. (default: 5,15,45,135,405)")
    var retryDelays: String?
    @Option(help: "Up to this fraction is added to a delay. (default: 0.1)")
    var retryJitter: String?
    @Option(help: "Seconds a request to a provider may take. (default: 30)")
    var providerTimeout: String?
    @Option(help: "Seconds in which an unknown outcome may be settled before on_unknown decides. (default: 15)")
    var unknownWait: String?
    @Option(help: "Seconds after which another worker takes over from a dead one. (default: 30)")
    var leaseDuration: String?
    @Option(help: "Seconds an idempotency key is remembered. (default: 86400)")
    var idempotencyWindow: String?
    @Option(help: "With it, /metrics wants it as a bearer token.")
    var metricsToken: String?
    @Option(help: "Whether tenants' endpoints may be at private addresses. (default: false)")
    var callbacksAllowPrivate: String?
    @Option(help: "Days after which final messages are removed; 0 keeps them. (default: 90)")
    var retentionDays: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
    var logLevel: String?
    @Option(help: "text or json. (default: text)")
    var logFormat: String?

    private var texts: [(ConfigurationKey, String?)] {
        [
            (.httpHost, httpHost), (.httpPort, httpPort), (.httpPublicURL, httpPublicURL),
            (.httpTLSCertificate, httpTLSCertificate), (.httpTLSKey, httpTLSKey), (.roles, roles),
            (.storeURL, storeURL), (.storeMigrate, storeMigrate), (.queueURL, queueURL), (.inboxURL, inboxURL),
            (.throttleURL, throttleURL), (.adminToken, adminToken), (.secretsKey, secretsKey),
            (.retryDelays, retryDelays), (.retryJitter, retryJitter), (.providerTimeout, providerTimeout),
            (.unknownWait, unknownWait), (.leaseDuration, leaseDuration), (.idempotencyWindow, idempotencyWindow),
            (.metricsToken, metricsToken), (.callbacksAllowPrivate, callbacksAllowPrivate),
            (.retentionDays, retentionDays), (.logLevel, logLevel), (.logFormat, logFormat),
        ]
    }

    /// What the command line sets, by the setting's name.
    var settings: [String: String] {
        Dictionary(uniqueKeysWithValues: texts.compactMap { key, text in text.map { (key.name, $0) } })
    }

    /// The settings from all places.
    func reader(environment: [String: String]) throws(ConfigurationError) -> ConfigurationReader {
        var contents: ConfigurationFile?
        if let file { contents = try ConfigurationFile(path: file) }
        return ConfigurationReader(options: settings, environment: environment, file: contents)
    }
}
