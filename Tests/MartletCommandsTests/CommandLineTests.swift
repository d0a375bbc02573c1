import ArgumentParser
import Foundation
import Logging
import Martlet
import MartletClient
import MartletSandbox
import ServiceLifecycle
import Synchronization
import Testing

@testable import MartletCommands

/// What a command wrote.
final class Recording: Sendable {
    private let texts = Mutex<(output: String, error: String)>(("", ""))

    var output: String { texts.withLock(\.output) }
    var error: String { texts.withLock(\.error) }
    var console: Console {
        Console(
            isTerminal: false, hasColor: false, output: { text in self.texts.withLock { $0.output += text } },
            error: { text in self.texts.withLock { $0.error += text } })
    }
}

/// A composition for commands that put no node together.
struct NoNode: NodeComposition {
    func openStore(_ configuration: NodeConfiguration, migrate: Bool, logger: Logger) async throws -> any Store & Inbox
    {
        throw StoreError(.unavailable, "there is none here")
    }

    func workerHolder(_ configuration: NodeConfiguration) -> WorkerHolder? { nil }

    func providers() -> ProviderRegistry { ProviderRegistry([]) }

    func services(
        _ configuration: NodeConfiguration, logger: Logger, announce: @escaping @Sendable (NodeAnnouncement) -> Void
    ) async throws -> [any Service] {
        throw StoreError(.unavailable, "there is none here")
    }
}

@Suite struct CommandLineTests {
    private func run(_ arguments: String..., environment: [String: String] = [:]) async -> (code: Int32, Recording) {
        let recording = Recording()
        let code = await MartletProgram.run(
            arguments: arguments,
            surroundings: Surroundings(console: recording.console, environment: environment, composition: NoNode()))
        return (code, recording)
    }

    @Test func `help and version go to standard output and succeed`() async {
        for arguments in [
            ["--help"], ["serve", "--help"], ["help", "send"], ["channels", "create", "--help"], ["--version"],
        ] {
            let recording = Recording()
            let code = await MartletProgram.run(
                arguments: arguments,
                surroundings: Surroundings(console: recording.console, environment: [:], composition: NoNode()))
            #expect(code == 0)
            #expect(!recording.output.isEmpty)
            #expect(recording.error.isEmpty)
        }
    }

    @Test func `the commands are those of the documentation`() {
        let names = MartletCommand.configuration.subcommands.map { $0.configuration.commandName ?? "" }
        #expect(
            Set(names) == [
                "demo", "serve", "sandbox", "migrate", "doctor", "tenants", "keys", "channels", "send", "messages",
                "dead-letters", "bench",
            ])
        #expect(DeadLettersCommand.configuration.aliases == ["dlq"])
    }

    @Test(arguments: [
        ["nonsense"], ["serve", "--nonsense"], ["send", "--text", "a"], ["send", "--to", "+1555"],
        ["send", "--to", "+1555", "--image", "a", "--video", "b"], ["tenants", "create"], ["keys", "list"],
        ["sandbox", "--limit", "fast"], ["sandbox", "--port", "70000"], ["sandbox", "--webhooks-to", "nowhere"],
        ["dlq", "replay"], ["dlq", "replay", "--all", "--channel", "a"], ["dlq", "replay", "msg_1", "--all"],
        ["dlq", "replay", "msg_1", "--dry-run"], ["dlq", "replay", "--all", "--to", "+1555"],
        ["dlq", "replay", "--all", "--to-prefix", "+4411"], ["dlq", "replay", "--all", "--dry-run", "--watch"],
        ["bench", "--rate", "0"], ["channels", "create", "--name", "a", "--provider", "b", "--limit", "x"],
    ])
    func `a wrong command line is one line and exit code 64`(_ arguments: [String]) async {
        let recording = Recording()
        let code = await MartletProgram.run(
            arguments: arguments,
            surroundings: Surroundings(
                console: recording.console, environment: ["MARTLET_KEY": "k"], composition: NoNode()))
        #expect(code == 64)
        #expect(recording.error.split(separator: "\n").count == 1)
        #expect(recording.error.hasPrefix("martlet: "))
        #expect(recording.output.isEmpty)
    }

    @Test func `what fails is one line and exit code 1`() async {
        let (code, recording) = await run("serve", "--http-port", "eighty")
        #expect(code == 1)
        #expect(
            recording.error
                == "martlet: http.port = \"eighty\" (option --http-port): must be a whole number from 0 to 65535\n")
        let (migrated, migration) = await run("migrate")
        #expect(migrated == 1)
        #expect(migration.error.contains("there is none here"))
        let (listed, list) = await run("messages", "list")
        #expect(listed == 1)
        #expect(list.error.contains("MARTLET_KEY"))
    }

    @Test func `a setting's dotted name is an option, too`() async {
        let (code, recording) = await run("serve", "--http.public_url=nowhere")
        #expect(code == 1)
        #expect(recording.error.contains("http.public_url = \"nowhere\" (option --http-public-url)"))
    }

    @Test func `a server that is not there is named`() async {
        let (code, recording) = await run(
            "messages", "list", environment: ["MARTLET_URL": "http://127.0.0.1:1", "MARTLET_KEY": "k"])
        #expect(code == 1)
        #expect(recording.error == "martlet: cannot reach http://127.0.0.1:1: nobody listens there\n")
    }

    @Test func `the doctor tells a bad configuration and a missing store`() async {
        let (code, recording) = await run("doctor", "--http-port", "eighty")
        #expect(code == 1)
        #expect(recording.output.contains("FAILED  configuration: http.port"))
        let (missing, fresh) = await run("doctor", "--store-url", "sqlite:/nowhere/at/all/martlet.db", "--json")
        #expect(missing == 1)
        #expect(fresh.output.contains(#""ok":false"#))
        #expect(fresh.output.contains("/nowhere/at/all"))
    }

    // MARK: Arguments

    @Test(arguments: [
        ("50/1s", 50, 1.0), ("256/60s", 256, 60), ("3/500ms", 3, 0.5), ("10/m", 10, 60), ("5/2h", 5, 7200),
        ("1/s", 1, 1),
    ])
    func `a limit is read`(_ text: String, _ count: Int, _ seconds: Double) {
        #expect(LimitArgument(argument: text)?.limit == LimitRecord(count: count, perSeconds: seconds))
    }

    @Test(arguments: ["", "50", "50/", "/1s", "0/1s", "-1/s", "50/1", "50/1s/2", "a/b", "5/0s"])
    func `what is no limit is refused`(_ text: String) { #expect(LimitArgument(argument: text) == nil) }

    @Test func `the content of a message follows from the options`() throws {
        func request(_ arguments: String...) throws -> MessageRequest {
            try SendCommand.parse(["--to", "+1555"] + arguments).request()
        }
        #expect(try request("--text", "hi") == MessageRequest(to: "+1555", text: "hi"))
        let document = try request("--document", "https://e/a.pdf", "--text", "Invoice", "--filename", "i.pdf")
        #expect(document.type == "document")
        #expect(document.content == ["url": "https://e/a.pdf", "caption": "Invoice", "filename": "i.pdf"])
        #expect(
            try request("--location", "52.5,13.25").content == ["latitude": .number(52.5), "longitude": .number(13.25)])
        #expect(try request("--contact", "Anna=+1").content == ["name": "Anna", "phone": "+1"])
        let full = try request(
            "--text", "a", "--priority", "high", "--idempotency-key", "k", "--metadata", "a=b=c", "--redact",
            "--expires-in", "5")
        #expect(full.priority == "high")
        #expect(full.idempotencyKey == "k")
        #expect(full.metadata == ["a": "b=c"])
        #expect(full.redact == true)
        #expect(full.expiresIn == 5)
    }

    @Test func `a bulk replay follows from the options`() throws {
        func request(_ arguments: String...) throws -> ReplayRequest {
            try DeadLettersCommand.Replay.parse(arguments).request
        }
        #expect(try request("--all") == ReplayRequest())
        let full = try request(
            "--channel", "billing", "--reason", "invalid_recipient", "--recipient", "+1555", "--message-id", "m",
            "--since", "a", "--until", "b", "--per-second", "2.5", "--include-expired", "--to-prefix", "+4411", "+44",
            "--text", "new")
        var filter = ReplayRequest.Filter()
        filter.channel = "billing"
        filter.reason = "invalid_recipient"
        filter.recipient = "+1555"
        filter.messageID = "m"
        filter.since = "a"
        filter.until = "b"
        #expect(full.filter == filter)
        #expect(full.perSecond == 2.5)
        #expect(full.includeExpired == true)
        #expect(full.correction?.numberPrefix == ["+4411", "+44"])
        #expect(full.correction?.payload == ["body": "new"])
    }

    @Test func `the sandbox is set up as the options say`() throws {
        let settings = try SandboxCommand.parse([
            "--port", "0", "--limit", "50/1s", "--limit", "1000/60s", "--latency-ms", "5", "--key", "a", "--key", "b",
            "--webhooks-to", "http://127.0.0.1:1/w", "--webhook-secret", "s", "--account-protection",
        ]).settings()
        #expect(
            settings.limits == [
                SandboxLimit(count: 50, per: .seconds(1)), SandboxLimit(count: 1000, per: .seconds(60)),
            ])
        #expect(settings.latency == .milliseconds(5))
        #expect(settings.knownKeys == ["a", "b"])
        #expect(settings.webhooksTo?.absoluteString == "http://127.0.0.1:1/w")
        #expect(settings.webhookSecret == "s")
        #expect(settings.accountProtection)
        #expect(try SandboxCommand.parse([]).settings().limits == SandboxConfiguration().limits)
    }
}
