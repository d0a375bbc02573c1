#if PostgreSQL
    import EngineConformance
    import Logging
    import Martlet
    import Synchronization
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct LeadershipTests {
        private static let logger = Logger(label: "test")

        /// Which workers lead or led.
        private final class Leaders: Sendable {
            private let names = Mutex<[String]>([])
            var begun: [String] { names.withLock(\.self) }
            func begin(_ name: String) { names.withLock { $0.append(name) } }
        }

        @Test func `one leads; when it ends, the next does, and a bulk replay is the leader's alone`() async throws {
            try await withTemporaryStore(options: testOptions { $0.replaysNeedLead = true }) { store in
                let leaders = Leaders()
                let lead = { @Sendable (name: String) in
                    await Leadership(store, worker: name, logger: Self.logger).lead {
                        leaders.begin(name)
                        try? await Task.sleep(for: .seconds(600))
                    }
                }
                let first = Task { await lead("first") }
                try await eventually { leaders.begun == ["first"] }
                let second = Task { await lead("second") }
                first.cancel()
                await first.value
                try await eventually { leaders.begun == ["first", "second"] }
                try await store.write { try $0.requireLead(of: "second") }
                await #expect(throws: StoreError.self) { try await store.write { try $0.requireLead(of: "first") } }
                second.cancel()
                await second.value
            }
        }

        @Test func `a leader that another has taken over from is told, and stands by again`() async throws {
            try await withTemporaryStore { store in
                let leaders = Leaders()
                let task = Task {
                    await Leadership(store, worker: "first", logger: Self.logger).lead {
                        leaders.begin("first")
                        try? await Task.sleep(for: .seconds(600))
                        leaders.begin("over")
                    }
                }
                try await eventually { leaders.begun == ["first"] }
                // As if it had been cut off for longer than the others wait, and the other then resigned.
                try await store.takeLead("other")
                try await eventually { leaders.begun == ["first", "over"] }
                try await store.resign("other")
                try await eventually { leaders.begun == ["first", "over", "first"] }
                task.cancel()
                await task.value
            }
        }

        @Test func `a wake-up reaches who listens`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                let heard = Mutex<[WakeUp]>([])
                let listener = NotificationListener(store)
                listener.onWakeUp { wakeUp in heard.withLock { $0.append(wakeUp) } }
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
