import Foundation
import Logging
import Martlet

#if Kafka
    import KafkaEngine
#endif
#if PostgreSQL
    import PostgreSQLEngine
#endif
#if RabbitMQ
    import RabbitMQEngine
#endif
#if Redis
    import RedisEngine
#endif
#if SQS
    import SQSEngine
#endif

/// The engines besides the store that a configuration names, as a node opened them.
struct SeparateEngines: Sendable {
    private(set) var broker: (any JobBroker)?
    private(set) var inboxLog: (any InboxLog)?
    private(set) var register: (any ThrottleRegister)?

    /// Opens them. One that cannot be reached now is opened as soon as it can: until then messages are accepted, and the queue
    /// is the store's.
    /// - throws: when one can be reached and is of no use, or its URL is wrong.
    init(_ configuration: NodeConfiguration, logger: Logger) async throws {
        do {
            if let opening = Self.queue(configuration, logger) { broker = try await LateEngine(opening) }
            if let opening = Self.inbox(configuration, logger) { inboxLog = try await LateEngine(opening) }
            if let opening = Self.throttle(configuration) { register = try await LateEngine(opening) }
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

    /// Opens each engine for itself, asks how it is, and closes it.
    static func examine(_ configuration: NodeConfiguration, logger: Logger) async -> [EngineState] {
        let states = [
            await queue(configuration, logger)?.examine(as: .queue),
            await inbox(configuration, logger)?.examine(as: .inbox),
            await throttle(configuration)?.examine(as: .throttle),
        ]
        return states.compactMap(\.self)
    }

    // MARK: What a configuration names; nil for the store

    private static func queue(_ configuration: NodeConfiguration, _ logger: Logger) -> EngineOpening<any JobBroker>? {
        switch configuration.queue {
        case .store: nil
        case .redis(let url):
            EngineOpening(warnings: { () async throws(StoreError) in try await warnings(url, keepsInbox: false) }) {
                () async throws(StoreError) in try await redis(url) { $0.broker }
            }
        case .rabbitmq(let url): EngineOpening { () async throws(StoreError) in try await rabbitmq(url) }
        case .sqs(let url): EngineOpening { () async throws(StoreError) in try await sqs(url, logger) }
        }
    }

    private static func inbox(_ configuration: NodeConfiguration, _ logger: Logger) -> EngineOpening<any InboxLog>? {
        switch configuration.inbox {
        case .store: nil
        case .redis(let url):
            EngineOpening(warnings: { () async throws(StoreError) in try await warnings(url, keepsInbox: true) }) {
                () async throws(StoreError) in try await redis(url) { $0.inboxLog }
            }
        case .kafka(let url): EngineOpening { () async throws(StoreError) in try await kafka(url, logger) }
        }
    }

    private static func throttle(_ configuration: NodeConfiguration) -> EngineOpening<any ThrottleRegister>? {
        switch configuration.throttle {
        case .store: nil
        case .postgresql(let url): EngineOpening { () async throws(StoreError) in try await postgresql(url) }
        case .redis(let url):
            EngineOpening(warnings: { () async throws(StoreError) in try await warnings(url, keepsInbox: false) }) {
                () async throws(StoreError) in try await redis(url) { $0.register }
            }
        }
    }

    // MARK: The engines of this build. A configuration names no other.

    private static func redis<Part>(
        _ url: Secret<String>, _ part: (any RedisParts) -> Part
    ) async throws(StoreError) -> Part {
        #if Redis
            part(try await RedisEngine.open(url: url.exposed))
        #else
            throw isNotBuilt
        #endif
    }

    /// - parameter keepsInbox: whether webhooks land there.
    private static func warnings(_ url: Secret<String>, keepsInbox: Bool) async throws(StoreError) -> [String] {
        #if Redis
            let engine = try await RedisEngine.open(url: url.exposed)
            do throws(StoreError) {
                let warnings = try await engine.warnings(keepsInbox: keepsInbox)
                await engine.close()
                return warnings
            } catch {
                await engine.close()
                throw error
            }
        #else
            throw isNotBuilt
        #endif
    }

    private static func rabbitmq(_ url: Secret<String>) async throws(StoreError) -> any JobBroker {
        #if RabbitMQ
            try await RabbitMQBroker.open(url: url.exposed)
        #else
            throw isNotBuilt
        #endif
    }

    private static func sqs(_ url: Secret<String>, _ logger: Logger) async throws(StoreError) -> any JobBroker {
        #if SQS
            try await SQSBroker.open(
                url: url.exposed, environment: ProcessInfo.processInfo.environment, logger: logger)
        #else
            throw isNotBuilt
        #endif
    }

    private static func kafka(_ url: Secret<String>, _ logger: Logger) async throws(StoreError) -> any InboxLog {
        #if Kafka
            try await KafkaInboxLog.open(url: url.exposed, logger: logger)
        #else
            throw isNotBuilt
        #endif
    }

    private static func postgresql(_ url: Secret<String>) async throws(StoreError) -> any ThrottleRegister {
        #if PostgreSQL
            try await PostgreSQLRegister.open(url: url.exposed)
        #else
            throw isNotBuilt
        #endif
    }

    private static let isNotBuilt = StoreError(.unusable, "the engine is not part of this build")
}

/// What a Redis server can be.
protocol RedisParts: Sendable {
    var register: any ThrottleRegister { get }
    var broker: any JobBroker { get }
    var inboxLog: any InboxLog { get }
}

#if Redis
    extension RedisEngine: RedisParts {}
#endif
