import Martlet

/// How an engine besides the store is opened.
struct EngineOpening<Engine: Sendable>: Sendable {
    typealias Open = @Sendable () async throws(StoreError) -> Engine
    typealias Warnings = @Sendable () async throws(StoreError) -> [String]

    /// Opens it; what is opened is the caller's to close.
    let open: Open
    /// What operators should know about how its server is set up.
    let warnings: Warnings
    /// The engine as one of which it does not matter what it is there for.
    let asSeparate: @Sendable (Engine) -> any SeparateEngine

    private init(
        _ open: @escaping Open, _ warnings: Warnings?, _ asSeparate: @escaping @Sendable (Engine) -> any SeparateEngine
    ) {
        self.open = open
        self.warnings = warnings ?? { [] }
        self.asSeparate = asSeparate
    }

    /// Opens it, asks how it is, and closes it.
    func examine(as part: SeparatePart) async -> EngineState {
        var state = EngineState(part: part)
        do throws(StoreError) {
            let engine = asSeparate(try await open())
            do throws(StoreError) { try await engine.check() } catch { state.failure = error }
            await engine.close()
            if state.failure == nil { state.warnings = try await warnings() }
        } catch {
            state.failure = error
        }
        return state
    }
}

extension EngineOpening where Engine == any JobBroker {
    init(warnings: Warnings? = nil, _ open: @escaping Open) { self.init(open, warnings) { $0 } }
}

extension EngineOpening where Engine == any InboxLog {
    init(warnings: Warnings? = nil, _ open: @escaping Open) { self.init(open, warnings) { $0 } }
}

extension EngineOpening where Engine == any ThrottleRegister {
    init(warnings: Warnings? = nil, _ open: @escaping Open) { self.init(open, warnings) { $0 } }
}
