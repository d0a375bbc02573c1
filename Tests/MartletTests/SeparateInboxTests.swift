import Logging
import Martlet
import MartletTestSupport
import Synchronization
import Testing

/// What is told of an inbox that is an engine of its own, and of the store beside it.
@Suite struct SeparateInboxTests {
    /// A log in memory that fails when it is told to.
    private final class FailingLog: InboxLog {
        enum Operation { case append, lease, complete, depth }

        private struct State: Sendable {
            var entries: [LeasedInboxEntry] = []
            var failing: Operation?
        }

        private let state = Mutex(State())

        var count: Int { state.withLock(\.entries.count) }

        func fail(_ operation: Operation?) { state.withLock { $0.failing = operation } }

        private func perform<Value: Sendable>(
            _ operation: Operation, _ body: (inout sending State) -> sending Value
        ) throws(StoreError) -> Value {
            if state.withLock({ $0.failing == operation }) { throw StoreError(.unavailable, "the log is away") }
            return state.withLock(body)
        }

        func append(_ batch: [InboxEntry]) async throws(StoreError) {
            try perform(.append) { state in
                for entry in batch {
                    let sequence = (state.entries.last?.sequence ?? 0) + 1
                    state.entries.append(LeasedInboxEntry(sequence: sequence, entry: entry))
                }
            }
        }

        func lease(
            limit: Int, for duration: Duration, wait: Duration
        ) async throws(StoreError) -> [LeasedInboxEntry] {
            try perform(.lease) { Array($0.entries.prefix(limit)) }
        }

        func complete(_ sequences: [Int64]) async throws(StoreError) {
            try perform(.complete) { state in state.entries.removeAll { sequences.contains($0.sequence) } }
        }

        func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
            try perform(.depth) { ($0.entries.count, $0.entries.first?.entry.receivedAt) }
        }

        func check() async throws(StoreError) {}
        func close() async {}
    }

    private struct Running: Sendable {
        let harness: PipelineHarness
        let log: FailingLog
        let inbox: SeparateInbox

        /// What is said of the part; nil while nothing is.
        func isWell(_ part: String) -> Bool? { harness.health.all.first { $0.name == part }?.isOK }
    }

    /// Runs the body while webhooks are read from a log.
    private func withProcessor(_ body: @escaping @Sendable (Running) async throws -> Void) async throws {
        let simulation = Simulation()
        let harness = PipelineHarness(simulation: simulation, provider: FakeProvider(time: simulation.time))
        let observer = PipelineObserver(
            feed: harness.feed, metrics: PipelineMetrics(), rates: harness.rates, health: harness.health,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let log = FailingLog()
        let inbox = SeparateInbox(log: log, store: harness.store, observer: observer)
        let processor = InboxProcessor(
            inbox: inbox, store: harness.store, directory: harness.directory, configuration: harness.configuration,
            time: harness.steadyTime, observer: observer,
            heartbeats: Heartbeats(time: harness.steadyTime, turnMax: .seconds(10)),
            sessionChanged: { _, _, _ in })
        try await simulation.run {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await processor.run() }
                defer { group.cancelAll() }
                try await body(Running(harness: harness, log: log, inbox: inbox))
            }
        }
    }

    private func entry(_ channel: ChannelID, _ body: String, _ running: Running) -> InboxEntry {
        InboxEntry(channel: channel, receivedAt: running.harness.time.now(), body: Array(body.utf8))
    }

    @Test func `a log that does not answer is the inbox that is not well, until it answers`() async throws {
        try await withProcessor { running in
            let channel = try await running.harness.makeChannel()
            running.log.fail(.lease)
            try await running.harness.wait(upTo: .seconds(10)) { running.isWell("inbox") == false }
            running.log.fail(nil)
            try await running.harness.wait(upTo: .seconds(10)) { running.isWell("inbox") == true }

            running.log.fail(.complete)
            try await running.inbox.append([entry(channel.id, #"{"id":"w-1","level":3}"#, running)])
            try await running.harness.wait(upTo: .seconds(10)) { running.isWell("inbox") == false }
            #expect(running.log.count == 1)
            running.log.fail(nil)
            try await running.harness.wait(upTo: .seconds(10)) { running.log.count == 0 }
            #expect(running.isWell("inbox") == true)
            #expect(running.isWell("store") != false)
        }
    }

    /// The second entry cannot be read, and goes to the store to be set aside.
    @Test(arguments: [(MemoryStore.Operation.apply, #"{"id":"w-1","level":3}"#), (.append, "no webhook")])
    func `a store that does not answer is not taken for the inbox`(
        _ operation: MemoryStore.Operation, _ body: String
    ) async throws {
        try await withProcessor { running in
            let channel = try await running.harness.makeChannel()
            running.harness.store.interpose { asked throws(StoreError) in
                if asked == operation { throw StoreError(.unavailable, "the store is away") }
            }
            try await running.inbox.append([entry(channel.id, body, running)])
            try await running.harness.wait(upTo: .seconds(10)) { running.isWell("store") == false }
            #expect(running.isWell("inbox") != false)
            #expect(running.log.count == 1)
            running.harness.store.interpose(nil)
            try await running.harness.wait(upTo: .seconds(10)) { running.log.count == 0 }
        }
    }

    @Test func `what the log throws says that it is of the inbox`() async throws {
        try await withProcessor { running in
            running.log.fail(.append)
            let appending = await #expect(throws: StoreError.self) { try await running.inbox.append([]) }
            #expect(appending?.part == .inbox)
            running.log.fail(.depth)
            let counting = await #expect(throws: StoreError.self) { _ = try await running.inbox.depth() }
            #expect(counting?.part == .inbox)
            #expect(counting?.message == "the log is away")
            running.log.fail(nil)
            running.harness.store.interpose { _ throws(StoreError) in throw StoreError(.full, "no room") }
            let storing = await #expect(throws: StoreError.self) { _ = try await running.inbox.depth() }
            #expect(storing?.part == nil)
        }
    }
}
