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
            switch configuration.queue {
            case .store: break
            case .redis(let url):
                broker = try await LateBroker { () async throws(StoreError) in
                    try await Self.redis(url) { $0.broker }
                }
            case .rabbitmq(let url):
                broker = try await LateBroker { () async throws(StoreError) in try await Self.rabbitmq(url) }
            case .sqs(let url):
                broker = try await LateBroker { () async throws(StoreError) in try await Self.sqs(url, logger) }
            }
            switch configuration.inbox {
            case .store: break
            case .redis(let url):
                inboxLog = try await LateInboxLog { () async throws(StoreError) in
                    try await Self.redis(url) { $0.inboxLog }
                }
            case .kafka(let url):
                inboxLog = try await LateInboxLog { () async throws(StoreError) in try await Self.kafka(url, logger) }
            }
            switch configuration.throttle {
            case .store: break
            case .postgresql(let url):
                register = try await LateRegister { () async throws(StoreError) in try await Self.postgresql(url) }
            case .redis(let url):
                register = try await LateRegister { () async throws(StoreError) in
                    try await Self.redis(url) { $0.register }
                }
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

    /// Opens each engine for itself, asks how it is, and closes it.
    static func examine(_ configuration: NodeConfiguration, logger: Logger) async -> [EngineState] {
        var states: [EngineState] = []
        func examine(_ part: String, redis: Secret<String>? = nil, _ body: () async throws(StoreError) -> Void) async {
            var state = EngineState(part: part)
            do throws(StoreError) {
                try await body()
                if let redis { state.warnings = try await warnings(redis) }
            } catch {
                state.failure = error
            }
            states.append(state)
        }
        func look(at broker: any JobBroker) async throws(StoreError) {
            do throws(StoreError) { try await broker.check() } catch {
                await broker.close()
                throw error
            }
            await broker.close()
        }
        func look(at log: any InboxLog) async throws(StoreError) {
            do throws(StoreError) { try await log.check() } catch {
                await log.close()
                throw error
            }
            await log.close()
        }
        func look(at register: any ThrottleRegister) async throws(StoreError) {
            do throws(StoreError) { try await register.check() } catch {
                await register.close()
                throw error
            }
            await register.close()
        }
        switch configuration.queue {
        case .store: break
        case .redis(let url):
            await examine("queue", redis: url) { () async throws(StoreError) in
                try await look(at: try await redis(url) { $0.broker })
            }
        case .rabbitmq(let url):
            await examine("queue") { () async throws(StoreError) in try await look(at: try await rabbitmq(url)) }
        case .sqs(let url):
            await examine("queue") { () async throws(StoreError) in try await look(at: try await sqs(url, logger)) }
        }
        switch configuration.inbox {
        case .store: break
        case .redis(let url):
            await examine("inbox", redis: url) { () async throws(StoreError) in
                try await look(at: try await redis(url) { $0.inboxLog })
            }
        case .kafka(let url):
            await examine("inbox") { () async throws(StoreError) in try await look(at: try await kafka(url, logger)) }
        }
        switch configuration.throttle {
        case .store: break
        case .postgresql(let url):
            await examine("throttle") { () async throws(StoreError) in try await look(at: try await postgresql(url)) }
        case .redis(let url):
            await examine("throttle", redis: url) { () async throws(StoreError) in
                try await look(at: try await redis(url) { $0.register })
            }
        }
        return states
    }

    private static func warnings(_ url: Secret<String>) async throws(StoreError) -> [String] {
        #if Redis
            let engine = try await RedisEngine.open(url: url.exposed)
            do throws(StoreError) {
                let warnings = try await engine.warnings()
                await engine.close()
                return warnings
            } catch {
                await engine.close()
                throw error
            }
        #else
            return []
        #endif
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
