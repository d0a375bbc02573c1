#if Redis
    import Martlet
    import Testing

    @testable import RedisEngine

    @Suite(.timeLimit(.minutes(5))) struct BrokerTests {
        private var now: Timestamp { SystemTimeSource().now() }

        private func receive(_ count: Int, from broker: any JobBroker) async throws -> [DeliveredJob] {
            var jobs: [DeliveredJob] = []
            return try await eventually("\(count) are received") {
                jobs += try await broker.receive(limit: 100, wait: .milliseconds(100))
                return jobs.count >= count ? jobs : nil
            }
        }

        @Test func `what a receiver lets lie goes to another, and is then no longer the first one's`() async throws {
            try await withTestData { data in
                let first = try await data.engine().broker
                let second = try await data.engine {
                    $0.redeliverAfter = .milliseconds(300)
                    $0.reclaimEvery = .milliseconds(50)
                }.broker
                let published = Set(notices(20) + notices(3, .low))
                try await first.publish(Array(published), now: now)
                let taken = try await receive(23, from: first)
                let again = try await receive(23, from: second)
                #expect(Set(again.map(\.notice)) == published)
                try await first.acknowledge(taken)
                #expect(try await data.command("XLEN %:jobs:normal").number == 20)
                try await second.acknowledge(again)
                #expect(try await data.command("XLEN %:jobs:normal").number == 0)
                #expect(try await data.command("XLEN %:jobs:low").number == 0)
            }
        }

        @Test func `what comes to the same receiver again is ended by its later receipt alone`() async throws {
            try await withTestData { data in
                let broker = try await data.engine {
                    $0.redeliverAfter = .milliseconds(200)
                    $0.reclaimEvery = .milliseconds(50)
                }.broker
                try await broker.publish(notices(1), now: now)
                let first = try await receive(1, from: broker)
                let second = try await receive(1, from: broker)
                #expect(first.map(\.notice) == second.map(\.notice))
                try await broker.acknowledge(first)
                #expect(try await data.command("XLEN %:jobs:normal").number == 1)
            }
        }

        @Test func `more than one look's worth of what others let lie is found`() async throws {
            try await withTestData { data in
                let gone = try await data.engine().broker
                let published = notices(1200)
                try await gone.publish(published, now: now)
                for _ in 0..<12 { #expect(try await gone.receive(limit: 100, wait: .seconds(5)).count == 100) }
                let broker = try await data.engine {
                    $0.redeliverAfter = .milliseconds(100)
                    $0.reclaimEvery = .milliseconds(50)
                }.broker
                var found: Set<JobNotice> = []
                _ = try await eventually("all come") {
                    let some = try await broker.receive(limit: 7, wait: .milliseconds(100))
                    try await broker.acknowledge(some)
                    found.formUnion(some.map(\.notice))
                    return found.count == published.count ? true : nil
                }
                #expect(found == Set(published))
            }
        }

        @Test func `what cannot be read is put among the dead letters and does not come`() async throws {
            try await withTestData { data in
                let broker = try await data.engine().broker
                try await data.command("XADD %:jobs:normal * notice garbage")
                try await data.command("XADD %:jobs:high * some thing other things")
                try await data.command("ZADD %:jobs:later 0 nothing")
                try await data.command("ZADD %:jobs:later 0 1:neither")
                let published = notices(1, .low)
                try await broker.publish(published, now: now)
                let jobs = try await receive(1, from: broker)
                #expect(jobs.map(\.notice) == published)
                try await broker.acknowledge(jobs)
                #expect(try await broker.receive(limit: 10, wait: .milliseconds(100)).isEmpty)
                let dead = try await data.command("XRANGE %:jobs:dead - +").list ?? []
                let fields = dead.map { $0.list?.last?.list?.map { $0.text ?? "" } ?? [] }
                #expect(
                    Set(fields) == [
                        ["unreadable", "garbage"], ["unreadable", "some thing other things"],
                        ["unreadable", "nothing"], ["unreadable", "neither"],
                    ])
                for name in ["high", "normal", "low"] {
                    #expect(try await data.command("XLEN %:jobs:\(name)").number == 0)
                }
                #expect(try await data.command("ZCARD %:jobs:later").number == 0)
            }
        }

        @Test func `dead letters are whole, and the oldest go when there are too many`() async throws {
            try await withTestData { data in
                let broker = try await data.engine { $0.deadLettersMax = 200 }.broker
                let notice = notices(1)[0]
                let letters = (0..<1200).map {
                    DeadLetterNotice(
                        message: notice.message, channel: notice.channel, reason: "reason_\($0)", at: notice.dueAt)
                }
                try await broker.publishDeadLetters(letters)
                let kept = try await data.command("XREVRANGE %:jobs:dead + -").list ?? []
                // The server lets go whole blocks of a hundred.
                #expect((200..<400).contains(kept.count))
                #expect(kept.first?.list?.last?.list?.last?.bytes == letters[1199].encoded())
            }
        }

        @Test func `it goes on when its group, or everything, is gone`() async throws {
            try await withTestData { data in
                let broker = try await data.engine().broker
                let first = notices(1)
                try await broker.publish(first, now: now)
                let held = try await receive(1, from: broker)
                try await data.command("XGROUP DESTROY %:jobs:normal workers")
                // The entry is still there, and comes from the beginning.
                let again = try await receive(1, from: broker)
                #expect(again.map(\.notice) == first)
                try await data.command("DEL %:jobs:high %:jobs:normal %:jobs:low %:jobs:later")
                try await broker.acknowledge(held + again)
                let second = notices(2, .high)
                try await broker.publish(second, now: now)
                let received = try await receive(2, from: broker)
                #expect(Set(received.map(\.notice)) == Set(second))
            }
        }

        @Test func `a key that holds something else is named as what is wrong`() async throws {
            try await withTestData { data in
                let broker = try await data.engine().broker
                try await data.command("SET %:jobs:high text")
                #expect(await failure { try await broker.publish(notices(1, .high), now: now) }?.code == .unusable)
                #expect(await failure { try await broker.check() }?.code == .unusable)
                #expect(await failure { try await broker.receive(limit: 1, wait: .zero) }?.code == .unusable)
            }
        }

        @Test func `receivers that are gone and hold nothing are forgotten, and a closed one at once`() async throws {
            try await withTestData { data in
                func receivers() async throws -> [String] {
                    let list = try await data.command("XINFO CONSUMERS %:jobs:normal workers").list ?? []
                    return list.compactMap { $0.list?[1].text }
                }
                let closing = try await data.engine().broker
                try await closing.publish(notices(1), now: now)
                try await closing.acknowledge(try await receive(1, from: closing))
                #expect(try await receivers().count == 1)
                await closing.close()
                #expect(try await receivers().isEmpty)

                try await data.command("XGROUP CREATECONSUMER %:jobs:normal workers gone")
                try await data.engine().broker.publish(notices(1), now: now)
                try await data.command("XREADGROUP GROUP workers holder COUNT 1 STREAMS %:jobs:normal >")
                let broker = try await data.engine {
                    $0.tidyEvery = .zero
                    $0.forgetAfter = .zero
                }.broker
                let left = try await eventually("the one that is gone is forgotten") {
                    _ = try await broker.receive(limit: 1, wait: .zero)
                    let left = try await receivers()
                    return left.contains("gone") ? nil : left
                }
                #expect(left.contains("holder"))
            }
        }

        @Test(arguments: ["", "nonsense", "0", "0:1-1", "7:1-1:1", "-1:1-1:1", "0:abc:1", "0:1-1:x", "0:1-1:1:1"])
        func `a receipt that is none is passed over`(_ receipt: String) async throws {
            try await withTestData { data in
                let broker = try await data.engine().broker
                try await broker.publish(notices(1), now: now)
                let jobs = try await receive(1, from: broker)
                try await broker.acknowledge([DeliveredJob(notice: jobs[0].notice, receipt: receipt)] + jobs)
                #expect(try await data.command("XLEN %:jobs:normal").number == 0)
            }
        }

        @Test func `how far a notice is from due counts by the publisher's clock, the rest by the server's`()
            async throws
        {
            try await withTestData { data in
                let broker = try await data.engine().broker
                let noon = Timestamp(seconds: 1_000_000_000)
                var notice = notices(1)[0]
                notice.dueAt = noon + .milliseconds(300)
                try await broker.publish([notice], now: noon)
                #expect(try await data.command("ZCARD %:jobs:later").number == 1)
                #expect(try await receive(1, from: broker).map(\.notice) == [notice])
            }
        }
    }
#endif
