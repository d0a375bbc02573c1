import Hummingbird
import HummingbirdCore
import HummingbirdHTTP2
import HummingbirdTLS
import Logging
import Martlet
import NIOSSL
import ServiceLifecycle

/// Where a server listens.
package struct ListeningAddress: Sendable, Equatable {
    /// `http` or `https`.
    package var scheme: String
    /// As it was configured.
    package var host: String
    /// The one that was bound, also when any free one was asked for.
    package var port: Int

    /// `http://HOST:PORT`, an IPv6 address in brackets.
    package var url: String { "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

/// The HTTP side of a gateway.
package struct Server: Service, CustomStringConvertible {
    private let configuration: ServerConfiguration
    private let gateway: Gateway
    private let metrics: PrometheusRegistry
    private let logger: Logger
    private let onReady: @Sendable (ListeningAddress) async -> Void
    private let address: PublicAddress

    init(
        gateway: Gateway, configuration: ServerConfiguration, metrics: PrometheusRegistry, logger: Logger,
        onReady: @escaping @Sendable (ListeningAddress) async -> Void
    ) {
        self.gateway = gateway
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        self.onReady = onReady
        address = PublicAddress(
            configured: configuration.publicURL,
            fallback: ListeningAddress(
                scheme: configuration.tls == nil ? "http" : "https", host: configuration.host, port: configuration.port
            ).url)
    }

    /// What the log calls it: the parts are nobody's concern.
    package var description: String { "Server" }

    /// Serves until a graceful shutdown, which ends event streams and lets every other request finish.
    /// - throws: when the address cannot be had, or the certificate cannot be read.
    package func run() async throws {
        let application = try makeApplication()
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: {
            gateway.feed.finish()
        }
    }

    /// Connections at once; more wait to be accepted.
    private static let connectionsMax = 10_000

    /// Everything this server answers to.
    var table: RouteTable {
        var routes: [Route] = []
        if configuration.roles.contains(.api) {
            routes += MessageRoutes(gateway: gateway).routes
            routes += DeadLetterRoutes(gateway: gateway).routes
            routes += ReplayRoutes(gateway: gateway).routes
            routes += StatisticsRoutes(gateway: gateway, address: address).routes
            routes += EventStreamRoutes(gateway: gateway).routes
            routes += ChannelRoutes(gateway: gateway, address: address).routes
            routes += TenantRoutes(gateway: gateway).routes
        }
        if configuration.roles.contains(.webhooks) { routes += WebhookRoutes(gateway: gateway).routes }
        routes += HealthRoutes(gateway: gateway).routes
        routes += MetricsRoutes(gateway: gateway, registry: metrics, token: configuration.metricsToken?.exposed).routes
        routes += OpenAPIRoutes(configuration: configuration, address: address).routes
        return RouteTable(routes)
    }

    /// The server put together: routes, connections, address.
    /// - throws: ``CertificateError``.
    func makeApplication() throws -> Application<RouterResponder<ServerContext>> {
        let table = table
        let router = Router(context: ServerContext.self, options: [.autoGenerateHeadEndpoints])
        router.add(
            middleware: RequestObserver(
                table: table, durations: RequestDurations(registry: metrics), time: gateway.time))
        table.register(
            on: router,
            authenticator: Authenticator(
                directory: gateway.directory, adminTokenHash: configuration.adminTokenHash.exposed))
        let (configuration, address, onReady) = (configuration, address, onReady)
        return Application(
            router: router,
            server: try Self.channels(configuration.tls),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port), backlog: 1024,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            onServerRunning: { channel in
                let listening = ListeningAddress(
                    scheme: configuration.tls == nil ? "http" : "https", host: configuration.host,
                    port: channel.localAddress?.port ?? configuration.port)
                address.listening(at: listening.url)
                await onReady(listening)
            },
            logger: logger)
    }

    /// Connections: a minute and a quarter without a request ends one, and headers have room for any honest client.
    private static func channels(_ tls: ServerConfiguration.TLS?) throws -> HTTPServerBuilder {
        let http1 = HTTP1Channel.Configuration(
            idleTimeout: .seconds(75),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 64 * 1024, maxHeaderFieldCount: 200))
        guard let tls else { return .http1(configuration: http1) }
        var tlsConfiguration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try certificates(tls.certificatePath),
            privateKey: .privateKey(try privateKey(tls.keyPath)))
        tlsConfiguration.minimumTLSVersion = .tlsv12
        return try .http2Upgrade(
            tlsConfiguration: tlsConfiguration,
            configuration: HTTP2ChannelConfiguration(idleTimeout: .seconds(75), streamConfiguration: http1))
    }
}

/// A certificate or key that cannot be used.
package struct CertificateError: Error, Sendable, CustomStringConvertible {
    /// The configuration key that named the file.
    package var setting: String
    /// The file.
    package var path: String

    package var description: String { "\(setting): \(path) cannot be read as a PEM file of that kind" }
}

extension Server {
    private static func certificates(_ path: String) throws -> [NIOSSLCertificateSource] {
        guard let chain = try? NIOSSLCertificate.fromPEMFile(path), !chain.isEmpty else {
            throw CertificateError(setting: "http.tls.certificate", path: path)
        }
        return chain.map { .certificate($0) }
    }

    private static func privateKey(_ path: String) throws -> NIOSSLPrivateKey {
        guard let key = try? NIOSSLPrivateKey(file: path, format: .pem) else {
            throw CertificateError(setting: "http.tls.key", path: path)
        }
        return key
    }
}

/// Builds the HTTP side of a gateway.
/// - Parameters:
///   - metrics: what `/metrics` shows; bootstrap swift-metrics with the same one.
///   - onReady: called once, when the server listens.
package func buildServer(
    gateway: Gateway, configuration: ServerConfiguration, metrics: PrometheusRegistry, logger: Logger,
    onReady: @escaping @Sendable (ListeningAddress) async -> Void = { _ in }
) -> Server {
    Server(gateway: gateway, configuration: configuration, metrics: metrics, logger: logger, onReady: onReady)
}
