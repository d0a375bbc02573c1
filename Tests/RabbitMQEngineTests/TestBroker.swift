#if RabbitMQ
    import CRabbitMQ
    import EngineConformance
    import Foundation
    import Martlet
    import Testing

    @testable import RabbitMQEngine

    /// Everything that runs against the server: one after the other, as some of it restarts the server.
    @Suite(.serialized, .timeLimit(.minutes(10))) enum ServerTests {}

    /// The broker the tests run on, as `scripts/with-servers` starts it and tells of it.
    enum TestServer {
        static let variable = "MARTLET_TEST_RABBITMQ"

        /// The broker's URL.
        static func url() throws -> String { try value(of: variable) }

        /// The broker's URL with TLS, which names the certificate to trust.
        static func encryptedURL() throws -> String { try value(of: "MARTLET_TEST_RABBITMQ_TLS") }

        /// Runs rabbitmqctl against the broker and gives what it printed.
        @discardableResult
        static func control(_ arguments: String...) async throws -> String {
            let program = try value(of: "MARTLET_TEST_RABBITMQ_CONTROL")
            return try await onThread {
                let process = Process()
                process.executableURL = URL(fileURLWithPath: program)
                process.arguments = ["--quiet"] + arguments
                let output = Pipe()
                process.standardOutput = output
                process.standardError = output
                process.standardInput = FileHandle.nullDevice
                try process.run()
                let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
                process.waitUntilExit()
                guard process.terminationStatus == 0 else { throw Failure(description: printed) }
                return printed
            }
        }

        struct Failure: Error, CustomStringConvertible { var description: String }

        private static func value(of variable: String) throws -> String {
            try #require(
                ProcessInfo.processInfo.environment[variable],
                "these tests need a RabbitMQ broker of their own: run them as `scripts/with-servers swift test …`, or set \(variable)"
            )
        }
    }

    /// Options with names of their own, and no more of anything than a test needs.
    func testOptions(_ adjust: (inout RabbitMQOptions) -> Void = { _ in }) -> RabbitMQOptions {
        var options = RabbitMQOptions()
        options.prefix = "test-\(UUID().uuidString.filter { $0 != "-" }.lowercased())"
        adjust(&options)
        return options
    }

    /// Runs the body with a fresh broker, and takes its exchanges and queues away afterwards.
    func withBroker(
        _ options: RabbitMQOptions = testOptions(), url: String? = nil, patience: Duration = .seconds(60),
        _ body: (BrokerFixture) async throws -> Void
    ) async throws {
        let url = try url ?? TestServer.url()
        let broker = try await RabbitMQBroker.open(url: url, options: options)
        let fixture = BrokerFixture(broker, patience: patience) {
            try await RabbitMQBroker.open(url: url, options: options)
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
        await broker.close()
        try await withConnection { try $0.delete(Topology(options)) }
        try result.get()
    }

    /// Runs what blocks on a thread of its own, with a connection of its own.
    @discardableResult
    func withConnection<Value: Sendable>(_ body: @escaping @Sendable (AMQPConnection) throws -> Value) async throws
        -> Value
    {
        let address = try RabbitMQAddress(url: try TestServer.url())
        return try await onThread {
            let connection = try AMQPConnection(address, name: "test", heartbeat: .seconds(10))
            defer { connection.close() }
            return try body(connection)
        }
    }

    /// Runs what blocks on a thread of its own.
    func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
        }
    }

    /// Asks again and again until it is so, for a minute at most.
    func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < end {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record(what)
    }

    extension AMQPConnection {
        func delete(_ topology: Topology) throws {
            for queue in topology.queues { deleteQueue(queue.name) }
            for exchange in topology.exchanges {
                amqp_exchange_delete(state, channel, amqp_cstring_bytes(strdup(exchange.name)), 0)
            }
        }

        func deleteQueue(_ name: String) {
            amqp_queue_delete(state, channel, amqp_cstring_bytes(strdup(name)), 0, 0)
        }
    }
#endif
