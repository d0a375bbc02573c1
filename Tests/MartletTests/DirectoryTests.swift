import Martlet
import MartletTestSupport
import Testing

/// What requests find in the directory as channels come, change and go.
@Suite struct DirectoryTests {
    private func withHarness(_ body: @escaping @Sendable (PipelineHarness) async throws -> Void) async throws {
        let simulation = Simulation()
        let harness = PipelineHarness(simulation: simulation, provider: FakeProvider(time: simulation.time))
        try await simulation.run { try await body(harness) }
    }

    @Test func `a channel is found by its name and its id, by its own tenant only`() async throws {
        try await withHarness { harness in
            let directory = harness.directory
            let tenant = try await directory.createTenant(name: "acme", limits: [])
            let other = try await directory.createTenant(name: "other", limits: [])
            let channel = try await harness.makeChannel("billing", tenant: tenant)
            _ = try await harness.makeChannel("alerts", tenant: tenant)
            #expect(try directory.resolveChannel(named: "billing", tenant: tenant.id).get().id == channel.id)
            #expect(try directory.resolveChannel(named: channel.id.text, tenant: tenant.id).get().id == channel.id)
            for name in ["billing", channel.id.text] {
                #expect(throws: FieldError.self) {
                    try directory.resolveChannel(named: name, tenant: other.id).get()
                }
            }
        }
    }

    @Test func `a channel that was renamed or removed is not found by its old name`() async throws {
        try await withHarness { harness in
            let directory = harness.directory
            let tenant = try await directory.createTenant(name: "acme", limits: [])
            var channel = try await harness.makeChannel("billing", tenant: tenant)
            channel.name = "invoices"
            _ = try await directory.updateChannel(channel)
            #expect(throws: FieldError.self) { try directory.resolveChannel(named: "billing", tenant: tenant.id).get() }
            #expect(try directory.resolveChannel(named: "invoices", tenant: tenant.id).get().id == channel.id)
            let second = try await harness.makeChannel("billing", tenant: tenant)
            #expect(try directory.resolveChannel(named: "billing", tenant: tenant.id).get().id == second.id)
            #expect(try await directory.deleteChannel(second.id))
            #expect(throws: FieldError.self) { try directory.resolveChannel(named: "billing", tenant: tenant.id).get() }
            #expect(directory.channels(tenant: tenant.id).map(\.id) == [channel.id])
        }
    }

    @Test func `without a name the only channel is meant, and none when there are several`() async throws {
        try await withHarness { harness in
            let directory = harness.directory
            let tenant = try await directory.createTenant(name: "acme", limits: [])
            #expect(throws: FieldError.self) { try directory.resolveChannel(named: nil, tenant: tenant.id).get() }
            let channel = try await harness.makeChannel("billing", tenant: tenant)
            #expect(try directory.resolveChannel(named: nil, tenant: tenant.id).get().id == channel.id)
            let second = try await harness.makeChannel("alerts", tenant: tenant)
            #expect(throws: FieldError.self) { try directory.resolveChannel(named: nil, tenant: tenant.id).get() }
            #expect(try await directory.deleteChannel(second.id))
            #expect(try directory.resolveChannel(named: nil, tenant: tenant.id).get().id == channel.id)
        }
    }

    @Test func `channels that lost their session are known until they have it back`() async throws {
        try await withHarness { harness in
            let directory = harness.directory
            let channel = try await harness.makeChannel("billing")
            #expect(directory.channelsWithoutSession().isEmpty)
            try await directory.setStatus(channel.id, .disconnected, reason: nil)
            #expect(directory.channelsWithoutSession() == [channel.id])
            try await directory.setStatus(channel.id, .active, reason: nil)
            #expect(directory.channelsWithoutSession().isEmpty)
            try await directory.setStatus(channel.id, .unauthorized, reason: nil)
            #expect(try await directory.deleteTenant(channel.tenantID))
            #expect(directory.channelsWithoutSession().isEmpty)
        }
    }
}
