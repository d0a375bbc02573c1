#if RabbitMQ
    import EngineConformance
    import Martlet
    import Logging
    import Synchronization
    import Testing

    @testable import RabbitMQEngine

    extension ServerTests {
        /// What happens to the broker, and that all goes on without help.
        @Suite struct RecoveryTests {
            /// What two tasks know of each other.
            private final class Tally: Sendable {
                private let state = Mutex((confirmed: Set<JobNotice>(), received: Set<JobNotice>(), isOver: false))

                func confirmed(_ notices: [JobNotice]) { state.withLock { $0.confirmed.formUnion(notices) } }
                func received(_ notices: [JobNotice]) { state.withLock { $0.received.formUnion(notices) } }
                func over() { state.withLock { $0.isOver = true } }
                var isOver: Bool { state.withLock { $0.isOver } }
                /// What was confirmed and did not come.
                var missing: Set<JobNotice> { state.withLock { $0.confirmed.subtracting($0.received) } }
            }

            /// Receives and acknowledges until all that was confirmed came, for two minutes at most.
            private func receiveAll(_ fixture: BrokerFixture, _ tally: Tally) async throws {
                let end = ContinuousClock.now + .seconds(120)
                while !tally.isOver || !tally.missing.isEmpty, ContinuousClock.now < end {
                    do throws(StoreError) {
                        let some = try await fixture.broker.receive(limit: 100, wait: .milliseconds(500))
                        try await fixture.broker.acknowledge(some)
                        tally.received(some.map(\.notice))
                    } catch {
                        #expect(error.isRetriable)
                    }
                }
            }

            private func restart() async throws {
                try await TestServer.control("stop_app")
                try await TestServer.control("start_app")
            }

            @Test func `what was published around a restart of the broker arrives`() async throws {
                try await withBroker { fixture in
                    let tally = Tally()
                    let restarted = Tally()
                    async let receiving: Void = receiveAll(fixture, tally)
                    async let restarting: Void = {
                        defer { restarted.over() }
                        try await restart()
                    }()
                    // Before, while it is away, and until one batch went through after.
                    var failures = 0
                    var hasPublishedAfter = false
                    let end = ContinuousClock.now + .seconds(90)
                    while !hasPublishedAfter, ContinuousClock.now < end {
                        let isAfter = restarted.isOver
                        let notices = fixture.notices(10) + fixture.notices(10, dueIn: .seconds(3))
                        do {
                            try await fixture.publish(notices)
                            tally.confirmed(notices)
                            hasPublishedAfter = isAfter
                        } catch let error as StoreError {
                            #expect(error.isRetriable)
                            failures += 1
                        }
                        try await Task.sleep(for: .milliseconds(20))
                    }
                    tally.over()
                    try await restarting
                    try await receiving
                    #expect(hasPublishedAfter)
                    #expect(failures > 0)
                    #expect(tally.missing.isEmpty)
                    try await fixture.broker.check()
                }
            }

            @Test func `after a purge it goes on`() async throws {
                let options = testOptions()
                try await withBroker(options) { fixture in
                    try await fixture.publish(fixture.notices(50))
                    try await TestServer.control("purge_queue", Topology(options).queue(.normal))
                    #expect(try await fixture.drained(from: fixture.broker) == [])
                    try await TestServer.control("purge_queue", Topology(options).queue(.normal))
                    let notices = fixture.notices(5)
                    try await fixture.publish(notices)
                    #expect(Set(try await fixture.receive(5).map(\.notice)) == Set(notices))
                }
            }

            @Test func `connections that the broker closes are made anew, and what they held comes again`() async throws
            {
                try await withBroker { fixture in
                    let notices = fixture.notices(5)
                    try await fixture.publish(notices)
                    let first = try await fixture.receive(5)
                    #expect(first.count == 5)
                    try await TestServer.control("close_all_connections", "a test")
                    // The call does not notice.
                    let more = fixture.notices(1)
                    try await fixture.publish(more)
                    let again = try await fixture.receive { Set($0.map(\.notice)) == Set(notices + more) }
                    #expect(Set(again.map(\.notice)) == Set(notices + more))
                    try await fixture.broker.acknowledge(first)
                    try await fixture.broker.acknowledge(again)
                    #expect(try await fixture.drained(from: fixture.broker) == [])
                    try await eventually("the check passes") { (try? await fixture.broker.check()) != nil }
                }
            }

            @Test func `queues and exchanges that somebody deletes are there again`() async throws {
                let options = testOptions { $0.logger = Logger(label: "x") }
                try await withBroker(options) { fixture in
                    let topology = Topology(options)
                    // Receiving has begun.
                    #expect(try await fixture.drained(from: fixture.broker) == [])
                    try await withConnection { $0.deleteQueue(topology.queue(.normal)) }
                    let notices = fixture.notices(3)
                    try await fixture.publish(notices)
                    #expect(Set(try await fixture.receive(3).map(\.notice)) == Set(notices))
                    try await withConnection { try $0.delete(topology) }
                    let more = fixture.notices(3) + fixture.notices(1, dueIn: .seconds(2))
                    try await fixture.publish(more)
                    let received = try await fixture.receive { Set($0.map(\.notice)).isSuperset(of: more) }
                    #expect(Set(received.map(\.notice)).isSuperset(of: more))
                }
            }

            @Test func `a channel that is made anew in silence loses nothing, and old receipts mean nothing on it`()
                async throws
            {
                try await withBroker(testOptions { $0.silenceMax = .milliseconds(20) }) { fixture in
                    var old: [DeliveredJob] = []
                    for _ in 0..<10 {
                        let notices = fixture.notices(3)
                        try await fixture.publish(notices)
                        let received = try await fixture.receive(3)
                        #expect(received.count == 3)
                        #expect(Set(received.map(\.notice)) == Set(notices))
                        try await fixture.broker.acknowledge(old)
                        try await fixture.broker.acknowledge(received)
                        old += received
                        #expect(try await fixture.broker.receive(limit: 1, wait: .milliseconds(1200)).isEmpty)
                    }
                    let held = fixture.notices(3)
                    try await fixture.publish(held)
                    #expect(try await fixture.receive(3).count == 3)
                    try await fixture.broker.acknowledge(old)
                    await fixture.broker.close()
                    try await fixture.withAnother { receiver async throws in
                        #expect(Set(try await fixture.receive(3, from: receiver).map(\.notice)) == Set(held))
                        #expect(try await receiver.receive(limit: 1, wait: .milliseconds(300)).isEmpty)
                    }
                }
            }

            @Test func `a connection on which nothing passes any more is given up and made anew`() async throws {
                let address = try RabbitMQAddress(url: try TestServer.url())
                let proxy = try FreezingProxy(to: address.port)
                defer { proxy.close() }
                let url = "amqp://\(address.user):\(address.password.exposed)@127.0.0.1:\(proxy.port)/%2F"
                let options = testOptions {
                    $0.heartbeat = .seconds(2)
                    $0.publishTimeout = .seconds(2)
                }
                try await withBroker(options, url: url) { fixture in
                    let before = fixture.notices(2)
                    try await fixture.publish(before)
                    #expect(try await fixture.receive(2).count == 2)
                    proxy.freeze()
                    // What is published meanwhile comes, and what was held comes again.
                    let notices = fixture.notices(3)
                    try await eventually("publishing goes on") { (try? await fixture.publish(notices)) != nil }
                    let received = try await fixture.receive { Set($0.map(\.notice)).isSuperset(of: before + notices) }
                    #expect(Set(received.map(\.notice)).isSuperset(of: before + notices))
                }
            }

            @Test func `while the broker is short of memory, publishing is unavailable, and goes on after`()
                async throws
            {
                try await withBroker(testOptions { $0.publishTimeout = .seconds(2) }) { fixture in
                    try await TestServer.control("set_vm_memory_high_watermark", "absolute", "1MB")
                    let error = try await #require(throws: StoreError.self) {
                        while true { try await fixture.publish(fixture.notices(1)) }
                    }
                    let check = try await #require(throws: StoreError.self) { try await fixture.broker.check() }
                    try await TestServer.control("set_vm_memory_high_watermark", "0.4")
                    #expect(error.code == .unavailable)
                    #expect(error.message.contains("takes no messages"))
                    #expect(check.code == .unavailable)
                    try await eventually("publishing goes on") {
                        (try? await fixture.publish(fixture.notices(1))) != nil
                    }
                    #expect(try await !fixture.receive(1).isEmpty)
                }
            }
        }
    }
#endif
