import Logging
import Martlet
import SQLiteEngine
import ServiceLifecycle

#if PostgreSQL
    import PostgreSQLEngine
#endif

/// A node's engines as it opened them, with what belongs to them.
struct OpenedEngines: Sendable {
    var store: any Store & Inbox
    /// Where webhooks land, when that is not the store.
    var inboxLog: (any InboxLog)?
    /// Where the queue is a broker: it, and the store with the outbox.
    var brokering: (broker: any JobBroker, outbox: any OutboxStore)?
    /// What workers share to keep rates; nil where there can be but one.
    var register: (any ThrottleRegister)?
    /// The clock that all processes on the store go by.
    var time: any TimeSource
    /// Keep the engines open while the services above them run, and close them when they have stopped.
    var keepers: [any Service]
    /// Whether other processes may be at work on the store.
    var isShared: Bool
    /// How a worker of that name gets to lead; nil where it is alone.
    var lead: (@Sendable (String) -> Pipeline.Lead)?
    /// What processes on one store tell one another by; nil where there is but one store for one process.
    var peers: (any PeerBroadcast)?
    /// Where all processes add what they send; nil where there is but one process.
    var sendRates: (any SendRateStore)?
    /// What runs a worker's pipeline.
    var worker: @Sendable (Pipeline) -> any Service

    /// Opens what the configuration names.
    /// - throws: when something cannot be opened, is not migrated, or is another process's alone.
    init(_ configuration: NodeConfiguration, logger: Logger) async throws {
        let separate = try await SeparateEngines(configuration, logger: logger)
        do {
            try await self.init(configuration, separate: separate, logger: logger)
        } catch {
            await separate.close()
            throw error
        }
    }

    private init(_ configuration: NodeConfiguration, separate: SeparateEngines, logger: Logger) async throws {
        var register = separate.register
        switch configuration.store {
        case .sqlite(let path):
            let store = try await Self.openSQLite(path: path, migrate: configuration.migratesStore)
            let isWorker = configuration.roles.contains(.worker)
            self.store = store
            keepers = [OpenSQLite(store: store, workerLock: isWorker ? try store.acquireWorkerLock() : nil)]
            isShared = false
            time = SystemTimeSource()
            worker = { pipeline in pipeline }
        case .postgresql(let url):
            #if PostgreSQL
                let store = try await Self.openPostgreSQL(
                    url: url, migrate: configuration.migratesStore, writesOutbox: separate.broker != nil)
                let clock = try await DatabaseClock(store, base: SystemTimeSource())
                self.store = store
                isShared = true
                time = clock
                if let broker = separate.broker { brokering = (broker, store) }
                lead = { name in
                    let leadership = Leadership(store, worker: name, logger: logger)
                    return { body in await leadership.lead(body) }
                }
                let listener = NotificationListener(store)
                peers = listener
                sendRates = store
                worker = { pipeline in PostgreSQLWorker(store: store, listener: listener, pipeline: pipeline) }
                let own = register == nil ? PostgreSQLRegister(store) : nil
                register = register ?? own
                keepers = [OpenPostgreSQL(store: store, listener: listener, register: own), clock]
            #else
                _ = url
                throw Self.isNotBuilt
            #endif
        }
        self.register = register
        inboxLog = separate.inboxLog
        keepers.append(OpenSeparateEngines(engines: separate))
    }

    static func openSQLite(path: String, migrate: Bool) async throws(StoreError) -> SQLiteStore {
        var options = SQLiteOptions()
        options.migrate = migrate
        return try await SQLiteStore.open(path: path, options: options)
    }

    #if PostgreSQL
        static func openPostgreSQL(
            url: Secret<String>, migrate: Bool, writesOutbox: Bool = false
        ) async throws(StoreError) -> PostgreSQLStore {
            var options = PostgreSQLOptions()
            options.migrate = migrate
            options.replaysNeedLead = true
            options.writesOutbox = writesOutbox
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

private struct OpenSeparateEngines: Service, CustomStringConvertible {
    let engines: SeparateEngines

    var description: String { "OpenSeparateEngines" }

    func run() async throws {
        try? await gracefulShutdown()
        await engines.close()
    }
}

#if PostgreSQL
    private struct OpenPostgreSQL: Service, CustomStringConvertible {
        let store: PostgreSQLStore
        let listener: NotificationListener
        let register: PostgreSQLRegister?

        var description: String { "OpenPostgreSQL" }

        func run() async throws {
            listener.start()
            try? await gracefulShutdown()
            listener.stop()
            await register?.close()
            await store.close()
        }
    }

    /// Runs a worker, and wakes it for what other processes store.
    private struct PostgreSQLWorker: Service, CustomStringConvertible {
        let store: PostgreSQLStore
        let listener: NotificationListener
        let pipeline: Pipeline

        var description: String { "PostgreSQLWorker" }

        func run() async throws {
            let pipeline = pipeline
            listener.onWakeUp { wakeUp in
                switch wakeUp {
                case .due(let channel): pipeline.wake(channel, dueAt: SystemTimeSource().now())
                case .inbox: pipeline.wakeInbox()
                }
            }
            store.setDispatchesHere(true)
            defer { store.setDispatchesHere(false) }
            try await pipeline.run()
        }
    }
#endif
