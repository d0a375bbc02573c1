#if PostgreSQL
    import EngineConformance
    import Martlet
    import Synchronization
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct BroadcastTests {
        private final class Receiver: PeerReceiver {
            let texts = Mutex<[String]>([])
            let connections = Mutex(0)

            func received(_ text: String) { texts.withLock { $0.append(text) } }
            func connected() { connections.withLock { $0 += 1 } }
        }

        @Test func `what one broadcasts reaches all in order, and again after the line was cut`() async throws {
            try await withTemporarySchema { url in
                let stores = [
                    try await PostgreSQLStore.open(url: url, options: testOptions()),
                    try await PostgreSQLStore.open(url: url, options: testOptions()),
                ]
                let listeners = stores.map { NotificationListener($0) }
                let receivers = listeners.map { listener in
                    let receiver = Receiver()
                    listener.deliver(to: receiver)
                    listener.start()
                    return receiver
                }
                try await eventually { receivers.allSatisfy { $0.connections.withLock(\.self) == 1 } }
                try await listeners[0].broadcast(["one", "two"])
                try await eventually { receivers.allSatisfy { $0.texts.withLock(\.self) == ["one", "two"] } }
                let name = try await stores[0].read { session in
                    try session.query("SELECT current_setting('application_name')").first { $0.next(String.self) }
                }
                _ = try await stores[0].read { session in
                    try session.query(
                        """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE application_name = $1 AND pid <> pg_backend_pid()
                        """, [name]
                    ).count
                }
                try await eventually { receivers.allSatisfy { $0.connections.withLock(\.self) == 2 } }
                try await listeners[1].broadcast(["three"])
                try await eventually { receivers.allSatisfy { $0.texts.withLock(\.last) == "three" } }
                for listener in listeners { listener.stop() }
                for store in stores { await store.close() }
            }
        }
    }

    @Suite(.timeLimit(.minutes(5))) struct SendRateTests {
        @Test func `what processes add is summed by channel, and forgotten after its time`() async throws {
            let (first, second) = (
                ChannelID(unchecked: "chn_01jd0000000000000000000000"),
                ChannelID(unchecked: "chn_01jd0000000000000000000001")
            )
            let start = StoreFixture.start
            try await withTemporaryStore { store in
                try await store.addSends([first: 2, second: 1], at: start)
                try await store.addSends([first: 3], at: start)
                try await store.addSends([second: 4], at: start + .seconds(10))
                #expect(
                    try await store.sends(of: [first, second], after: start - .seconds(60)) == [first: 5, second: 5])
                #expect(try await store.sends(of: [second], after: start) == [second: 4])
                #expect(try await store.sends(of: [], after: start - .seconds(60)).isEmpty)
                try await store.addSends([first: 1], at: start + .seconds(300))
                #expect(try await store.sends(of: [first, second], after: start - .seconds(60)) == [first: 1])
            }
        }
    }
#endif
