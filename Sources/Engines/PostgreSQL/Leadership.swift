#if PostgreSQL
    import Logging
    import Martlet
    import ServiceLifecycle

    /// Elects among the workers of a database the one that does what one alone should do: asking providers about messages and
    /// sessions, bulk replays, tidying up. All of them dispatch.
    ///
    /// A lock of the server's, which ends with the leader's connection, tells the others when it is gone. They leave it a while
    /// to come back, so that a restart of the server changes nothing. Who leads stands in the database, too: what must not be
    /// done by two makes sure of it in its own transaction.
    package final class Leadership: Sendable {
        /// What the settings call the leader.
        static let setting = "leader"
        private static let interval: Duration = .seconds(1)
        /// How long the lock must be free before another leads in the place of one that did not resign. Longer than a
        /// leader's connection may take to be made anew.
        private static let grace: Duration = .seconds(6)

        private let store: PostgreSQLStore
        private let worker: String
        private let logger: Logger
        /// One connection, which holds the lock.
        private let connection: ConnectionPool

        /// - parameter worker: this process's name.
        package init(_ store: PostgreSQLStore, worker: String, logger: Logger) {
            self.store = store
            self.worker = worker
            self.logger = logger
            connection = ConnectionPool(
                store.settings, name: "postgresql-leader", size: 1, waitingMax: 4,
                onStatement: store.options.onStatement)
        }

        /// Runs the body whenever this process leads, until the service shuts down; when another leads, it is cancelled.
        package func lead(_ body: @escaping @Sendable () async -> Void) async {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                guard await waitForElection() else { break }
                logger.info("this process leads")
                let isOver = await run(body)
                if isOver {
                    // The next need not wait to see whether this one comes back.
                    try? await store.resign(worker)
                    break
                }
                logger.warning("another process leads now: this one was cut off from the database for too long")
            }
            await connection.close()
        }

        /// False when the service shuts down before.
        private func waitForElection() async -> Bool {
            var isTold = false
            var freeSince: ContinuousClock.Instant?
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                do throws(StoreError) {
                    let look = try await look(keeping: { $0.isEmpty })
                    if look.isLocked {
                        let since = freeSince ?? .now
                        freeSince = since
                        var isElected = look.leader.isEmpty
                        if !isElected, ContinuousClock.now - since >= Self.grace {
                            isElected = try await self.look(keeping: { _ in true }).isLocked
                        }
                        if isElected {
                            try await store.takeLead(worker)
                            return true
                        }
                    } else {
                        freeSince = nil
                        if !isTold { logger.info("another process leads; this one dispatches and stands by") }
                        isTold = true
                    }
                } catch {
                    freeSince = nil
                    logger.warning("cannot ask who leads", metadata: ["reason": "\(error)"])
                }
                await pause()
            }
            return false
        }

        /// True when the body ended by itself, which it does on shutdown; false when another leads.
        private func run(_ body: @escaping @Sendable () async -> Void) async -> Bool {
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await body()
                    return true
                }
                group.addTask {
                    while !Task.isCancelled {
                        try? await Task.sleep(for: Self.interval)
                        if await self.isDeposed() { return false }
                    }
                    return true
                }
                let isOver = await group.next() ?? true
                group.cancelAll()
                return isOver
            }
        }

        /// Takes the lock again where the connection was lost. While the server is away nobody can be elected, so that nothing
        /// is lost by waiting for it; and another may just be looking whether the lock is free.
        private func isDeposed() async -> Bool {
            guard let look = try? await look(keeping: { $0 == self.worker }) else { return false }
            return look.leader != worker
        }

        /// What stands about the leader.
        private struct Look: Sendable {
            /// The lock was free or this process's own.
            var isLocked: Bool
            /// Who is noted; empty when nobody is.
            var leader: String
        }

        /// Tries the lock and reads who is noted.
        /// - parameter keeping: whether the lock is kept, by who is noted; else it is only looked at.
        private func look(keeping: @escaping @Sendable (String) -> Bool) async throws(StoreError) -> Look {
            let lock = "(\(AdvisoryLock.key), \(AdvisoryLock.leader.rawValue))"
            return try await connection.perform { session in
                try session.request("SELECT pg_try_advisory_lock\(lock)")
                try session.request("SELECT value FROM settings WHERE name = $1", [Self.setting])
                let answers = try session.collect()
                let isLocked = answers[0].first { $0.next(Bool.self) } ?? false
                let leader = answers[1].first { String(decoding: $0.next(Blob.self).bytes, as: UTF8.self) } ?? ""
                if isLocked, !keeping(leader) { try session.query("SELECT pg_advisory_unlock\(lock)") }
                return Look(isLocked: isLocked, leader: leader)
            }
        }

        private func pause() async {
            try? await cancelWhenGracefulShutdown {
                try await Task.sleep(for: Self.interval * Double.random(in: 0.5...1))
            }
        }
    }

    extension PostgreSQLStore {
        /// Notes who leads from now on.
        func takeLead(_ worker: String) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    """
                    INSERT INTO settings (name, value) VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """, [Leadership.setting, Blob(Array(worker.utf8))])
            }
        }

        /// Notes that nobody leads, if it still is this worker.
        func resign(_ worker: String) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    "UPDATE settings SET value = '' WHERE name = $1 AND value = $2",
                    [Leadership.setting, Blob(Array(worker.utf8))])
            }
        }
    }

    extension WriteTransaction {
        /// Makes sure, until the transaction ends, that this worker leads.
        func requireLead(of worker: String) throws {
            let leads =
                try session.query(
                    "SELECT 1 FROM settings WHERE name = $1 AND value = $2 FOR SHARE",
                    [Leadership.setting, Blob(Array(worker.utf8))]
                ).count > 0
            guard leads else { throw StoreError(.unavailable, "another process leads") }
        }
    }
#endif
