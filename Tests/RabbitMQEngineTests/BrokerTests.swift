#if RabbitMQ
    import EngineConformance
    import Martlet
    import Testing

    @testable import RabbitMQEngine

    extension ServerTests {
        /// What RabbitMQ's engine does beyond the port.
        @Suite struct BrokerTests {
            private func deadLetters(_ options: RabbitMQOptions) async throws -> Int {
                let queue = Topology(options).deadLetters
                return try await withConnection { try $0.ready(in: queue) }
            }

            @Test func `what cannot be read goes to the dead letters, and what can is delivered`() async throws {
                let options = testOptions()
                try await withBroker(options) { fixture in
                    let jobs = Topology(options).jobs
                    let bodies = [Array("{}".utf8), [], [0, 255], [UInt8](repeating: 32, count: 300_000)]
                    try await withConnection { connection in
                        for body in bodies {
                            try connection.publish(
                                OutgoingMessage(exchange: jobs, routingKey: "high", id: "x", type: "job", body: body))
                        }
                        // The answer to a question comes when what was sent before it is there.
                        _ = try connection.ready(in: "\(jobs).high")
                    }
                    let notices = fixture.notices(2)
                    try await fixture.publish(notices)
                    #expect(Set(try await fixture.receive(2).map(\.notice)) == Set(notices))
                    try await eventually("the unreadable are among the dead letters") {
                        try await deadLetters(options) == bodies.count
                    }
                }
            }

            @Test func `what is delivered too often goes to the dead letters`() async throws {
                let options = testOptions { $0.deliveryLimit = 2 }
                try await withBroker(options) { fixture in
                    try await fixture.publish(fixture.notices(1))
                    for _ in 0..<3 {
                        try await fixture.withAnother { receiver async throws in
                            #expect(try await fixture.receive(1, from: receiver).count == 1)
                        }
                    }
                    try await eventually("it is among the dead letters") { try await deadLetters(options) == 1 }
                    #expect(try await fixture.drained(from: fixture.broker) == [])
                }
            }

            @Test func `dead letters are seen in their queue, and the oldest go when there are too many`() async throws
            {
                let options = testOptions { $0.deadLettersMax = 5 }
                try await withBroker(options) { fixture in
                    try await fixture.broker.publishDeadLetters((0..<3).map { _ in fixture.deadLetter() })
                    #expect(try await deadLetters(options) == 3)
                    try await fixture.broker.publishDeadLetters((0..<9).map { _ in fixture.deadLetter() })
                    try await eventually("only so many are kept") { try await deadLetters(options) == 5 }
                    // What RabbitMQ's own tools show is some seconds old.
                    try await eventually("the operator sees them") {
                        let listed = try await TestServer.control("list_queues", "name", "messages")
                        return listed.contains("\(options.prefix).dead-letters\t5")
                    }
                }
            }

            @Test func `what is handed out and lies too long is delivered again`() async throws {
                try await withBroker(testOptions { $0.holdMax = .seconds(1) }) { fixture in
                    let notices = fixture.notices(1)
                    try await fixture.publish(notices)
                    let first = try await fixture.receive(1)
                    let second = try await fixture.receive(1)
                    #expect(first.map(\.notice) == notices)
                    #expect(second.map(\.notice) == notices)
                    #expect(first != second)
                    try await fixture.broker.acknowledge(first)
                    try await fixture.broker.acknowledge(second)
                }
            }

            @Test func `a receiver that asks no more gives back what nobody took`() async throws {
                try await withBroker(testOptions { $0.idleMax = .seconds(1) }) { fixture in
                    let notices = fixture.notices(20)
                    try await fixture.publish(notices)
                    let taken = try await fixture.receive(1, limit: 1)
                    try await fixture.withAnother { another in
                        let rest = try await fixture.receive(19, from: another)
                        #expect(Set((rest + taken).map(\.notice)) == Set(notices))
                        try await another.acknowledge(rest)
                    }
                    // The first goes on as if nothing had been.
                    try await fixture.broker.acknowledge(taken)
                    let more = fixture.notices(3)
                    try await fixture.publish(more)
                    #expect(Set(try await fixture.receive(3).map(\.notice)) == Set(more))
                }
            }

            @Test func `a process that only publishes holds nothing back`() async throws {
                try await withBroker { fixture in
                    try await fixture.publish(fixture.notices(3))
                    try await fixture.broker.check()
                    try await fixture.withAnother { receiver async throws in
                        #expect(try await fixture.receive(3, from: receiver).count == 3)
                    }
                }
            }

            @Test func `a receive that is cancelled ends`() async throws {
                try await withBroker { fixture async throws in
                    let receiving = Task { try await fixture.broker.receive(limit: 1, wait: .seconds(3600)) }
                    receiving.cancel()
                    #expect(try await receiving.value.isEmpty)
                }
            }

            @Test func `queues with other arguments are refused with what to do`() async throws {
                let options = testOptions()
                try await withBroker(options) { _ in
                    var other = options
                    other.deliveryLimit = 21
                    let error = try await #require(throws: StoreError.self) {
                        try await RabbitMQBroker.open(url: try TestServer.url(), options: other)
                    }
                    #expect(error.code == .unusable)
                    #expect(error.message.contains("x-delivery-limit"))
                    #expect(error.remedy?.contains("delete it") == true)
                }
            }

            @Test func `a wrong password and a wrong virtual host are named, and the password kept`() async throws {
                let url = try TestServer.url()
                let wrongPassword = try #require(url.replacing("guest:guest@", with: "guest:s3cret@") as String?)
                let refused = try await #require(throws: StoreError.self) {
                    try await RabbitMQBroker.open(url: wrongPassword, options: testOptions())
                }
                #expect(refused.code == .unusable)
                #expect(refused.message.contains("ACCESS_REFUSED"))
                #expect(!"\(refused) \(refused.remedy ?? "")".contains("s3cret"))
                let elsewhere = url.prefix { $0 != "%" } + "nowhere"
                let absent = try await #require(throws: StoreError.self) {
                    try await RabbitMQBroker.open(url: String(elsewhere), options: testOptions())
                }
                #expect(absent.code == .unusable)
                #expect(absent.message.contains("nowhere"))
            }

            @Test func `over TLS everything is as without`() async throws {
                try await withBroker(url: try TestServer.encryptedURL()) { fixture in
                    let notices = fixture.notices(300)
                    try await fixture.publish(notices)
                    #expect(Set(try await fixture.receive(300).map(\.notice)) == Set(notices))
                }
            }

            @Test func `a certificate that is not trusted, or is another host's, is refused`() async throws {
                let url = try TestServer.encryptedURL()
                let mark = try #require(url.firstIndex(of: "?"))
                for wrong in [String(url[..<mark]), url.replacing("@localhost:", with: "@127.0.0.1:")] {
                    let error = try await #require(throws: StoreError.self) {
                        try await RabbitMQBroker.open(url: wrong, options: testOptions())
                    }
                    #expect(error.code == .unavailable)
                    #expect(error.message.contains("SSL") || error.message.contains("certificate"))
                }
            }

            @Test func `a broker that is not there is unavailable`() async throws {
                let error = try await #require(throws: StoreError.self) {
                    try await RabbitMQBroker.open(url: "amqp://127.0.0.1:1", options: testOptions())
                }
                #expect(error.code == .unavailable)
                #expect(error.message.contains("127.0.0.1:1"))
            }
        }
    }
#endif
