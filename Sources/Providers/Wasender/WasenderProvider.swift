import AsyncHTTPClient
import Martlet

/// WasenderApi: a gateway to WhatsApp sessions that are linked like a second device.
///
/// Its documentation is at <https://wasenderapi.com/api-docs>. What this module relies on, and where the documentation
/// and the wire differ, stands next to the code that deals with it.
package struct WasenderProvider: Provider {
    /// What can be set about the connections to the provider.
    package struct ConnectionOptions: Sendable {
        /// Connections to one host, at most; requests beyond that wait for one within their own time-out.
        package var connectionsMax: Int
        /// How long a connection may take to be set up, TLS included.
        package var connectTimeout: Duration
        /// How long an unused connection is kept.
        package var idleTimeout: Duration

        /// The default idle time-out is below the 5 s after which common servers close a connection themselves: a
        /// request that is written just as the server closes has an unknown outcome, which costs more than a new
        /// connection.
        package init(
            connectionsMax: Int = 512, connectTimeout: Duration = .seconds(10), idleTimeout: Duration = .seconds(4)
        ) {
            self.connectionsMax = connectionsMax
            self.connectTimeout = connectTimeout
            self.idleTimeout = idleTimeout
        }
    }

    package static let name = "wasender"
    package static let defaultBaseURL = "https://www.wasenderapi.com/api"

    package var name: String { Self.name }

    /// 256 sends a minute and session (docs 'Understanding Rate Limits'); with the provider's account protection it is
    /// one in five seconds, which a channel must be told, because the send's answer does not say so. The docs advise
    /// one to five requests at a time.
    package var traits: ProviderTraits {
        ProviderTraits(
            defaultBaseURL: Self.defaultBaseURL, defaultLimits: [RateLimit(count: 256, perSeconds: 60)], concurrency: 5,
            needsIdentityLookUp: true, canLookUpAcknowledgement: true, hasSessions: true)
    }

    let transport: Transport
    let time: any TimeSource

    /// - parameters:
    ///   - version: this program's version; requests carry `martlet/VERSION` as their user agent.
    ///   - time: tells what the absolute times in the provider's answers are relative to.
    package init(version: String, connections: ConnectionOptions = .init(), time: any TimeSource = SystemTimeSource()) {
        self.init(client: Self.makeHTTPClient(connections), version: version, time: time)
    }

    /// Uses a client that somebody else shuts down; ``makeHTTPClient(_:)`` makes a fitting one.
    package init(client: HTTPClient, version: String, time: any TimeSource = SystemTimeSource()) {
        transport = Transport(client: client, userAgent: "martlet/\(version)")
        self.time = time
    }

    /// Closes all connections; requests under way end as failed. To be called once, before the last copy is dropped.
    /// Connections that are just being set up are waited for, which may take up to the time-out for that.
    package func shutDown() async throws { try await transport.client.shutdown() }

    /// A client as this provider needs it: HTTP/1.1, no redirects (a send that is redirected has gone nowhere), nothing
    /// decompressed, and connection attempts that fail at once, because the dispatcher has a schedule of its own.
    package static func makeHTTPClient(_ options: ConnectionOptions = .init()) -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.timeout.connect = .microseconds(max(1, options.connectTimeout.microseconds))
        configuration.connectionPool.idleTimeout = .microseconds(max(1, options.idleTimeout.microseconds))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(1, options.connectionsMax)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(configuration: configuration)
    }

    package func validate(credentials: JSONObject) -> [FieldError] { Credentials.problems(in: credentials) }

    package func validate(_ payload: Payload) -> [FieldError] { PayloadCheck.problems(in: payload) }

    /// WasenderApi has no verification handshake.
    package func verification(query: [String: String], channel: Channel) -> String? { nil }

    /// The address of an endpoint on the channel's base URL.
    func url(_ path: String, _ channel: Channel) -> String {
        var base = Substring(channel.baseURL ?? Self.defaultBaseURL)
        while base.last == "/" { base.removeLast() }
        return base + path
    }
}
