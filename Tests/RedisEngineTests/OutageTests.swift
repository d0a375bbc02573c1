#if Redis
    import Martlet
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct OutageTests {
        private var now: Timestamp { SystemTimeSource().now() }

        private func impatient(_ options: inout RedisOptions) {
            options.commandTimeout = .milliseconds(500)
            options.connectTimeout = .milliseconds(500)
            options.pauseMax = .milliseconds(100)
            options.redeliverAfter = .seconds(1)
            options.reclaimEvery = .milliseconds(100)
        }

        @Test func `what was confirmed is there after the server crashed, and all goes on without help`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine(impatient)
                    let (broker, log) = (engine.broker, engine.inboxLog)
                    let published = Set(notices(60))
                    try await broker.publish(Array(published), now: now)
                    try await log.append(webhooks(30))
                    #expect(try await broker.receive(limit: 20, wait: .seconds(5)).count == 20)
                    let leased = try await log.lease(limit: 10, for: .seconds(1), wait: .seconds(5))
                    try await log.complete(leased.prefix(4).map(\.sequence))

                    try await server.kill()
                    let away = await failure { try await broker.publish(notices(1), now: now) }
                    #expect(away?.code == .unavailable)
                    #expect(await failure { try await log.append(webhooks(1)) }?.code == .unavailable)
                    #expect(await failure { try await engine.check() }?.code == .unavailable)
                    try await server.start()

                    var received: Set<JobNotice> = []
                    _ = try await eventually("all notices come") {
                        let jobs = (try? await broker.receive(limit: 100, wait: .milliseconds(100))) ?? []
                        received.formUnion(jobs.map(\.notice))
                        return received.isSuperset(of: published) ? true : nil
                    }
                    var entries: [InboxEntry] = []
                    _ = try await eventually("all webhooks come") {
                        let some = (try? await log.lease(limit: 100, for: .seconds(60), wait: .milliseconds(100))) ?? []
                        entries += some.map(\.entry)
                        return entries.count >= 26 ? true : nil
                    }
                    #expect(Set(entries.map(\.receivedAt)) == Set(webhooks(26, from: 4).map(\.receivedAt)))
                }
            }
        }

        @Test func `a receiver that waits while the server is restarted and flushed gets what is published then`()
            async throws
        {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let receiver = try await data.engine(impatient).broker
                    let publisher = try await data.engine(impatient).broker
                    let expected = Set(notices(5))
                    try await withThrowingTaskGroup(of: Set<JobNotice>.self) { group in
                        group.addTask {
                            var received: Set<JobNotice> = []
                            return try await eventually("the notices come") {
                                // While the server is away, it says so, and is asked again.
                                let jobs = (try? await receiver.receive(limit: 10, wait: .seconds(2))) ?? []
                                received.formUnion(jobs.map(\.notice))
                                return received.isSuperset(of: expected) ? received : nil
                            }
                        }
                        try await server.kill()
                        try await server.start()
                        _ = try await eventually("the server is flushed") { try? await data.command("FLUSHALL") }
                        _ = try await eventually("the notices are published") {
                            try? await publisher.publish(Array(expected), now: now)
                        }
                        for try await received in group { #expect(received == expected) }
                    }
                }
            }
        }

        @Test func `a server that is silent is taken for dead, and found again`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine(impatient)
                    try await engine.broker.publish(notices(1), now: now)
                    async let waiting = failure { try await engine.broker.receive(limit: 5, wait: .seconds(60)) }
                    async let leasing = failure {
                        try await engine.inboxLog.lease(limit: 5, for: .seconds(5), wait: .seconds(60))
                    }
                    _ = try await eventually("the notice is received") {
                        try await data.command("XPENDING %:jobs:normal workers").list?.first?.number == 1 ? true : nil
                    }
                    server.freeze()
                    #expect(
                        await failure { try await engine.broker.publish(notices(1), now: now) }?.code == .unavailable)
                    #expect(await failure { try await engine.inboxLog.append(webhooks(1)) }?.code == .unavailable)
                    #expect(await failure { try await engine.register.check() }?.code == .unavailable)
                    // One had its notice; the other waited, and is told.
                    #expect(await waiting == nil)
                    #expect(await leasing?.code == .unavailable)
                    server.thaw()
                    _ = try await eventually("it works again") { try? await engine.broker.check() }
                    _ = try await eventually("it works again") { try? await engine.inboxLog.check() }
                    _ = try await eventually("it works again") { try? await engine.register.check() }
                }
            }
        }

        @Test func `what a killed process held comes to another, and what a closing one held at once`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let closing = try await data.engine()
                    let published = Set(notices(10))
                    try await closing.broker.publish(Array(published), now: now)
                    try await closing.inboxLog.append(webhooks(10))
                    #expect(try await closing.broker.receive(limit: 10, wait: .seconds(5)).count == 10)
                    #expect(
                        try await closing.inboxLog.lease(limit: 10, for: .seconds(300), wait: .seconds(5)).count == 10)
                    await closing.close()
                    // This one would have to wait for a minute and for five.
                    let engine = try await data.engine()
                    let received = try await engine.broker.receive(limit: 10, wait: .seconds(5))
                    #expect(Set(received.map(\.notice)) == published)
                    let leased = try await engine.inboxLog.lease(limit: 10, for: .seconds(300), wait: .seconds(5))
                    #expect(leased.map(\.entry) == webhooks(10))
                }
            }
        }

        @Test func `closing ends while the server is away`() async throws {
            try await withPrivateServer { server in
                try await withTestData(on: server.url) { data in
                    let engine = try await data.engine(impatient)
                    try await engine.broker.publish(notices(1), now: now)
                    #expect(try await engine.broker.receive(limit: 1, wait: .seconds(5)).count == 1)
                    server.freeze()
                    await engine.close()
                    #expect(await failure { try await engine.broker.check() }?.code == .unavailable)
                    server.thaw()
                }
            }
        }
    }
#endif
