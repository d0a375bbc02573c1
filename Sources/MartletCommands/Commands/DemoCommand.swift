import ArgumentParser
import Foundation
import Logging
import Martlet
import MartletSandbox
import ServiceLifecycle
import Synchronization

/// `martlet demo`.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Shows the whole story on one screen: server and simulated provider, a burst, every status.",
        discussion: "Exits 0 when every message has a final status, else 1. Leaves nothing behind.")

    func run() async throws {
        let surroundings = Surroundings.current
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-demo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: folder) }

        let console = surroundings.console
        let log = LogTail()
        let logger = Logger(label: "martlet") { label in
            LineLogHandler(label: label, format: .text, level: .warning) { log.add($0) }
        }
        let adminToken = InstallationSecrets.makeAdminToken()
        let configuration = try Self.configuration(folder: folder, adminToken: adminToken)
        let sandboxPort = FirstValue<Int>()
        let serverURL = FirstValue<String>()
        let sandbox = Sandbox(configuration: Self.sandboxConfiguration, logger: logger) { sandboxPort.give($0) }
        let story = DemoStory(
            console: console, sandbox: sandbox, sandboxPort: sandboxPort, serverURL: serverURL, adminToken: adminToken)
        do {
            let services = try await surroundings.composition.services(configuration, logger: logger) { announcement in
                if case .listening(let url) = announcement { serverURL.give(url) }
            }
            try await ServiceRunner.run([sandbox] + services + [story], stopsWithin: .seconds(15), logger: logger)
        } catch {
            // Beside the failure itself, what led to it.
            console.putError(log.text)
            throw error
        }
        guard let ending = story.ending else { throw CommandFailure("the demonstration was interrupted") }
        console.put("\n" + Self.summary(ending))
        guard ending.isGood else {
            console.putError(log.text)
            throw ExitCode.failure
        }
    }

    /// A node of its own: a free port, a database in that folder, and short waits.
    private static func configuration(folder: URL, adminToken: String) throws -> NodeConfiguration {
        try NodeConfiguration(
            ConfigurationReader(
                options: [
                    ConfigurationKey.httpPort.name: "0",
                    ConfigurationKey.storeURL.name: "sqlite:\(folder.appending(path: "demo.db").path)",
                    ConfigurationKey.adminToken.name: adminToken,
                    ConfigurationKey.retryDelays.name: "0.5,1,2",
                    ConfigurationKey.providerTimeout.name: "5",
                    ConfigurationKey.unknownWait.name: "2",
                ], environment: [:]))
    }

    private static var sandboxConfiguration: SandboxConfiguration {
        var configuration = SandboxConfiguration()
        configuration.limits = [SandboxLimit(count: DemoStory.limit, per: .seconds(1))]
        // Slow enough that each status can be seen coming and going.
        configuration.acknowledgements.delivered = .milliseconds(1500)
        configuration.acknowledgements.read = .milliseconds(3000)
        return configuration
    }

    static func summary(_ ending: DemoStory.Ending) -> String {
        let (progress, statistics) = (ending.progress, ending.statistics)
        var latency = progress.latency
        var lines = [
            progress.isFinal
                ? "all \(progress.accepted) messages have a final status after \(DemoScreen.seconds(ending.elapsed))"
                : "\(progress.accepted - progress.final) of \(progress.accepted) messages have no final status after "
                    + DemoScreen.seconds(ending.elapsed)
        ]
        lines.append(
            DemoProgress.statuses.compactMap { status in
                let count = progress.count(status)
                return count > 0 ? "\(count) \(status)" : nil
            }.joined(separator: ", "))
        for (reason, count) in Dictionary(grouping: progress.reasons, by: \.self).mapValues(\.count).sorted(by: {
            $0.key < $1.key
        }) {
            lines.append("\(count) dead-lettered: \(TextTable.printable(reason))")
        }
        lines.append(
            "the provider counted \(statistics.accepted) sends, \(statistics.duplicates) duplicates, at most "
                + "\(statistics.highestInAnySecond) in any second (limit \(DemoStory.limit)), "
                + "\(statistics.refusedByLimit) over the limit")
        lines.append(
            "\(statistics.refusedByFault) sends failed for the moment and were tried again; the message handed over twice "
                + (ending.duplicateWasRecognized ? "is one message" : "became two"))
        lines.append("to delivery: \(latency.summary())")
        return lines.joined(separator: "\n") + "\n"
    }
}

/// The last lines of a log that is only wanted when something went wrong.
private final class LogTail: Sendable {
    private static let linesMax = 50
    private let lines = Mutex<[String]>([])

    func add(_ line: String) {
        lines.withLock { lines in
            lines.append(line)
            if lines.count > Self.linesMax { lines.removeFirst() }
        }
    }

    var text: String { lines.withLock { $0.joined() } }
}
