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
