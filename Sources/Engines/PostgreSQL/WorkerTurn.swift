#if PostgreSQL
    import Logging
    import Martlet
    import ServiceLifecycle

    /// The right to dispatch from a database, which one process at a time has: rates are kept by that process, so two would send
    /// at twice the rate.
    ///
    /// Who has it stands in the database, and every claim makes sure of it in its own transaction: a process whose turn is over
    /// gets nothing any more, whether it knows or not. A lock of the server's, which ends with the holder's connection, tells
    /// the others when it is gone. They leave it a while to come back, so that a restart of the server changes nothing.
    package final class WorkerTurn: Sendable {
        /// What the settings call the holder.
        static let setting = "worker"
        private static let interval: Duration = .seconds(1)
        /// How long the lock must be free before another takes the turn of a holder that did not give it up. Longer than a
        /// holder's connection may take to be made anew.
        private static let grace: Duration = .seconds(6)

        private let store: PostgreSQLStore
        private let worker: String
        private let logger: Logger
        /// One connection, which holds the lock.
        private let connection: ConnectionPool

        /// - parameter worker: the name under which this process claims.
        package init(_ store: PostgreSQLStore, worker: String, logger: Logger) {
            self.store = store
            self.worker = worker
            self.logger = logger
            connection = ConnectionPool(
                store.settings, name: "postgresql-turn", size: 1, waitingMax: 4, onStatement: store.options.onStatement)
        }

        /// Waits for the turn, then runs the body for as long as it lasts.
        /// - throws: ``StoreError/Code/conflict`` when another process has taken over meanwhile; what the body threw.
        package func hold(_ body: @escaping @Sendable () async throws -> Void) async throws {
            do {
                if try await waitForTurn() {
                    try await run(body)
                    // The next need not wait to see whether this one comes back.
                    try? await store.endTurn(worker)
                }
            } catch {
                await end()
                throw error
            }
            await end()
        }

        private func end() async {
            store.setDispatchesHere(false)
            await connection.close()
        }

        /// False when the service shuts down before its turn has come.
        private func waitForTurn() async throws -> Bool {
            var isTold = false
            var freeSince: ContinuousClock.Instant?
            while !Task.isShuttingDownGracefully {
                try Task.checkCancellation()
                do throws(StoreError) {
                    let look = try await look(keeping: { $0.isEmpty })
                    if look.isLocked {
                        let since = freeSince ?? .now
                        freeSince = since
                        var isOurs = look.holder.isEmpty
                        if !isOurs, ContinuousClock.now - since >= Self.grace {
                            isOurs = try await self.look(keeping: { _ in true }).isLocked
                        }
                        if isOurs {
                            try await store.takeTurn(worker)
                            store.setDispatchesHere(true)
                            return true
                        }
                    } else {
                        freeSince = nil
                        if !isTold { logger.notice("another process dispatches from this database; standing by") }
                        isTold = true
                    }
                } catch {
                    freeSince = nil
                    logger.warning("cannot ask for the turn to dispatch", metadata: ["reason": "\(error)"])
                }
                await pause()
            }
            return false
        }

        private func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    while !Task.isCancelled {
                        try await Task.sleep(for: Self.interval)
                        try await self.check()
                    }
                }
                // The body ends by itself on shutdown; the watch only by throwing.
                try await group.next()
                group.cancelAll()
            }
        }

        /// Takes the lock again where the connection was lost. While the server is away nobody can claim, so that nothing is
        /// lost by waiting for it; and another may just be looking whether the lock is free.
        private func check() async throws {
            let look: Look
            do throws(StoreError) { look = try await self.look(keeping: { $0 == self.worker }) } catch { return }
            guard look.holder != worker else { return }
            throw StoreError(
                .conflict,
                "another process dispatches from this database now: this one was cut off from it for too long")
        }

        /// What stands about the turn.
        private struct Look: Sendable {
            /// The lock was free or this process's own.
            var isLocked: Bool
            /// Who is noted; empty when nobody is.
            var holder: String
        }

        /// Tries the lock and reads who is noted.
        /// - parameter keeping: whether the lock is kept, by who is noted; else it is only looked at.
        private func look(keeping: @escaping @Sendable (String) -> Bool) async throws(StoreError) -> Look {
            let lock = "(\(AdvisoryLock.key), \(AdvisoryLock.worker.rawValue))"
            return try await connection.perform { session in
                try session.request("SELECT pg_try_advisory_lock\(lock)")
                try session.request("SELECT value FROM settings WHERE name = $1", [Self.setting])
                let answers = try session.collect()
                let isLocked = answers[0].first { $0.next(Bool.self) } ?? false
                let holder = answers[1].first { String(decoding: $0.next(Blob.self).bytes, as: UTF8.self) } ?? ""
                if isLocked, !keeping(holder) { try session.query("SELECT pg_advisory_unlock\(lock)") }
                return Look(isLocked: isLocked, holder: holder)
            }
        }

        private func pause() async {
            try? await cancelWhenGracefulShutdown {
                try await Task.sleep(for: Self.interval * Double.random(in: 0.5...1))
            }
        }
    }

    extension PostgreSQLStore {
        /// Notes who dispatches from now on; waits for the claims that the one before is just making.
        func takeTurn(_ worker: String) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    """
                    INSERT INTO settings (name, value) VALUES ($1, $2)
                    ON CONFLICT (name) DO UPDATE SET value = excluded.value
                    """, [WorkerTurn.setting, Blob(Array(worker.utf8))])
            }
        }
    }

    extension PostgreSQLStore {
        /// Notes that the turn is over, if it still is this worker's.
        func endTurn(_ worker: String) async throws(StoreError) {
            try await write { transaction in
                try transaction.session.send(
                    "UPDATE settings SET value = '' WHERE name = $1 AND value = $2",
                    [WorkerTurn.setting, Blob(Array(worker.utf8))])
            }
        }
    }

    extension WriteTransaction {
        /// Makes sure, until the transaction ends, that it is this worker's turn.
        func requireTurn(of worker: String) throws {
            let isOurs =
                try session.query(
                    "SELECT 1 FROM settings WHERE name = $1 AND value = $2 FOR SHARE",
                    [WorkerTurn.setting, Blob(Array(worker.utf8))]
                ).count > 0
            guard isOurs else {
                throw StoreError(.unavailable, "it is not this process's turn to dispatch from this database")
            }
        }
    }
#endif
