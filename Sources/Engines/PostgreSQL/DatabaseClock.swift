#if PostgreSQL
    import Martlet
    import ServiceLifecycle
    import Synchronization

    /// The database server's clock, as near as it can be told from here: due times and leases mean the same to all processes,
    /// whatever their machines' clocks say.
    ///
    /// Now and then the server is asked; in between, this machine's clock goes on from there. A look whose answer took long
    /// tells little, and is not taken over a better one that is still fresh.
    package final class DatabaseClock: TimeSource, Service, CustomStringConvertible {
        private static let interval: Duration = .seconds(30)
        /// How far this machine's clock may go astray in a second, beside the server's.
        private static let drift = 0.001

        private struct Look: Sendable {
            /// What is to be added to this machine's clock.
            var offset: Duration
            /// How far that may be from the truth.
            var error: Duration
            var at: MonotonicInstant
        }

        private let store: PostgreSQLStore
        private let base: any TimeSource
        private let look: Mutex<Look>

        package var description: String { "DatabaseClock" }

        /// Asks the server for the first time.
        package init(_ store: PostgreSQLStore, base: any TimeSource) async throws(StoreError) {
            self.store = store
            self.base = base
            var best = try await Self.look(store, base)
            for _ in 0..<4 {
                let next = try await Self.look(store, base)
                if next.error < best.error { best = next }
            }
            look = Mutex(best)
        }

        package func now() -> Timestamp { base.now() + look.withLock(\.offset) }
        package func monotonicNow() -> MonotonicInstant { base.monotonicNow() }
        package func sleep(for duration: Duration) async throws { try await base.sleep(for: duration) }

        package func run() async throws {
            try? await cancelWhenGracefulShutdown {
                while true {
                    try await self.base.sleep(for: Self.interval)
                    // While the server is away, this machine's clock goes on.
                    guard let next = try? await Self.look(self.store, self.base) else { continue }
                    self.look.withLock { look in
                        let grown = look.error + (next.at - look.at) * Self.drift
                        if next.error <= grown { look = next }
                    }
                }
            }
        }

        private static func look(_ store: PostgreSQLStore, _ base: any TimeSource) async throws(StoreError) -> Look {
            try await store.read { session in
                let (wall, before) = (base.now(), base.monotonicNow())
                let server = try session.query("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").first
                {
                    $0.next(Timestamp.self)
                }
                let half = (base.monotonicNow() - before) / 2
                return Look(offset: (server ?? wall) - (wall + half), error: half, at: before)
            }
        }
    }
#endif
