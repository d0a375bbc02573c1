import AsyncHTTPClient
import Foundation
import Martlet
import MartletClient
import MartletSandbox
import NIOCore
import ServiceLifecycle
import Synchronization

/// What the demonstration does, from outside, through the same API as anybody: makes a tenant and a channel, sends a burst in
/// which some things go wrong, and watches until every message has a final status.
final class DemoStory: Service {
    /// How many messages the burst has, besides the one to a number that does not exist.
    static let burst = 240
    /// Sends that the provider refuses for the moment.
    static let transientFaults = 6
    /// What the provider allows in any second.
    static let limit = 50
    /// A number the sandbox says is not on WhatsApp.
    private static let unknownRecipient = "+99912345670000"
    /// When the demonstration gives up waiting.
    private static let patience: Duration = .seconds(45)
    /// How long it waits for read receipts once every message is final.
    private static let linger: Duration = .seconds(2)

    /// How it ended.
    struct Ending: Sendable {
        var progress: DemoProgress
        var statistics: SandboxStatistics
        /// The same message was handed over twice and is one message.
        var duplicateWasRecognized: Bool
        var elapsed: Duration

        /// Whether everything went as it should.
        var isGood: Bool {
            progress.isFinal && duplicateWasRecognized && statistics.duplicates == 0
                && statistics.highestInAnySecond <= DemoStory.limit
        }
    }

    private let console: Console
    private let sandbox: Sandbox
    private let sandboxPort: FirstValue<Int>
    private let serverURL: FirstValue<String>
    private let adminToken: String
    private let progress = Mutex(DemoProgress())
    private let ended = Mutex<Ending?>(nil)

    init(
        console: Console, sandbox: Sandbox, sandboxPort: FirstValue<Int>, serverURL: FirstValue<String>,
        adminToken: String
    ) {
        self.console = console
        self.sandbox = sandbox
        self.sandboxPort = sandboxPort
        self.serverURL = serverURL
        self.adminToken = adminToken
    }

    /// How it ended; nil when it was interrupted.
    var ending: Ending? { ended.withLock(\.self) }

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await self.tell() }
        } catch is CancellationError {
            // Interrupted: there is no ending, and that says it.
        }
    }

    private func tell() async throws {
        let clock = ContinuousClock()
        let sandboxURL = "http://127.0.0.1:\(try await sandboxPort.wait())"
        let url = try await serverURL.wait()
        console.line("server at \(url), simulated provider at \(sandboxURL), database in a temporary folder")
        let client = try await prepare(url: url, sandboxURL: sandboxURL)

        let start = clock.now
        let watching = FirstValue<Void>()
        var duplicateWasRecognized = false
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await client.followStatusChanges(opened: { watching.give(()) }) { change in
                    self.progress.withLock { $0.see(change.message, at: clock.now - start) }
                    return true
                }
            }
            group.addTask { try await self.draw(since: start, clock: clock) }
            try await watching.wait()
            var fault = SandboxFault(.status)
            fault.count = Self.transientFaults
            sandbox.begin(fault)
            duplicateWasRecognized = try await sendBurst(client) { id in
                self.progress.withLock { $0.accept(id, at: clock.now - start) }
            }
            try await waitForTheEnd(client, since: start, clock: clock)
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !Task.isCancelled, !(error is CancellationError) {
                    // The stream is cut off by the cancellation; whatever it says about that is no news.
                    continue
                }
            }
        }
        try Task.checkCancellation()
        let end = Ending(
            progress: progress.withLock(\.self), statistics: sandbox.statistics,
            duplicateWasRecognized: duplicateWasRecognized, elapsed: clock.now - start)
        ended.withLock { $0 = end }
    }

    /// Makes tenant, key and channel, and points the provider's webhooks at the channel.
    private func prepare(url: String, sandboxURL: String) async throws -> MartletClient {
        let admin = try MartletClient(url: url, key: adminToken)
        let tenant = try await admin.createTenant(name: "Demo").value
        guard let key = try await admin.createKey(tenant: tenant.id, name: "demo").value.key else {
            throw CommandFailure("the server made a key and did not show it")
        }
        let client = try MartletClient(url: url, key: key)
        let sessionKey = InstallationSecrets.makeAdminToken()
        let webhookSecret = InstallationSecrets.makeAdminToken()
        var request = ChannelRequest()
        request.name = "demo"
        request.provider = "wasender"
        request.baseURL = "\(sandboxURL)/api"
        request.credentials = ["api_key": sessionKey]
        request.webhookSecret = webhookSecret
        request.limits = [LimitRecord(count: Self.limit, perSeconds: 1)]
        let channel = try await client.createChannel(request).value
        guard let webhookURL = channel.webhookURL else {
            throw CommandFailure("the server made a channel without a webhook address")
        }
        try await SandboxSessionClient(base: "\(sandboxURL)/api", key: sessionKey)
            .sendWebhooks(to: webhookURL, secret: webhookSecret)
        console.line("tenant \(tenant.id), channel \(channel.id) at \(Self.limit) messages a second")
        return client
    }

    /// Hands over the burst, and then one message of it again. Answers whether that was recognized.
    private func sendBurst(_ client: MartletClient, accepted: (String) -> Void) async throws -> Bool {
        console.line(
            "sending \(Self.burst) notifications, one to a number that does not exist, one twice; "
                + "the provider fails \(Self.transientFaults) times\n")
        var requests = (0..<Self.burst).map { number in
            var request = MessageRequest(
                to: BenchCommand.recipient(number), text: "Notification \(number + 1) of \(Self.burst)")
            request.priority = number % 10 == 0 ? "high" : number % 3 == 0 ? "low" : "normal"
            request.idempotencyKey = "demo-\(number)"
            return request
        }
        requests.append(MessageRequest(to: Self.unknownRecipient, text: "Nobody will read this."))
        let first = requests[0]
        for chunk in stride(from: 0, to: requests.count, by: 40) {
            for result in try await client.send(Array(requests[chunk..<min(chunk + 40, requests.count)])) {
                guard let id = result.id, result.status == 202 else {
                    throw CommandFailure("message \(chunk + result.index) was refused: \(result.error?.summary ?? "")")
                }
                accepted(id)
            }
        }
        return try await client.send(first).isReplay
    }

    private func waitForTheEnd(
        _ client: MartletClient, since start: ContinuousClock.Instant, clock: ContinuousClock
    ) async throws {
        var finalSince: ContinuousClock.Instant?
        while clock.now - start < Self.patience {
            let (isFinal, isOver) = progress.withLock { ($0.isFinal, $0.isOver) }
            if isOver { return }
            if isFinal {
                let since = finalSince ?? clock.now
                finalSince = since
                if clock.now - since > Self.linger { return }
            }
            // The stream tells what happens while somebody listens; the log knows what it may have left out.
            try await catchUp(client, since: start, clock: clock)
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private func catchUp(
        _ client: MartletClient, since start: ContinuousClock.Instant, clock: ContinuousClock
    ) async throws {
        guard progress.withLock({ $0.accepted - $0.final }) <= 10 else { return }
        var filter = MessageFilter()
        filter.limit = 200
        repeat {
            let page = try await client.messages(filter).value
            progress.withLock { progress in
                for message in page.data { progress.see(message, at: clock.now - start) }
            }
            filter.cursor = page.nextCursor
        } while filter.cursor != nil
    }

    /// Draws twice a second on a terminal, and a line every second elsewhere, until it is cancelled; then once more.
    private func draw(since start: ContinuousClock.Instant, clock: ContinuousClock) async throws {
        let screen = DemoScreen(width: console.width, hasColor: console.hasColor)
        var drawn = 0
        var ticks = 0
        func show() {
            let now = progress.withLock(\.self)
            if console.isTerminal {
                let lines = screen.picture(now, elapsed: clock.now - start)
                console.put(DemoScreen.redraw(lines, over: drawn))
                drawn = lines.count
            } else if ticks % 2 == 0 {
                console.line(screen.line(now, elapsed: clock.now - start))
            }
        }
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(500))
            let sent = sandbox.statistics.accepted
            progress.withLock { $0.tick(sentInAll: sent) }
            ticks += 1
            if Task.isCancelled { ticks = 0 }
            show()
        }
    }
}
