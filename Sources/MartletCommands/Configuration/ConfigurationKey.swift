/// One setting an operator can make: its name, its default and what it means.
///
/// The same name gives the option on the command line (`http.public_url` is `--http-public-url`), the environment variable
/// (`MARTLET_HTTP_PUBLIC_URL`) and the place in the configuration file.
package struct ConfigurationKey: Sendable, Hashable {
    /// The dotted name, in lower case.
    package let name: String
    /// The text that stands where nobody says otherwise; nil where the default depends on other things.
    package let defaultText: String?
    /// Whether the value must never be shown.
    package let isSecret: Bool

    private init(_ name: String, _ defaultText: String? = nil, isSecret: Bool = false) {
        self.name = name
        self.defaultText = defaultText
        self.isSecret = isSecret
    }

    /// The option's name on the command line, without the dashes before it.
    package var optionName: String { String(name.map { $0 == "." || $0 == "_" ? "-" : $0 }) }
    /// The environment variable's name.
    package var environmentName: String {
        "MARTLET_" + String(name.uppercased().map { $0 == "." ? "_" : $0 })
    }

    package static let httpHost = Self("http.host", "127.0.0.1")
    package static let httpPort = Self("http.port", "8080")
    package static let httpPublicURL = Self("http.public_url")
    package static let httpTLSCertificate = Self("http.tls.certificate")
    package static let httpTLSKey = Self("http.tls.key")
    package static let roles = Self("roles", "api,webhooks,worker,console")
    package static let storeURL = Self("store.url", "sqlite:martlet.db")
    package static let storeMigrate = Self("store.migrate", "true")
    package static let queueURL = Self("queue.url", "store")
    package static let inboxURL = Self("inbox.url", "store")
    package static let throttleURL = Self("throttle.url", "store")
    package static let adminToken = Self("admin.token", isSecret: true)
    package static let secretsKey = Self("secrets.key", isSecret: true)
    package static let retryDelays = Self("retry.delays", "5,15,45,135,405")
    package static let retryJitter = Self("retry.jitter", "0.1")
    package static let providerTimeout = Self("provider.timeout", "30")
    package static let unknownWait = Self("unknown.wait", "15")
    package static let leaseDuration = Self("lease.duration", "30")
    package static let idempotencyWindow = Self("idempotency.window", "86400")
    package static let metricsToken = Self("metrics.token", isSecret: true)
    package static let callbacksAllowPrivate = Self("callbacks.allow_private", "false")
    package static let retentionDays = Self("retention.days", "90")
    package static let logLevel = Self("log.level", "info")
    package static let logFormat = Self("log.format", "text")

    /// Every setting there is, in the order of the documentation.
    package static let all: [ConfigurationKey] = [
        httpHost, httpPort, httpPublicURL, httpTLSCertificate, httpTLSKey, roles, storeURL, storeMigrate, queueURL,
        inboxURL, throttleURL, adminToken, secretsKey, retryDelays, retryJitter, providerTimeout, unknownWait,
        leaseDuration, idempotencyWindow, metricsToken, callbacksAllowPrivate, retentionDays, logLevel, logFormat,
    ]

    /// Variables that start like a setting's and are none: the client commands read them, or the tests.
    package static let otherEnvironmentNames: Set<String> = ["MARTLET_URL", "MARTLET_KEY"]
    /// What variables of tests and benchmarks start with.
    package static let otherEnvironmentPrefixes = ["MARTLET_TEST_", "MARTLET_BENCH_"]
}
