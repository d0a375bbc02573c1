import Martlet
import MartletTestSupport

/// One run of the service in virtual time, with everything that can go wrong going wrong as its seed has it.
package struct SimulationRun: Sendable {
    package let seed: UInt64
    package let mutation: Mutation?
    /// How many of the last lines of the trace are kept.
    package var traceLines: Int

    package init(seed: UInt64, mutation: Mutation? = nil, traceLines: Int = 4000) {
        self.seed = seed
        self.mutation = mutation
        self.traceLines = traceLines
    }

    /// What a run showed.
    package struct Report: Sendable {
        package var seed: UInt64
        /// What was promised and not kept, in words; empty when all is well.
        package var violations: [String] = []
        /// The same for two runs of one seed.
        package var fingerprint: UInt64 = 0
        /// The end of what happened, in lines.
        package var trace: [String] = []
        package var messages = 0
        package var arrivals = 0
        package var nodes = 0
        package var virtualSeconds = 0.0
    }

    /// How long it may take from the end of all trouble until nothing is left to do. With a mistake in the house it need not
    /// be known so surely that it never ends.
    private var quietMax: Duration { mutation == nil ? .seconds(2400) : .seconds(600) }
    /// After that, webhooks that were delayed may still come.
    private static let lateNews: Duration = .seconds(45)

    package func run() async -> Report {
        let simulation = Simulation()
        let world = World(seed: seed, mutation: mutation, time: simulation.time, traceLines: traceLines)
        do {
            try await simulation.run { try await play(world) }
        } catch {
            world.log.violation("the run ended early: \(error)")
        }
        // What is still to happen holds the world, and the world holds it.
        world.agenda.clear()
        return Report(
            seed: seed, violations: world.log.violations, fingerprint: world.trace.fingerprint,
            trace: world.trace.lines(), messages: world.data.messageCount, arrivals: world.ledger.arrivals.count,
            nodes: world.incarnations, virtualSeconds: Double(simulation.time.monotonicNow().nanoseconds) / 1e9)
    }

    private func play(_ world: World) async throws {
        let places = try await world.setUp()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await world.agenda.run() }
            group.addTask { await world.supervise() }
            for timed in world.scenario.actions {
                world.agenda.after(timed.at) { await world.perform(timed.action, places) }
            }
            try await world.time.sleep(for: world.scenario.duration)
            world.calmDown()
            let isQuiet = try await untilQuiet(world)
            if isQuiet {
                try await world.time.sleep(for: Self.lateNews)
                _ = try await untilQuiet(world)
            }
            try await Judge(world: world, places: places, isQuiet: isQuiet).judge()
            group.cancelAll()
        }
    }

    /// Waits until nothing is queued and no webhook waits. False when that does not happen in time.
    private func untilQuiet(_ world: World) async throws -> Bool {
        let end = world.time.monotonicNow() + quietMax
        while world.time.monotonicNow() < end {
            if world.node != nil, world.data.isIdle { return true }
            try await world.time.sleep(for: .milliseconds(500))
        }
        return false
    }
}
