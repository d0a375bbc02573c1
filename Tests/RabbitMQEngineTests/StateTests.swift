#if RabbitMQ
    import Martlet
    import Testing

    @testable import RabbitMQEngine

    /// What is decided without a server.
    @Suite struct StateTests {
        private static let now = Timestamp(seconds: 1_790_000_000)
        private static let ids = IdentifierGenerator()

        private func notice(_ priority: Priority = .normal, dueIn seconds: Double = 0) -> JobNotice {
            JobNotice(
                message: Self.ids.next(), channel: Self.ids.next(), priority: priority,
                dueAt: Self.now + .milliseconds(Int64((seconds * 1000).rounded())))
        }

        @Test(arguments: [
            (-5, "m.jobs"), (0, "m.jobs"), (1, "m.jobs"), (1.001, "m.delay.1s"), (4.9, "m.delay.1s"), (5, "m.delay.5s"),
            (44.9, "m.delay.15s"), (404.9, "m.delay.135s"), (1799, "m.delay.405s"), (1800, "m.delay.1800s"),
            (90_000, "m.delay.1800s"),
        ])
        func `a notice waits in the longest queue that is not too long`(_ seconds: Double, _ exchange: String) {
            var options = RabbitMQOptions()
            options.prefix = "m"
            let topology = Topology(options)
            #expect(topology.exchange(for: notice(dueIn: seconds), now: Self.now) == exchange)
            #expect(topology.exchanges.contains { $0.name == exchange })
        }

        @Test func `the longest delay takes few hops, and ends at most a second early`() {
            let topology = Topology(RabbitMQOptions())
            for seconds in stride(from: 0.5, through: 1800, by: 7.3) {
                let notice = notice(dueIn: seconds)
                var now = Self.now
                var hops = 0
                while case let exchange = topology.exchange(for: notice, now: now), exchange != topology.jobs {
                    let step = Topology.steps.first { exchange == "martlet.delay.\($0)s" } ?? 0
                    #expect(step > 0)
                    now = now + .seconds(step)
                    hops += 1
                }
                #expect(now <= notice.dueAt)
                #expect(notice.dueAt - now <= .seconds(1))
                #expect(hops <= 16)
            }
        }

        @Test func `confirms come one by one or for all before`() {
            var window = PublishWindow()
            for index in 0..<5 { window.sent(index * 10, id: "m\(index)") }
            #expect(window.count == 5)
            #expect(window.settled(2, multiple: false, isConfirmed: true).map(\.index) == [10])
            let settled = window.settled(3, multiple: true, isConfirmed: true)
            #expect(settled.map(\.index) == [0, 20])
            #expect(settled.map(\.fate) == [.confirmed, .confirmed])
            #expect(window.settled(3, multiple: false, isConfirmed: true).isEmpty)
            #expect(window.settled(5, multiple: true, isConfirmed: false).map(\.fate) == [.refused, .refused])
            #expect(window.count == 0)
        }

        @Test func `a message that came back is unroutable, though it is confirmed`() {
            var window = PublishWindow()
            window.sent(0, id: "a")
            window.sent(1, id: "b")
            window.returned(id: "a")
            #expect(window.settled(2, multiple: true, isConfirmed: true).map(\.fate) == [.unroutable, .confirmed])
        }

        @Test func `a confirm of what was never sent, or is forgotten, means nothing`() {
            var window = PublishWindow()
            #expect(window.settled(.max, multiple: true, isConfirmed: true).isEmpty)
            window.sent(0, id: "a")
            window.forget()
            #expect(window.settled(1, multiple: false, isConfirmed: true).isEmpty)
            window.sent(7, id: "b")
            #expect(window.settled(.max, multiple: true, isConfirmed: true).map(\.index) == [7])
        }

        @Test func `what is done at the front is acknowledged at once, the rest one by one`() {
            var tags = Unacknowledged()
            for tag in 1...6 as ClosedRange<UInt64> { tags.delivered(tag) }
            let behind = tags.acknowledge([3, 5])
            #expect(behind.upTo == nil)
            #expect(behind.single == [3, 5])
            let front = tags.acknowledge([2, 1])
            #expect(front.upTo == 2)
            #expect(front.single == [])
            // 5 is done long since: the broker would not know the number any more.
            let last = tags.acknowledge([4])
            #expect(last.upTo == 4)
            #expect(!tags.isEmpty)
            tags.rejected(6)
            #expect(tags.isEmpty)
        }

        @Test func `of what is ready, high goes before normal before low`() {
            var held = Held(mark: "me")
            let low = notice(.low)
            let normal = notice(.normal)
            let high = notice(.high)
            for (tag, notice) in [low, normal, high].enumerated() { held.arrived(notice, tag: UInt64(tag + 1)) }
            let first = held.handOut(limit: 2, now: .now)
            #expect(first.map(\.notice) == [high, normal])
            #expect(first.map(\.receipt) == ["me.0.3", "me.0.2"])
            #expect(held.hasReady)
            #expect(held.takeBackReady() == [1])
            #expect(!held.hasReady)
        }

        @Test func `a receipt counts once, and only on its own connection`() {
            var held = Held(mark: "me")
            held.arrived(notice(), tag: 1)
            let receipts = held.handOut(limit: 5, now: .now).map(\.receipt)
            #expect(held.acknowledge(["other.0.1", "me.1.1", "me.0.2", "me.0", "", "me.0.1.1", "me.x.1"]).isEmpty)
            #expect(held.acknowledge(receipts + receipts) == [1])
            held.arrived(notice(), tag: 2)
            let stale = held.handOut(limit: 5, now: .now).map(\.receipt)
            held.void()
            #expect(held.acknowledge(stale).isEmpty)
        }

        @Test func `what was handed out too long ago is taken back`() {
            var held = Held(mark: "me")
            let start = ContinuousClock.now
            for tag in 1...3 as ClosedRange<UInt64> {
                held.arrived(notice(), tag: tag)
                let receipts = held.handOut(limit: 1, now: start + .seconds(Int(tag))).map(\.receipt)
                if tag == 1 { #expect(held.acknowledge(receipts) == [1]) }
            }
            #expect(held.takeBack(before: start + .seconds(2)).isEmpty)
            #expect(held.takeBack(before: start + .seconds(3)) == [2])
            #expect(held.acknowledge(["me.0.2"]).isEmpty)
            #expect(held.takeBack(before: start + .seconds(9)) == [3])
        }
    }
#endif
