#if PostgreSQL
    import Logging
    import Martlet
    import ServiceLifecycle

    /// The right to dispatch from a database, which one process at a time has: rates are kept by that process, so two would send
    /// at twice the rate.
    ///
    /// A lock of the server's, which ends with the connection, decides whose turn it is; others wait for it and take over when
    /// it is free. The holder's name stands in the database as well, and a claim looks at it in its own transaction: a process
    /// that was cut off and does not know yet that its turn is over gets nothing any more.
    package final class WorkerTurn: Sendable {
        /// What the settings call the holder.
        static let setting = "worker"
        private static let interval: Duration = .seconds(1)

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
                if try await waitForTurn() { try await run(body) }
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
            while !Task.isShuttingDownGracefully {
                try Task.checkCancellation()
                do throws(StoreError) {
                    if try await lock() != nil {
                        try await store.takeTurn(worker)
                        store.setDispatchesHere(true)
                        return true
                    }
                    if !isTold {
                        logger.notice("another process dispatches from this database; waiting for its turn to end")
                    }
                    isTold = true
                } catch {
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

        /// While the server is away nobody can claim, so that nothing is lost by waiting for it.
        private func check() async throws {
            let holder: String?
            do throws(StoreError) { holder = try await lock() } catch { return }
            guard let holder else { throw Self.lost }
            if holder != worker { throw Self.lost }
        }

        private static let lost = StoreError(
            .conflict, "another process dispatches from this database now: this one was cut off from it for too long")

        /// Takes the lock, or makes sure of it; answers who is noted as the holder, or nil when another has the lock.
        private func lock() async throws(StoreError) -> String? {
            try await connection.perform { session in
                let isOurs = try session.query(
                    "SELECT pg_try_advisory_lock(\(AdvisoryLock.key), \(AdvisoryLock.worker.rawValue))"
                ).first { $0.next(Bool.self) }
                guard isOurs == true else { return nil }
                return try session.query("SELECT value FROM settings WHERE name = $1", [Self.setting]).first {
                    String(decoding: $0.next(Blob.self).bytes, as: UTF8.self)
                } ?? ""
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
