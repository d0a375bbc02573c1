import ArgumentParser
import Foundation
import Martlet
import MartletClient

/// The program: reads the command line, runs the command, and turns what went wrong into one line and an exit code.
package enum MartletProgram {
    /// The version, as `--version` and the API tell it.
    package static let version = "0.1.0"

    /// Runs the program.
    /// - parameter arguments: without the program's own name.
    /// - returns: the exit code: 0, 1 when the command failed, 64 (`EX_USAGE`) when the command line is wrong.
    package static func run(arguments: [String], surroundings: Surroundings) async -> Int32 {
        await Surroundings.$bound.withValue(surroundings) {
            do {
                var command = try MartletCommand.parseAsRoot(arguments.map(normalized))
                if var asynchronous = command as? any AsyncParsableCommand {
                    try await asynchronous.run()
                } else {
                    try command.run()
                }
                return 0
            } catch {
                return report(error, to: surroundings.console)
            }
        }
    }

    private static func report(_ error: any Error, to console: Console) -> Int32 {
        switch error {
        case let code as ExitCode: return code.rawValue
        case let error as CommandFailure: console.errorLine("martlet: \(error.description)")
        case let error as ConfigurationError: console.errorLine("martlet: \(error)")
        case let error as ClientError: console.errorLine("martlet: \(TextTable.printable(error.description))")
        case let error as StoreError: console.errorLine("martlet: \(error.message)")
        default: return reportParsing(error, to: console)
        }
        return 1
    }

    /// Help and version are results; a wrong command line is an error of one line.
    private static func reportParsing(_ error: any Error, to console: Console) -> Int32 {
        let code = MartletCommand.exitCode(for: error)
        guard code != .success else {
            let text = MartletCommand.fullMessage(for: error)
            if !text.isEmpty { console.line(text) }
            return 0
        }
        let lines = MartletCommand.message(for: error).split(whereSeparator: \.isNewline)
        let text = lines.map { $0.trimmingCharacters(in: .whitespaces) }.joined(separator: " ")
        console.errorLine("martlet: \(text)")
        return code == .validationFailure ? code.rawValue : 1
    }

    /// Takes a setting's dotted name as an option, too: `--http.public_url` is `--http-public-url`.
    private static func normalized(_ argument: String) -> String {
        guard argument.hasPrefix("--") else { return argument }
        let name = argument.dropFirst(2).prefix { $0 != "=" }
        guard let key = ConfigurationKey.all.first(where: { $0.name == name }) else { return argument }
        return "--" + key.optionName + argument.dropFirst(2 + name.count)
    }
}

/// Why a command did not do what it was asked, in one line.
struct CommandFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// `martlet`.
struct MartletCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet",
        abstract: "Gets notifications to WhatsApp, each exactly as often as it should be: once.",
        version: MartletProgram.version,
        subcommands: [
            DemoCommand.self, ServeCommand.self, SandboxCommand.self, MigrateCommand.self, DoctorCommand.self,
            TenantsCommand.self, KeysCommand.self, ChannelsCommand.self, SendCommand.self, MessagesCommand.self,
            DeadLettersCommand.self, BenchCommand.self,
        ])
}
