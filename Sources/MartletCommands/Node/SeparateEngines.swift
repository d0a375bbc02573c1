import Logging
import Martlet

#if PostgreSQL
    import PostgreSQLEngine
#endif

/// The engines besides the store that a configuration names, as a node opened them.
struct SeparateEngines: Sendable {
    private(set) var broker: (any JobBroker)?
    private(set) var inboxLog: (any InboxLog)?
    private(set) var register: (any ThrottleRegister)?

    /// Opens them; those that were opened are closed again when one cannot be.
    init(_ configuration: NodeConfiguration, logger: Logger) async throws {
        do {
            switch configuration.throttle {
            case .store: break
            case .postgresql(let url):
                #if PostgreSQL
                    register = try await PostgreSQLRegister.open(url: url.exposed)
                #else
                    _ = url
                #endif
            case .redis(let url): _ = url
            }
        } catch {
            await close()
            throw error
        }
    }

    func close() async {
        await broker?.close()
        await inboxLog?.close()
        await register?.close()
    }
}
