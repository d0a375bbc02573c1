#if PostgreSQL
    import EngineConformance
    import Logging
    import Martlet
    import Synchronization
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct WorkerTurnTests {
        private static let logger = Logger(label: "test")

        /// Which workers' turn it is or was.
        private final class Turns: Sendable {
            private let names = Mutex<[String]>([])
            var begun: [String] { names.withLock(\.self) }
            func begin(_ name: String) { names.withLock { $0.append(name) } }
        }

        @Test func `one has the turn; when it ends, the next takes over, and what the first claims then is refused`()
            async throws
        {
            try await withTemporaryStore(options: testOptions { $0.claimsNeedTurn = true }) { store in
                let fixture = try await StoreFixture(store)
                for _ in 0..<4 { try await fixture.accept(fixture.message()) }
                let turns = Turns()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    let hold = { @Sendable (name: String) in
                        try await WorkerTurn(store, worker: name, logger: Self.logger).hold {
                            turns.begin(name)
                            try await Task.sleep(for: .seconds(600))
                        }
                    }
                    let first = Task { try await hold("first") }
                    try await eventually { turns.begun == ["first"] }
                    #expect(try await fixture.claim(limit: 1, worker: "first").claims.count == 1)
                    await #expect(throws: StoreError.self) { try await fixture.claim(limit: 1, worker: "second") }
                    let second = Task { try await hold("second") }
                    first.cancel()
                    _ = await first.result
                    try await eventually { turns.begun == ["first", "second"] }
                    #expect(try await fixture.claim(limit: 1, worker: "second").claims.count == 1)
                    await #expect(throws: StoreError.self) { try await fixture.claim(limit: 1, worker: "first") }
                    second.cancel()
                    _ = await second.result
                    try await group.waitForAll()
                }
            }
        }

        @Test func `a wake-up reaches who listens`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                let heard = Mutex<[WakeUp]>([])
                let listener = WakeUpListener(store) { wakeUp in heard.withLock { $0.append(wakeUp) } }
                listener.start()
                defer { listener.stop() }
                // The listener may not be listening yet: it is told until it has heard.
                try await eventually {
                    try await fixture.accept(fixture.message())
                    return heard.withLock { $0.contains(.due(fixture.channel)) }
                }
                try await eventually {
                    try await store.append(
                        [InboxEntry(channel: fixture.channel, receivedAt: StoreFixture.start, body: [])])
                    return heard.withLock { $0.contains(.inbox) }
                }
            }
        }
    }

    /// A condition that another thread or process makes true; given up after a minute.
    func eventually(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, "the condition did not come true in time")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
#endif
