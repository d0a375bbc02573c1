import Logging
import Martlet
import SQLiteEngine
import ServiceLifecycle

#if PostgreSQL
    import PostgreSQLEngine
#endif

/// A store as a node opened it, with what belongs to it.
struct OpenedStore: Sendable {
    var store: any Store & Inbox
    /// Holds it open while the services above it run; closes it when they have stopped.
    var keeper: any Service
    /// Whether other processes may be at work on it.
    var isShared: Bool
    /// Makes a worker's pipeline, whose name on the store is given, into what runs it when it may.
    var worker: @Sendable (Pipeline, String) -> any Service

    /// Opens what the configuration names.
    /// - throws: when it cannot be opened, is not migrated, or is another process's alone.
    init(_ configuration: NodeConfiguration, logger: Logger) async throws {
        switch configuration.store {
        case .sqlite(let path):
            let store = try await Self.openSQLite(path: path, migrate: configuration.migratesStore)
            let isWorker = configuration.roles.contains(.worker)
            self.store = store
            keeper = OpenSQLite(store: store, workerLock: isWorker ? try store.acquireWorkerLock() : nil)
            isShared = false
            worker = { pipeline, _ in pipeline }
        case .postgresql(let url):
            #if PostgreSQL
                let store = try await Self.openPostgreSQL(url: url, migrate: configuration.migratesStore)
                self.store = store
                keeper = OpenPostgreSQL(store: store)
                isShared = true
                worker = { pipeline, name in
                    PostgreSQLWorker(
                        store: store, pipeline: pipeline, turn: WorkerTurn(store, worker: name, logger: logger))
                }
            #else
                _ = url
                throw Self.isNotBuilt
            #endif
        }
    }

    static func openSQLite(path: String, migrate: Bool) async throws(StoreError) -> SQLiteStore {
        var options = SQLiteOptions()
        options.migrate = migrate
        return try await SQLiteStore.open(path: path, options: options)
    }

    #if PostgreSQL
        static func openPostgreSQL(url: Secret<String>, migrate: Bool) async throws(StoreError) -> PostgreSQLStore {
            var options = PostgreSQLOptions()
            options.migrate = migrate
            options.claimsNeedTurn = true
            return try await PostgreSQLStore.open(url: url.exposed, options: options)
        }
    #else
        static let isNotBuilt = ConfigurationError("store.url: the engine postgres is not part of this build")
    #endif
}

private struct OpenSQLite: Service, CustomStringConvertible {
    let store: SQLiteStore
    /// Held for as long as this is: no other worker may send from the same file.
    let workerLock: WorkerLock?

    // Services are written into the log, and what one holds has no place there.
    var description: String { "OpenSQLite" }

    func run() async throws {
        try? await gracefulShutdown()
        try await store.close()
        withExtendedLifetime(workerLock) {}
    }
}

#if PostgreSQL
    private struct OpenPostgreSQL: Service, CustomStringConvertible {
        let store: PostgreSQLStore

        var description: String { "OpenPostgreSQL" }

        func run() async throws {
            try? await gracefulShutdown()
            await store.close()
        }
    }

    /// Dispatches while it is this process's turn; stands by until then.
    private struct PostgreSQLWorker: Service, CustomStringConvertible {
        let store: PostgreSQLStore
        let pipeline: Pipeline
        let turn: WorkerTurn

        var description: String { "PostgreSQLWorker" }

        func run() async throws {
            let (store, pipeline) = (store, pipeline)
            try await turn.hold {
                let listener = WakeUpListener(store) { wakeUp in
                    switch wakeUp {
                    case .due(let channel): pipeline.wake(channel, dueAt: SystemTimeSource().now())
                    case .inbox: pipeline.wakeInbox()
                    }
                }
                listener.start()
                defer { listener.stop() }
                try await pipeline.run()
            }
        }
    }
#endif
