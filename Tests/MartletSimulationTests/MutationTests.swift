import MartletSimulation
import Testing

/// A judge that never finds anything proves nothing: each of these mistakes is noticed.
@Suite struct MutationTests {
    /// Seeds in which a mistake must show, at most; `docs/simulation.md` says how many it took.
    private static let seedsMax: UInt64 = 60

    @Test(.timeLimit(.minutes(5)), arguments: Mutation.allCases)
    func `a mistake is noticed`(mutation: Mutation) async {
        for seed in 1...Self.seedsMax {
            let report = await SimulationRun(seed: seed, mutation: mutation, traceLines: 1).run()
            if !report.violations.isEmpty { return }
        }
        Issue.record("\(mutation.rawValue) was not noticed in \(Self.seedsMax) seeds")
    }
}
