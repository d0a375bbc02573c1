import Martlet

/// Where dispatch jobs wait besides the store, which always has them.
package enum QueueLocation: Sendable, Equatable {
    /// Nowhere else.
    case store
    case redis(url: Secret<String>)
    case rabbitmq(url: Secret<String>)
    case sqs(url: Secret<String>)
}

/// Where webhooks land before they are processed.
package enum InboxLocation: Sendable, Equatable {
    case store
    case redis(url: Secret<String>)
    case kafka(url: Secret<String>)
}

/// What the workers share to keep rates.
package enum ThrottleLocation: Sendable, Equatable {
    /// The store: in process for SQLite, a table for PostgreSQL.
    case store
    case postgresql(url: Secret<String>)
    case redis(url: Secret<String>)
}

/// The engines that queue, inbox and throttle can be besides the store, and which of them this build has.
private enum EngineScheme: String, CaseIterable {
    case postgres, redis, amqp, sqs, kafka

    init?(scheme: some StringProtocol) {
        switch scheme {
        case "postgres", "postgresql": self = .postgres
        case "redis", "rediss": self = .redis
        case "amqp", "amqps": self = .amqp
        case "sqs": self = .sqs
        case "kafka": self = .kafka
        default: return nil
        }
    }

    var form: String {
        switch self {
        case .postgres: "postgres://USER:PASSWORD@HOST:PORT/DATABASE"
        case .redis: "redis://[:PASSWORD@]HOST:PORT[/DB]"
        case .amqp: "amqp://USER:PASSWORD@HOST:PORT/VHOST"
        case .sqs: "sqs://HOST[:PORT]/QUEUE?region=REGION"
        case .kafka: "kafka://HOST:PORT[,HOST:PORT…][/TOPIC]"
        }
    }

    var isBuilt: Bool {
        switch self {
        case .postgres:
            #if PostgreSQL
                true
            #else
                false
            #endif
        case .redis:
            #if Redis
                true
            #else
                false
            #endif
        case .amqp:
            #if RabbitMQ
                true
            #else
                false
            #endif
        case .sqs:
            #if SQS
                true
            #else
                false
            #endif
        case .kafka:
            #if Kafka
                true
            #else
                false
            #endif
        }
    }

    /// Reads one of the three keys: nil for the store, else the engine and its URL.
    static func read(
        _ key: ConfigurationKey, among engines: [EngineScheme], _ reader: ConfigurationReader
    ) throws(ConfigurationError) -> (engine: EngineScheme, url: Secret<String>)? {
        let text = try reader.requiredString(key)
        guard text != "store", text != reader.text(.storeURL) else { return nil }
        let forms = (["store"] + engines.filter(\.isBuilt).map(\.form)).joined(separator: " or ")
        let scheme = text.prefix { $0 != ":" }
        guard let engine = EngineScheme(scheme: scheme), engines.contains(engine), text.hasPrefix("\(scheme)://"),
            !text.contains("\0"), text.utf8.count <= 2048
        else { throw reader.refusal(key, "must be \(forms)") }
        guard engine.isBuilt else {
            throw reader.refusal(key, "the engine \(scheme) is not part of this build; allowed is \(forms)")
        }
        return (engine, Secret(text))
    }
}

extension QueueLocation {
    /// Reads `queue.url`.
    static func read(_ reader: ConfigurationReader, store: StoreLocation) throws(ConfigurationError) -> QueueLocation {
        guard let (engine, url) = try EngineScheme.read(.queueURL, among: [.redis, .amqp, .sqs], reader) else {
            return .store
        }
        guard case .postgresql = store else {
            throw reader.refusal(
                .queueURL, "a broker is for several processes, which need store.url to be PostgreSQL; use store")
        }
        switch engine {
        case .redis: return .redis(url: url)
        case .amqp: return .rabbitmq(url: url)
        case .sqs: return .sqs(url: url)
        case .postgres, .kafka: return .store
        }
    }
}

extension InboxLocation {
    /// Reads `inbox.url`.
    static func read(_ reader: ConfigurationReader) throws(ConfigurationError) -> InboxLocation {
        switch try EngineScheme.read(.inboxURL, among: [.redis, .kafka], reader) {
        case (.redis, let url)?: .redis(url: url)
        case (.kafka, let url)?: .kafka(url: url)
        default: .store
        }
    }
}

extension ThrottleLocation {
    /// Reads `throttle.url`.
    static func read(_ reader: ConfigurationReader) throws(ConfigurationError) -> ThrottleLocation {
        switch try EngineScheme.read(.throttleURL, among: [.postgres, .redis], reader) {
        case (.postgres, let url)?: .postgresql(url: url)
        case (.redis, let url)?: .redis(url: url)
        default: .store
        }
    }
}
