import MartletSimulation
import Testing

/// The whole service in virtual time, with everything going wrong that can.
@Suite struct SimulationTests {
    @Test(.timeLimit(.minutes(10))) func `two hundred seeds keep every promise`() async {
        await SimulationRun.many(1..<201, atOnce: 2) { report in
            for violation in report.violations { Issue.record("seed \(report.seed): \(violation)") }
            return true
        }
    }

    @Test(.timeLimit(.minutes(2)), arguments: [3, 11, 61, 80] as [UInt64])
    func `a seed does the same again`(seed: UInt64) async {
        let first = await SimulationRun(seed: seed).run()
        let second = await SimulationRun(seed: seed).run()
        #expect(first.fingerprint == second.fingerprint)
        #expect(first.trace == second.trace)
        #expect(!first.trace.isEmpty)
    }

    @Test(.timeLimit(.minutes(2))) func `seeds differ`() async {
        var fingerprints: Set<UInt64> = []
        for seed in 1...4 as ClosedRange<UInt64> {
            fingerprints.insert(await SimulationRun(seed: seed).run().fingerprint)
        }
        #expect(fingerprints.count == 4)
    }
}
