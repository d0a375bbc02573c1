import Martlet
import MartletTestSupport
import Testing

/// Limits go on where a process ends, a channel comes, or a limit changes; and what operators order lasts.
@Suite struct LimitKeepingTests {
    private func harness() -> PipelineHarness {
        let simulation = Simulation()
        let time = simulation.time
        return PipelineHarness(
            simulation: simulation,
            provider: FakeProvider(
                time: time,
                sending: { receipt in
                    try? await time.sleep(for: .milliseconds(30))
                    return SendAnswer(
                        .accepted(submissionID: "s-\(receipt.message.id)", messageID: "w-\(receipt.message.id)"),
                        httpStatus: 200)
                }))
    }

    private func accept(
        _ harness: PipelineHarness, _ node: PipelineHarness.Node, _ channel: Channel, count: Int
    ) async throws {
        for index in 0..<count {
            _ = try await node.acceptance.accept(
                try harness.draft("text \(index)", channel: channel), tenant: channel.tenantID)
        }
    }

    @Test func `restarts let no more through than the tenant may send over all its channels`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let tenant = try await harness.directory.createTenant(
                name: "acme", limits: [RateLimit(count: 10, perSeconds: 1)])
            let first = try await harness.makeChannel("first", tenant: tenant)
            let second = try await harness.makeChannel("second", tenant: tenant)
            for round in 1...12 {
                let fresh = PipelineHarness(restarting: harness)
                try await fresh.directory.load()
                try await fresh.withNode(worker: "worker-\(round)") { node in
                    if round == 1 {
                        try await accept(fresh, node, first, count: 60)
                        try await accept(fresh, node, second, count: 60)
                    }
                    try await harness.time.sleep(for: .milliseconds(700))
                }
            }
            #expect(harness.provider.highestCount(in: .seconds(1)) <= 10)
            #expect(harness.provider.receipts.count > 20)
        }
    }

    @Test func `a new channel, or a change of one, begins no new window for the tenant`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let tenant = try await harness.directory.createTenant(
                name: "acme", limits: [RateLimit(count: 10, perSeconds: 1)])
            let channel = try await harness.makeChannel("first", tenant: tenant)
            try await harness.withNode { node in
                try await accept(harness, node, channel, count: 200)
                for index in 0..<10 {
                    try await harness.time.sleep(for: .milliseconds(450))
                    let added = try await harness.makeChannel("channel \(index)", tenant: tenant)
                    try await accept(harness, node, added, count: 3)
                    var changed = try #require(harness.directory.channel(channel.id))
                    changed.limits = [RateLimit(count: 50 + index, perSeconds: 1)]
                    _ = try await harness.directory.updateChannel(changed)
                    _ = try await harness.directory.updateTenant(tenant)
                }
                #expect(harness.provider.highestCount(in: .seconds(1)) <= 10)
                #expect(harness.provider.receipts.count > 20)
            }
        }
    }

    @Test func `nothing is sent while it cannot be read what was sent before`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel(limits: [RateLimit(count: 10, perSeconds: 1)])
            try await harness.withNode { node in
                try await accept(harness, node, channel, count: 100)
                try await harness.time.sleep(for: .milliseconds(800))
            }
            let before = harness.provider.receipts.count
            let fresh = PipelineHarness(restarting: harness)
            try await fresh.directory.load()
            harness.store.interpose { operation throws(StoreError) in
                if operation == .claimHistory { throw StoreError(.overloaded, "busy") }
            }
            try await fresh.withNode(worker: "worker-2") { _ in
                try await harness.time.sleep(for: .seconds(5))
                #expect(harness.provider.receipts.count == before)
                harness.store.interpose(nil)
                try await harness.wait(upTo: .seconds(10)) { harness.provider.receipts.count > before + 30 }
            }
            #expect(harness.provider.highestCount(in: .seconds(1)) <= 10)
        }
    }

    @Test func `an order that is refused leaves nothing behind, and one that is taken outlives a restart`() async throws
    {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            harness.store.interpose { operation throws(StoreError) in
                if operation == .updateStatus { throw StoreError(.full, "no room") }
            }
            await #expect(throws: StoreError.self) {
                try await harness.directory.order(channel.id, .paused, reason: "lunch")
            }
            #expect(harness.directory.channel(channel.id)?.status == .active)
            harness.store.interpose(nil)
            #expect(try await harness.directory.order(channel.id, .paused, reason: "lunch"))
            let fresh = PipelineHarness(restarting: harness)
            try await fresh.directory.load()
            #expect(fresh.directory.channel(channel.id)?.status == .paused)
            #expect(fresh.directory.channel(channel.id)?.statusReason == "lunch")
        }
    }

    @Test func `a status that could not be stored is stored when the store is back`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { _ in
                harness.store.interpose { operation throws(StoreError) in
                    if operation == .updateStatus { throw StoreError(.unavailable, "away") }
                }
                await #expect(throws: StoreError.self) {
                    try await harness.directory.setStatus(channel.id, .disconnected, reason: "logged out")
                }
                // It holds at once, stored or not: nothing is sent over a session that is down.
                #expect(harness.directory.channel(channel.id)?.status == .disconnected)
                // Saying it again does not make it look stored.
                await #expect(throws: StoreError.self) {
                    try await harness.directory.setStatus(channel.id, .disconnected, reason: "logged out")
                }
                harness.provider.setSession(.down(detail: "logged out"))
                harness.store.interpose(nil)
                try await harness.wait(upTo: .seconds(5)) {
                    try await harness.store.channels().first?.channel.status == .disconnected
                }
            }
        }
    }
}
