import Logging
import Martlet
import ServiceLifecycle

/// The one place that knows every engine and provider and puts a node together. The commands know it by this protocol only.
package protocol NodeComposition: Sendable {
    /// Opens the system of record.
    /// - parameter migrate: brings it to this version's schema; without it, an older schema is an error.
    /// - throws: when it cannot be opened, is of a later version, or is not migrated.
    func openStore(_ configuration: NodeConfiguration, migrate: Bool, logger: Logger) async throws -> any Store & Inbox

    /// Who dispatches from the store now, as far as that can be told; nil where several may.
    func workerHolder(_ configuration: NodeConfiguration) -> WorkerHolder?

    /// Asks the engines besides the store that a configuration names.
    func examineSeparateEngines(_ configuration: NodeConfiguration, logger: Logger) async -> [EngineState]

    /// The provider modules of this build.
    func providers() -> ProviderRegistry

    /// Puts together what this process runs, in the order in which it is started; it is stopped in the reverse order.
    /// - parameter announce: called with what the operator is to know as it becomes known.
    func services(
        _ configuration: NodeConfiguration, logger: Logger, announce: @escaping @Sendable (NodeAnnouncement) -> Void
    ) async throws -> [any Service]
}

extension NodeComposition {
    package func examineSeparateEngines(_ configuration: NodeConfiguration, logger: Logger) async -> [EngineState] {
        []
    }
}

/// How an engine besides the store is.
package struct EngineState: Sendable {
    /// What it is there for.
    package var part: SeparatePart
    /// Why it cannot be used now; nil when it can.
    package var failure: StoreError?
    /// What its operator should know.
    package var warnings: [String] = []

    package init(part: SeparatePart, failure: StoreError? = nil, warnings: [String] = []) {
        self.part = part
        self.failure = failure
        self.warnings = warnings
    }
}

/// Who has the right to dispatch from a store that knows one worker at a time.
package enum WorkerHolder: Sendable, Equatable {
    case nobody
    /// The process's number, where the system tells it.
    case process(Int32?)
}

/// What a node tells its operator while it starts.
package enum NodeAnnouncement: Sendable {
    /// The operator's token was made just now; it is shown this once.
    case adminToken(Secret<String>)
    /// Requests are taken at that address, such as `http://127.0.0.1:8080`.
    case listening(String)
}
