import ArgumentParser
import Foundation
import Logging
import Martlet
import SQLiteEngine
import Synchronization

/// What a message costs, accepted to sent, when the same number of messages is spread over more and more channels.
struct ChannelBenchmark: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "channels",
        abstract: "Measures what a message costs with so many channels, on SQLite, without a network.")

    @Option(help: "Numbers of channels, separated by commas.") var counts = "1,100,10000"
    @Option(help: "Messages sent with each number of channels.") var messages = 50_000

    func run() async throws {
        for count in counts.split(separator: ",").compactMap({ Int($0) }) { try await measure(channels: count) }
    }

    private func measure(channels count: Int) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let store = try await SQLiteStore.open(
            path: folder.appending(path: "martlet.db").path, options: SQLiteOptions())
        let node = try await Node(store: store)
        let tenant = try await node.directory.createTenant(name: "benchmark", limits: [])
        var channels: [Channel] = []
        for number in 0..<count { channels.append(try await node.makeChannel(number, tenant: tenant)) }
        let pipeline = Task { try await node.pipeline.run() }
        func send(_ numbers: Range<Int>) async throws {
            for first in stride(from: numbers.lowerBound, to: numbers.upperBound, by: 500) {
                let drafts = (first..<min(first + 500, numbers.upperBound)).map { number in
                    MessageDraft.read(
                        .object([
                            "channel": .string(channels[number % count].name),
                            "to": .string("+4915\(100_000_000 + number)"), "type": "text",
                            "text": ["body": .string("Your order \(number) has been paid, thank you.")],
                        ]), now: SystemTimeSource().now())
                }
                for result in try await node.acceptance.accept(drafts, tenant: tenant.id) { _ = try result.get() }
            }
            while node.provider.sends < numbers.upperBound { try await Task.sleep(for: .milliseconds(5)) }
            let sent = numbers.upperBound
            while try await store.statistics(tenant: tenant.id, now: SystemTimeSource().now()).counts[.sent] != sent {
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        // Each channel sends once before anything is measured, as in a process that has run for a while.
        let warmUp = max(count, 1000)
        try await send(0..<warmUp)
        let (start, startedCPU) = (ContinuousClock.now, Self.processorTime())
        try await send(warmUp..<warmUp + messages)
        let elapsed = ContinuousClock.now - start
        let cpu = Self.processorTime() - startedCPU
        pipeline.cancel()
        _ = try? await pipeline.value
        try await store.close()
        report([
            "channels": .integer(Int64(count)), "messages": .integer(Int64(messages)),
            "messages_per_second": .double((Double(messages) / elapsed.seconds).rounded()),
            "processor_us_per_message": .double((Double(cpu.microseconds) / Double(messages) * 10).rounded() / 10),
        ])
    }

    private static func processorTime() -> Duration {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}

/// A node without HTTP whose provider takes everything at once.
private struct Node {
    let directory: Directory
    let acceptance: Acceptance
    let pipeline: Pipeline
    let provider = InstantProvider()

    init(store: SQLiteStore) async throws {
        let time = SystemTimeSource()
        let random = SystemRandomSource()
        let identifiers = IdentifierGenerator(time: time, random: random)
        let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        guard let box = SecretBox(key: [UInt8](repeating: 7, count: 32)) else { preconditionFailure("32 bytes") }
        let directory = Directory(
            store: store, providers: ProviderRegistry([provider]), secretBox: box, time: time,
            identifiers: identifiers)
        let feed = StatusFeed()
        let metrics = PipelineMetrics()
        let observer = PipelineObserver(
            feed: feed, metrics: metrics, rates: SendRates(time: time), health: HealthRegister(), logger: logger)
        let pipeline = Pipeline(
            .init(
                store: store, inbox: store, directory: directory, throttle: InProcessThrottle(time: time), time: time,
                random: random, observer: observer, logger: logger),
            configuration: PipelineConfiguration(), worker: "benchmark", ownsStore: true)
        acceptance = Acceptance(
            store: store, directory: directory, time: time, identifiers: identifiers,
            idempotencyWindow: .seconds(86_400), feed: feed, metrics: metrics,
            wake: { pipeline.wake($0, dueAt: $1) })
        self.directory = directory
        self.pipeline = pipeline
    }

    func makeChannel(_ number: Int, tenant: Tenant) async throws -> Channel {
        let now = SystemTimeSource().now()
        return try await directory.createChannel(
            Channel(
                id: ChannelID(unchecked: ""), tenantID: tenant.id, name: "channel-\(number)", provider: "instant",
                credentials: Secret(JSONObject()), webhookToken: "",
                limits: [RateLimit(count: 1_000_000, perSeconds: 1)], statusSince: now, createdAt: now))
    }
}

/// Takes every message at once, and has nothing more to say about it.
private final class InstantProvider: Provider {
    private let count = Atomic(0)
    /// How many it took.
    var sends: Int { count.load(ordering: .relaxed) }

    let name = "instant"
    let traits = ProviderTraits(
        defaultBaseURL: "http://127.0.0.1", defaultLimits: [], concurrency: 5, needsIdentityLookUp: false,
        canLookUpAcknowledgement: false, hasSessions: false)

    func validate(credentials: JSONObject) -> [FieldError] { [] }
    func validate(_ payload: Payload) -> [FieldError] { [] }
    func send(_ message: Message, over channel: Channel, timeout: Duration) async -> SendAnswer {
        count.add(1, ordering: .relaxed)
        return SendAnswer(.accepted(submissionID: message.id.text, messageID: message.id.text), httpStatus: 200)
    }
    func lookUp(_ question: LookUp, over channel: Channel, timeout: Duration) async -> LookUpAnswer { .unsupported }
    func session(of channel: Channel, timeout: Duration) async -> SessionAnswer { .up }
    func control(_ command: SessionCommand, of channel: Channel, timeout: Duration) async -> SessionControlAnswer {
        .unsupported(detail: "it has no session")
    }
    func isAuthentic(headers: [String: String], body: [UInt8], channel: Channel) -> Bool { false }
    func verification(query: [String: String], channel: Channel) -> String? { nil }
    func redacted(webhook body: [UInt8], channel: Channel) -> [UInt8] { body }
    func events(
        webhook body: [UInt8], receivedAt: Timestamp, channel: Channel
    ) throws(WebhookError) -> [ProviderEvent] { [] }
}
