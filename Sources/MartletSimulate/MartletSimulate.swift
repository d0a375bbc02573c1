import ArgumentParser
import Foundation
import MartletSimulation

/// `martlet-simulate`: many runs of the service in virtual time, or one of them again.
@main
struct MartletSimulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "martlet-simulate", abstract: "Runs the service in virtual time with everything going wrong.",
        discussion: """
            Each seed is one run: tenants, traffic, a provider that fails, crashes, a store that is busy or full, jumps of the \
            clock. A seed that breaks a promise is printed with the end of its trace, and does the same again with --seed.
            """)

    @Option(help: "How many seeds to run.") var seeds = 1000
    @Option(help: "The first of them.") var first: UInt64 = 1
    @Option(help: "Runs this seed alone, twice, and shows its trace.") var seed: UInt64?
    @Option(help: "Lines of a trace to show, at most.") var lines = 200
    @Option(help: "Shows the lines with this text only, such as the end of a message's id.") var grep: String?
    @Option(help: "Runs at a time.") var jobs = ProcessInfo.processInfo.activeProcessorCount
    @Option(help: "Puts one mistake into the house, by its name, and counts the seeds until it is noticed.")
    var mutation: String?
    @Flag(help: "Puts in every mistake there is, one after the other.") var mutations = false

    func validate() throws {
        guard (1...100_000_000).contains(seeds) else { throw ValidationError("--seeds must be from 1 to 100000000") }
        guard (1...256).contains(jobs) else { throw ValidationError("--jobs must be from 1 to 256") }
        guard (1...1_000_000).contains(lines) else { throw ValidationError("--lines must be from 1 to 1000000") }
        if let mutation, Mutation(rawValue: mutation) == nil {
            let known = Mutation.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--mutation must be one of \(known)")
        }
    }

    func run() async throws {
        let chosen = mutation.flatMap(Mutation.init(rawValue:))
        if let seed {
            try await replay(seed, chosen)
        } else if mutations {
            for mutation in Mutation.allCases { await measure(mutation) }
        } else if let chosen {
            await measure(chosen)
        } else {
            try await runAll()
        }
    }

    private func runAll() async throws {
        let start = ContinuousClock.now
        var failed: [SimulationRun.Report] = []
        var messages = 0
        var arrivals = 0
        var seconds = 0.0
        var done = 0
        await SimulationRun.many(first..<first + UInt64(seeds), atOnce: jobs) { report in
            done += 1
            messages += report.messages
            arrivals += report.arrivals
            seconds += report.virtualSeconds
            if !report.violations.isEmpty {
                failed.append(report)
                show(report)
            }
            if done % 1000 == 0 { print("\(done) seeds, \(failed.count) failed") }
            return failed.count < 20
        }
        let took = start.duration(to: .now) / .seconds(1)
        print(
            "\(done) seeds in \(Self.rounded(took)) s (\(Self.rounded(Double(done) / took)) a second): \(messages) messages, \(arrivals) requests to the provider, \(Self.rounded(seconds / 3600)) hours of virtual time"
        )
        guard failed.isEmpty else {
            print("failed: \(failed.map { String($0.seed) }.joined(separator: ", "))")
            throw ExitCode.failure
        }
        print("every promise was kept")
    }

    private func replay(_ seed: UInt64, _ mutation: Mutation?) async throws {
        var run = SimulationRun(seed: seed, mutation: mutation)
        run.traceLines = 1_000_000
        let report = await run.run()
        let again = await run.run()
        show(report)
        let isSame = report.fingerprint == again.fingerprint
        print(
            "fingerprint \(String(report.fingerprint, radix: 16)), \(isSame ? "the same" : "another one") when run again"
        )
        guard report.violations.isEmpty, isSame else { throw ExitCode.failure }
    }

    /// How many seeds it takes until a mistake is noticed, and by what.
    private func measure(_ mutation: Mutation) async {
        var count = 0
        for seed in first..<first + UInt64(seeds) {
            count += 1
            let report = await SimulationRun(seed: seed, mutation: mutation, traceLines: 1).run()
            if let violation = report.violations.first {
                print("\(mutation.rawValue): seed \(seed), after \(count): \(violation)")
                return
            }
        }
        print("\(mutation.rawValue): not noticed in \(count) seeds")
    }

    private func show(_ report: SimulationRun.Report) {
        let trace = grep.map { text in report.trace.filter { $0.contains(text) } } ?? report.trace
        for line in trace.suffix(lines) { print(line) }
        print(
            "seed \(report.seed): \(report.messages) messages, \(report.arrivals) requests, \(report.nodes) nodes, \(Self.rounded(report.virtualSeconds)) s"
        )
        for violation in report.violations { print("  \(violation)") }
    }

    private static func rounded(_ value: Double) -> String { String(format: "%.1f", value) }
}
