import Martlet
import MartletTestSupport
import Testing

/// The heartbeat: red when messages are due and nothing moves, green when it does, in virtual time.
@Suite struct DispatchHeartbeatTests {
    private func check(_ harness: PipelineHarness) -> HealthRegister.Check? {
        harness.health.all.first { $0.name == "dispatcher" }
    }

    private func isWell(_ harness: PipelineHarness) -> Bool { check(harness)?.isOK != false }

    private func send(
        _ harness: PipelineHarness, _ channel: Channel, _ node: PipelineHarness.Node, count: Int = 1
    ) async throws {
        for index in 0..<count {
            _ = try await node.acceptance.accept(
                try harness.draft("message \(index)", to: "+1555000\(1000 + index)", channel: channel),
                tenant: channel.tenantID)
        }
    }

    /// - parameter answering: how long the provider takes.
    private func harness(answering delay: Duration = .milliseconds(30)) -> PipelineHarness {
        let simulation = Simulation()
        let time = simulation.time
        let provider = FakeProvider(time: time) { receipt in
            try? await time.sleep(for: delay)
            return SendAnswer(.accepted(submissionID: "s-\(receipt.message.id)", messageID: nil), httpStatus: 200)
        }
        return PipelineHarness(simulation: simulation, provider: provider)
    }

    @Test func `a dispatcher that cannot claim what is due turns red, and green when it can`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                harness.store.interpose { operation throws(StoreError) in
                    if operation == .claim { throw StoreError(.unavailable, "no claims") }
                }
                try await send(harness, channel, node)
                let since = harness.time.monotonicNow()
                try await harness.time.sleep(for: .seconds(25))
                #expect(isWell(harness))
                try await harness.wait(upTo: .seconds(20)) { !isWell(harness) }
                #expect(harness.time.monotonicNow() - since >= DispatchWatch.patience)
                #expect(check(harness)?.detail?.contains("1 channel are due and nothing is sent") == true)
                harness.store.interpose(nil)
                try await harness.wait(upTo: .seconds(10)) { isWell(harness) }
                #expect(harness.provider.receipts.count == 1)
            }
        }
    }

    @Test func `requests that do not end turn it red, the provider's time-out later, and green when they do`()
        async throws
    {
        let harness = harness(answering: .seconds(120))
        try await harness.simulation.run {
            let channel = try await harness.makeChannel()
            try await harness.withNode { node in
                // More than go out at once, so that some are due all the while.
                try await send(harness, channel, node, count: 60)
                let since = harness.time.monotonicNow()
                try await harness.wait(upTo: .seconds(100)) { !isWell(harness) }
                let patience = DispatchWatch.patience + harness.configuration.providerTimeout
                #expect(harness.time.monotonicNow() - since >= patience)
                try await harness.wait(upTo: .seconds(90)) { isWell(harness) }
                #expect(harness.provider.receipts.count == 60)
            }
        }
    }

    @Test func `what waits for its hour, its limit or a paused channel alarms nobody`() async throws {
        let harness = harness()
        try await harness.simulation.run {
            let slow = try await harness.makeChannel("slow", limits: [RateLimit(count: 1, perSeconds: 300)])
            let tenant = try #require(harness.directory.tenant(slow.tenantID))
            let paused = try await harness.makeChannel("paused", tenant: tenant)
            _ = try await harness.directory.setStatus(paused.id, .paused, reason: nil, from: [.active])
            try await harness.withNode { node in
                try await send(harness, slow, node, count: 5)
                try await send(harness, paused, node)
                for _ in 0..<120 {
                    try await harness.time.sleep(for: .seconds(5))
                    #expect(isWell(harness))
                }
                #expect(harness.provider.receipts.count >= 2)
            }
        }
    }
}
