import Martlet
import MartletTestSupport
import Synchronization
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

    // MARK: Shared with other processes

    /// A directory of another process on the same store, over a connection of its own.
    private func shared(_ harness: PipelineHarness, _ connection: MemoryStore) throws -> Directory {
        Directory(
            store: connection, providers: ProviderRegistry([harness.provider]),
            secretBox: try #require(SecretBox(key: [UInt8](repeating: 7, count: 32))), time: harness.steadyTime,
            identifiers: harness.identifiers, isShared: true)
    }

    @Test func `an operator's order holds whatever another process has ordered a moment ago`() async throws {
        try await withHarness { harness in
            let channel = try await harness.makeChannel()
            let (one, other) = (try shared(harness, harness.store), try shared(harness, harness.store))
            for directory in [one, other] { try await directory.load() }
            // Of two words on a status the younger stands: time passes between them.
            try await harness.time.sleep(for: .milliseconds(1))
            #expect(try await one.order(channel.id, .paused, reason: "by an operator"))
            try await harness.time.sleep(for: .milliseconds(1))
            #expect(try await other.order(channel.id, .active, reason: nil))
            #expect(try await harness.store.channels().map(\.channel.status) == [.active])
            try await harness.time.sleep(for: .milliseconds(1))
            #expect(try await one.order(channel.id, .paused, reason: nil, from: [.active]))
            #expect(try await harness.store.channels().map(\.channel.status) == [.paused])
        }
    }

    @Test func `what is made here while the store is read stays`() async throws {
        try await withHarness { harness in
            let connection = MemoryStore(connectedTo: harness.store)
            let directory = try shared(harness, connection)
            var channel = try await harness.makeChannel()
            try await directory.load()
            // Reading takes a second, in which limits are changed.
            connection.interpose(nil) { operation throws(StoreError) in
                if operation == .channels { try? await harness.time.sleep(for: .seconds(1)) }
            }
            channel.limits = [RateLimit(count: 3, perSeconds: 1)]
            let changed = channel
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await directory.refresh() }
                try await harness.time.sleep(for: .milliseconds(500))
                _ = try await directory.updateChannel(changed)
                try await group.waitForAll()
            }
            #expect(directory.channel(channel.id)?.limits == changed.limits)
        }
    }

    @Test func `the store is read once for all who miss something, also when the first of them is gone`() async throws {
        try await withHarness { harness in
            let connection = MemoryStore(connectedTo: harness.store)
            let directory = try shared(harness, connection)
            try await directory.load()
            let channel = try await harness.makeChannel()
            let reads = Mutex(0)
            connection.interpose { operation throws(StoreError) in
                if operation == .channels { reads.withLock { $0 += 1 } }
            }
            let unknown = ChannelID(unchecked: "chn_unknown")
            #expect(await directory.findChannel(channel.id) != nil)
            #expect(await directory.findChannel(unknown) == nil)
            #expect(reads.withLock { $0 } == 2)
            // Five within a quarter of a second, the first of which is gone before its time comes.
            let found = await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await withTaskGroup(of: Bool.self) { first in
                        first.addTask { await directory.lookAgain() }
                        try? await harness.time.sleep(for: .milliseconds(50))
                        first.cancelAll()
                        return await first.next() ?? false
                    }
                }
                try? await harness.time.sleep(for: .milliseconds(10))
                for _ in 0..<4 { group.addTask { await directory.lookAgain() } }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(found == 4)
            #expect(reads.withLock { $0 } == 3)
        }
    }

    @Test func `a channel that cannot be looked for is not said to be missing`() async throws {
        try await withHarness { harness in
            let connection = MemoryStore(connectedTo: harness.store)
            let directory = try shared(harness, connection)
            try await directory.load()
            let channel = try await harness.makeChannel()
            let isAway = Mutex(true)
            connection.interpose { operation throws(StoreError) in
                if operation == .channels, isAway.withLock({ $0 }) { throw StoreError(.unavailable, "away") }
            }
            let acceptance = Acceptance(
                store: connection, directory: directory, time: harness.steadyTime, identifiers: harness.identifiers,
                idempotencyWindow: .seconds(86_400), feed: harness.feed, metrics: PipelineMetrics(), wake: { _, _ in })
            let draft = try harness.draft(channel: channel)
            let refusal = await #expect(throws: AcceptanceError.self) {
                try await acceptance.accept(draft, tenant: channel.tenantID)
            }
            if case .store(let error)? = refusal {
                #expect(error.code == .unavailable)
            } else {
                Issue.record("invalid")
            }
            isAway.withLock { $0 = false }
            let accepted = try await acceptance.accept(draft, tenant: channel.tenantID)
            #expect(accepted.message?.channelID == channel.id)
        }
    }
}
