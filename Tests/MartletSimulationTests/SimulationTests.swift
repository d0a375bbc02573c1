import MartletSimulation
import Testing

@Suite struct SimulationTests {
    @Test func `placeholder`() async {
        let report = await SimulationRun(seed: 1).run()
        #expect(report.violations.isEmpty)
    }
}
