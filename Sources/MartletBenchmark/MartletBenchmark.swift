import ArgumentParser
import Foundation
import Martlet
import MartletCommands

/// `martlet-benchmark`: what is measured inside the process. Each command prints lines of JSON.
@main
struct MartletBenchmark {
    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        // The server with everything as it is but for one thing: what it accepts is not stored.
        if arguments.first == "serve-unstored" {
            arguments[0] = "serve"
            let composition = StandardComposition { UnstoredMessages(base: $0) }
            let environment = ProcessInfo.processInfo.environment
            let code = await MartletProgram.run(
                arguments: arguments,
                surroundings: Surroundings(
                    console: .process(environment: environment), environment: environment, composition: composition))
            await composition.shutDown()
            exit(code)
        }
        await Measurements.main(arguments)
    }
}

struct Measurements: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-benchmark", abstract: "Measures parts of Martlet inside the process.",
        subcommands: subcommands)

    private static var subcommands: [any ParsableCommand.Type] {
        #if PostgreSQL
            [ClaimBenchmark.self, ChannelBenchmark.self, PostgreSQLBenchmark.self]
        #else
            [ClaimBenchmark.self, ChannelBenchmark.self]
        #endif
    }
}

/// One line of JSON for each thing measured.
func report(_ figures: JSONValue) {
    print(figures.encodedText)
    fflush(nil)
}

/// Times of many repetitions.
struct Samples {
    private var durations: [Duration] = []

    mutating func measure<Result>(_ body: () async throws -> Result) async rethrows -> Result {
        let start = ContinuousClock.now
        let result = try await body()
        durations.append(.now - start)
        return result
    }

    /// In microseconds.
    func percentile(_ share: Double) -> JSONValue {
        let sorted = durations.sorted()
        guard !sorted.isEmpty else { return nil }
        return .integer(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))].microseconds)
    }
}

extension ContinuousClock.Instant {
    static func - (end: Self, start: Self) -> Duration { start.duration(to: end) }
}
