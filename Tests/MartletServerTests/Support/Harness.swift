import Crypto
import Hummingbird
import HummingbirdTesting
import Logging
import Martlet
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletServer

/// A whole server on a store in memory, with two tenants that have a key and a channel each.
final class Harness: Sendable {
    struct Customer: Sendable {
        var tenant: Tenant
        var key: String
        var channel: Channel
    }

    static let adminToken = "operator-token-4711"
    static let apiKeyA = "provider-key-of-a"
    static let apiKeyB = "provider-key-of-b"
    static let webhookSecret = "webhook-secret-of-everybody"
    static let publicURL = "https://martlet.example"

    let time = ManualTime()
    let store = MemoryStore()
    let provider = StandInProvider()
    let gateway: Gateway
    let registry = PrometheusRegistry()
    let woken: Woken
    let a: Customer
    let b: Customer
    let server: Server

    /// Channels that were woken through the gateway.
    final class Woken: Sendable {
        private let channels = Mutex<[ChannelID]>([])
        func note(_ channel: ChannelID) { channels.withLock { $0.append(channel) } }
        var all: [ChannelID] { channels.withLock { $0 } }
    }

    init(
        logger: Logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        configure: (inout ServerConfiguration) -> Void = { _ in }
    ) async throws {
        let (time, store, woken) = (time, store, Woken())
        self.woken = woken
        let identifiers = IdentifierGenerator(time: time, random: SystemRandomSource())
        let box = try #require(SecretBox(key: Array(repeating: 7, count: 32)))
        let directory = Directory(
            store: store, providers: ProviderRegistry([provider]), secretBox: box, time: time, identifiers: identifiers)
        let feed = StatusFeed()
        gateway = Gateway(
            store: store, inbox: store, directory: directory,
            acceptance: Acceptance(
                store: store, directory: directory, time: time, identifiers: identifiers,
                idempotencyWindow: .seconds(86_400), feed: feed, metrics: PipelineMetrics(),
                wake: { channel, _ in woken.note(channel) }),
            ingress: WebhookIngress(
                inbox: store, directory: directory, time: time, metrics: PipelineMetrics(), wake: {}),
            feed: feed, sessions: SessionControl(directory: directory, timeout: .seconds(1)),
            rates: SendRates(time: time), health: HealthRegister(), time: time,
            wake: { channel, _ in woken.note(channel) })
        a = try await Self.customer("Acme", "billing", Self.apiKeyA, directory)
        b = try await Self.customer("Bolt", "alerts", Self.apiKeyB, directory)
        var configuration = ServerConfiguration(
            adminTokenHash: Array(SHA256.hash(data: Array(Self.adminToken.utf8))), version: "1.2.3")
        configuration.publicURL = Self.publicURL
        configuration.port = 0
        configure(&configuration)
        server = buildServer(
            gateway: gateway, configuration: configuration, metrics: registry, logger: logger)
    }

    private static func customer(
        _ name: String, _ channel: String, _ apiKey: String, _ directory: Directory
    ) async throws -> Customer {
        let tenant = try await directory.createTenant(name: name, limits: [])
        let key = try await directory.createKey(tenant: tenant.id, name: "first").text
        let draft = Channel(
            id: ChannelID(unchecked: ""), tenantID: tenant.id, name: channel, provider: "stand-in",
            credentials: Secret(["api_key": .string(apiKey)]), webhookSecret: Secret(webhookSecret), webhookToken: "",
            statusSince: ManualTime.start, createdAt: ManualTime.start)
        return Customer(tenant: tenant, key: key, channel: try await directory.createChannel(draft))
    }

    /// Runs a test against the routes.
    func run(_ test: @Sendable (API) async throws -> Void) async throws {
        try await server.makeApplication().test(.router) { client in try await test(API(client: client)) }
    }

    /// Gives up a message of tenant a: sends it, claims it and refuses it for good.
    func deadLetter(_ api: API, _ body: JSONValue = Samples.text) async throws -> MessageID {
        let sent = try await api.post("/v1/messages", key: a.key, body)
        let id = try #require(MessageID(sent.text("id")))
        try await settle(
            id, .fail(ErrorReason(.rejected, "the number is not on WhatsApp")),
            outcome: .rejected(ErrorReason(.rejected)))
        return id
    }

    /// Claims whatever is due on the message's channel and settles this message.
    func settle(_ id: MessageID, _ disposition: Disposition, outcome: Outcome) async throws {
        let now = time.now()
        let message = try #require(try await store.message(id, tenant: nil))
        let batches = try await store.claim(
            [ClaimRequest(channel: message.channelID, limit: 100)], worker: "test", now: now,
            leaseUntil: now + .seconds(30))
        let claim = try #require(batches[0].claims.first { $0.message.id == id })
        let settled = try await store.settle(
            [
                Settlement(
                    message: id, token: claim.token, attempt: claim.attempt,
                    report: AttemptReport(
                        outcome: outcome, httpStatus: 422, startedAt: now, duration: .milliseconds(12)),
                    disposition: disposition)
            ], now: now)
        #expect(settled.count == 1 && settled[0] != nil)
    }
}

/// Bodies that tests send.
enum Samples {
    static let text: JSONValue = ["to": "+14155550123", "type": "text", "text": ["body": "Invoice 42 is paid."]]

    static func text(_ changes: JSONObject) -> JSONValue { .object(text.objectValue!.merging(changes)) }

    static let channel: JSONValue = [
        "name": "second", "provider": "stand-in", "credentials": ["api_key": "provider-key-of-second"],
        "webhook_secret": "webhook-secret-of-second",
    ]
}
