import ArgumentParser
import Foundation
import Logging
import MartletSandbox
import NIOCore

/// `martlet sandbox`.
struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Simulates the provider: its wire format, rate limits, sessions, webhooks, and faults on request.",
        discussion: """
            WasenderApi's base URL is then http://HOST:PORT/api. GET /_sandbox says what else can be asked of it.
            """)

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"
    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 9090
    @Option(
        name: .customLong("limit"),
        help: ArgumentHelp(
            "What one session may send, such as 50/1s; several hold all together. (default: 256/60s)",
            valueName: "limit"))
    var limits: [String] = []
    @Flag(help: "Sessions have account protection on: one message every five seconds.")
    var accountProtection = false
    @Option(name: .customLong("latency-ms"), help: "How long the answer to a send takes, in milliseconds.")
    var latency = 30
    @Option(name: .customLong("key"), help: "An API key that is known; without any, every key is. May be given again.")
    var keys: [String] = []
    @Option(help: ArgumentHelp("Where webhooks go for sessions without an address of their own.", valueName: "url"))
    var webhooksTo: String?
    @Option(help: "What X-Webhook-Signature carries in those webhooks.")
    var webhookSecret: String?
    @Option(name: .customLong("sent-ms"), help: "When the server's acknowledgement follows a send, in milliseconds.")
    var sent = 100
    @Option(
        name: .customLong("delivered-ms"), help: "When the phone's acknowledgement follows a send, in milliseconds.")
    var delivered = 300
    @Option(name: .customLong("read-ms"), help: "When the read receipt follows a send, in milliseconds.")
    var read = 600
    @Option(help: "The part of messages that are ever delivered, 0 to 1.")
    var deliveredShare = 1.0
    @Option(help: "The part of delivered messages that are ever read, 0 to 1.")
    var readShare = 1.0
    @Option(name: .customLong("info-delay-ms"), help: "How long a look-up does not know a message, in milliseconds.")
    var infoDelay = 100
    @Option(help: "The HTTP status of the answer that the session is not connected.")
    var sessionDownStatus = 409
    @Option(help: "How many webhooks may be under way at a time; with 1, all keep their order.")
    var webhookConcurrency = 64
    @Option(help: "Makes chance repeat itself: the same seed, the same faults.")
    var seed: UInt64?

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
        for (name, value) in [
            ("latency-ms", latency), ("sent-ms", sent), ("delivered-ms", delivered), ("read-ms", read),
            ("info-delay-ms", infoDelay),
        ] {
            guard (0...3_600_000).contains(value) else { throw ValidationError("--\(name) must be from 0 to 3600000") }
        }
        for (name, value) in [("delivered-share", deliveredShare), ("read-share", readShare)] {
            guard (0...1).contains(value) else { throw ValidationError("--\(name) must be from 0 to 1") }
        }
        guard (200...599).contains(sessionDownStatus) else {
            throw ValidationError("--session-down-status must be from 200 to 599")
        }
        guard (1...10_000).contains(webhookConcurrency) else {
            throw ValidationError("--webhook-concurrency must be from 1 to 10000")
        }
        _ = try settings()
    }

    /// What the options say, as the sandbox takes it.
    func settings() throws -> SandboxConfiguration {
        var settings = SandboxConfiguration()
        settings.host = host
        settings.port = port
        if !limits.isEmpty {
            settings.limits = try limits.map { text in
                do { return try SandboxConfiguration.parseLimit(text) } catch {
                    throw ValidationError("--limit: \(error)")
                }
            }
        }
        settings.accountProtection = accountProtection
        settings.latency = .milliseconds(latency)
        settings.knownKeys = keys.isEmpty ? nil : Set(keys)
        if let webhooksTo {
            guard let url = URL(string: webhooksTo), url.scheme == "http" || url.scheme == "https", url.host() != nil
            else {
                throw ValidationError("--webhooks-to must be an http or https URL")
            }
            settings.webhooksTo = url
        }
        settings.webhookSecret = webhookSecret
        settings.acknowledgements.sent = .milliseconds(sent)
        settings.acknowledgements.delivered = .milliseconds(delivered)
        settings.acknowledgements.read = .milliseconds(read)
        settings.acknowledgements.deliveredShare = deliveredShare
        settings.acknowledgements.readShare = readShare
        settings.infoDelay = .milliseconds(infoDelay)
        settings.sessionDownStatus = sessionDownStatus
        settings.webhookConcurrency = webhookConcurrency
        settings.seed = seed
        return settings
    }

    func run() async throws {
        let console = Surroundings.current.console
        let logger = LogOutput.start(level: .warning, format: .text, console: console)
        let host = host
        let sandbox = Sandbox(configuration: try settings(), logger: logger) { port in
            console.line("sandbox listening on http://\(host):\(port)")
        }
        ProcessSignals.ignoreBrokenPipes()
        do {
            try await ServiceRunner.run([sandbox], stopsWithin: .seconds(10), logger: logger)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw CommandFailure("--port \(port): something else listens there already")
        }
    }
}
