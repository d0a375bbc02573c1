import Martlet
import Synchronization
import Testing

/// What ``JobBroker`` promises. Each is checked on a fixture of its own.
package enum JobBrokerPromises {
    package static let all: [Promise<BrokerFixture>] = delivery + acknowledgement + priorities + delays + bounds

    static let delivery: [Promise<BrokerFixture>] = [
        Promise("what was published is received whole") { fixture in
            let notices = fixture.notices(1, .high) + fixture.notices(2) + fixture.notices(1, .low)
            try await fixture.publish(notices)
            let received = try await fixture.receive(4)
            #expect(received.count == 4)
            #expect(Set(received.map(\.notice)) == Set(notices))
            #expect(Set(received.map(\.receipt)).count == 4)
        },
        Promise("what was published outlives the process that published it") { fixture in
            let notices = fixture.notices(3)
            try await fixture.withAnother { try await $0.publish(notices, now: fixture.now) }
            #expect(Set(try await fixture.receive(3).map(\.notice)) == Set(notices))
        },
        Promise("many may publish at once, and everything arrives") { fixture in
            let batches = (0..<10).map { _ in fixture.notices(5) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for batch in batches { group.addTask { try await fixture.publish(batch) } }
                try await group.waitForAll()
            }
            let received = try await fixture.receive(50)
            #expect(received.count == 50)
            #expect(Set(received.map(\.notice)) == Set(batches.joined()))
        },
        Promise("a big batch arrives, each notice once") { fixture in
            let notices = fixture.notices(fixture.batchSize)
            try await fixture.publish(notices)
            var received: [JobNotice] = []
            while received.count < notices.count {
                let some = try await fixture.receive(1)
                guard !some.isEmpty else { break }
                try await fixture.broker.acknowledge(some)
                received += some.map(\.notice)
            }
            #expect(received.count == notices.count)
            #expect(Set(received) == Set(notices))
        },
        Promise("two receivers share the work, and each notice goes to one of them") { fixture in
            try await fixture.withAnother { another in
                let shares = Shares()
                var published: [JobNotice] = []
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (index, receiver) in [fixture.broker, another].enumerated() {
                        group.addTask {
                            while !shares.isComplete, !Task.isCancelled {
                                let some = try await receiver.receive(limit: 10, wait: .milliseconds(500))
                                try await receiver.acknowledge(some)
                                shares.add(some.map(\.notice), to: index)
                            }
                        }
                    }
                    // Small batches, one after the other, until both had a share.
                    let end = ContinuousClock.now + fixture.patience
                    while ContinuousClock.now < end {
                        if shares.count < published.count {
                            try await Task.sleep(for: .milliseconds(10))
                        } else if shares.all.contains(where: \.isEmpty) {
                            let notices = fixture.notices(4)
                            published += notices
                            try await fixture.publish(notices)
                        } else {
                            break
                        }
                    }
                    shares.complete()
                    try await group.waitForAll()
                }
                #expect(shares.all.allSatisfy { !$0.isEmpty })
                #expect(shares.count == published.count)
                #expect(Set(shares.all.joined()) == Set(published))
            }
        },
    ]

    /// What each of two receivers got.
    private final class Shares: Sendable {
        private let state = Mutex((notices: [[JobNotice]](repeating: [], count: 2), isComplete: false))

        var all: [[JobNotice]] { state.withLock { $0.notices } }
        var count: Int { all.reduce(0) { $0 + $1.count } }
        var isComplete: Bool { state.withLock { $0.isComplete } }

        func add(_ notices: [JobNotice], to index: Int) { state.withLock { $0.notices[index] += notices } }
        func complete() { state.withLock { $0.isComplete = true } }
    }

    static let acknowledgement: [Promise<BrokerFixture>] = [
        Promise("what was acknowledged does not come again") { fixture in
            let notices = fixture.notices(5)
            try await fixture.publish(notices)
            try await fixture.withAnother { receiver in
                let received = try await fixture.receive(5, from: receiver)
                #expect(received.count == 5)
                try await receiver.acknowledge(received)
            }
            #expect(try await fixture.drained(from: fixture.broker) == [])
        },
        Promise("what was received and not acknowledged comes again, to another, after its receiver closed") {
            fixture in
            let notices = fixture.notices(6)
            try await fixture.publish(notices)
            let acknowledged = try await fixture.withAnother { receiver in
                let received = try await fixture.receive(6, from: receiver)
                #expect(received.count == 6)
                try await receiver.acknowledge(Array(received.prefix(2)))
                return received.prefix(2).map(\.notice)
            }
            let expected = Set(notices).subtracting(acknowledged)
            let again = try await fixture.receive(4)
            #expect(again.count == 4)
            #expect(Set(again.map(\.notice)) == expected)
        },
        Promise("what waits with its receiver and was not handed out comes to another after its receiver closed") {
            fixture in
            let notices = fixture.notices(20)
            try await fixture.publish(notices)
            let taken = try await fixture.withAnother { receiver in
                let received = try await fixture.receive(1, from: receiver, limit: 1)
                try await receiver.acknowledge(received)
                return received.map(\.notice)
            }
            #expect(taken.count == 1)
            let rest = try await fixture.receive(19)
            #expect(rest.count == 19)
            #expect(Set(rest.map(\.notice)) == Set(notices).subtracting(taken))
        },
        Promise("what is received stays with its receiver while that lives") { fixture in
            let notices = fixture.notices(3)
            try await fixture.publish(notices)
            let received = try await fixture.receive(3)
            #expect(received.count == 3)
            let others = try await fixture.withAnother { try await $0.receive(limit: 10, wait: .seconds(2)) }
            #expect(others == [])
            try await fixture.broker.acknowledge(received)
        },
        Promise("acknowledging twice changes nothing") { fixture in
            let notices = fixture.notices(3)
            try await fixture.publish(notices)
            try await fixture.withAnother { receiver in
                let received = try await fixture.receive(3, from: receiver)
                #expect(received.count == 3)
                let first = Array(received.prefix(1))
                try await receiver.acknowledge(first)
                try await receiver.acknowledge(first)
                try await receiver.acknowledge(first + first)
                // The receiver goes on as before.
                #expect(try await fixture.drained(from: receiver) == [])
            }
            #expect(try await fixture.receive(2).count == 2)
        },
        Promise("a delivery that is no longer the receiver's is passed over, and the one it became stays") { fixture in
            let notices = fixture.notices(1)
            try await fixture.publish(notices)
            let stale = try await fixture.withAnother { try await fixture.receive(1, from: $0) }
            #expect(stale.map(\.notice) == notices)
            try await fixture.withAnother { second in
                let again = try await fixture.receive(1, from: second)
                #expect(again.map(\.notice) == notices)
                try await second.acknowledge(stale)
            }
            let third = try await fixture.receive(1)
            #expect(third.map(\.notice) == notices)
            try await fixture.broker.acknowledge(stale + third)
            #expect(try await fixture.drained(from: fixture.broker) == [])
        },
    ]

    static let priorities: [Promise<BrokerFixture>] = [
        Promise("where several wait, high goes before normal before low, to a fresh receiver, too") { fixture in
            let low = fixture.notices(3, .low)
            let normal = fixture.notices(3)
            let high = fixture.notices(3, .high)
            for notices in [low, normal, high] { try await fixture.publish(notices) }
            try await fixture.withAnother { receiver in
                var received: [DeliveredJob] = []
                for _ in 0..<9 {
                    let one = try await fixture.receive(1, from: receiver, limit: 1)
                    try await receiver.acknowledge(one)
                    received += one
                }
                #expect(
                    received.map(\.notice.priority)
                        == [Priority](
                            [.high, .high, .high, .normal, .normal, .normal, .low, .low, .low]))
                #expect(Set(received.map(\.notice)) == Set(low + normal + high))
            }
        },
        Promise("within one receive, too, high comes first") { fixture in
            for priority in [Priority.low, .normal, .high] {
                try await fixture.publish(fixture.notices(2, priority))
            }
            let received = try await fixture.receive(6, limit: 6)
            #expect(received.map(\.notice.priority) == [.high, .high, .normal, .normal, .low, .low])
        },
    ]

    static let delays: [Promise<BrokerFixture>] = [
        Promise("a notice that is not due is delivered when it is, at most a second early") { fixture in
            let notices = Priority.allCases.flatMap { fixture.notices(1, $0, dueIn: .milliseconds(2500)) }
            try await fixture.publish(notices)
            var received: [JobNotice] = []
            _ = try await fixture.receive { all in
                let moment = fixture.now
                for job in all.dropFirst(received.count) {
                    #expect(moment >= job.notice.dueAt - .seconds(1))
                    received.append(job.notice)
                }
                return received.count >= notices.count
            }
            #expect(received.count == notices.count)
            #expect(Set(received) == Set(notices))
        },
        Promise("a longer delay does not hold up a shorter one") { fixture in
            let far = fixture.notices(1, dueIn: .seconds(600))
            let long = fixture.notices(1, dueIn: .seconds(9))
            let short = fixture.notices(1, dueIn: .seconds(2))
            for notices in [far, long, short] { try await fixture.publish(notices) }
            let received = try await fixture.receive(2, limit: 1)
            #expect(received.map(\.notice) == short + long)
        },
        Promise("what waits for its time outlives the process that published it") { fixture in
            let notices = fixture.notices(2, dueIn: .seconds(3))
            try await fixture.withAnother { try await $0.publish(notices, now: fixture.now) }
            #expect(Set(try await fixture.receive(2).map(\.notice)) == Set(notices))
        },
        Promise("a notice may be as far from due as the broker says, and does not come at once") { fixture in
            #expect(fixture.broker.delayMax >= .seconds(60))
            let far = fixture.notices(1, dueIn: fixture.broker.delayMax)
            try await fixture.publish(far)
            #expect(try await fixture.drained(from: fixture.broker) == [])
        },
    ]

    static let bounds: [Promise<BrokerFixture>] = [
        Promise("receiving answers with none when nothing came within its wait") { fixture async throws in
            #expect(try await fixture.broker.receive(limit: 10, wait: .milliseconds(300)).isEmpty)
            #expect(try await fixture.broker.receive(limit: 10, wait: .zero).isEmpty)
        },
        Promise("a receive that waits gets what is published meanwhile") { fixture in
            let notices = fixture.notices(1)
            async let received = fixture.receive(1)
            try await fixture.publish(notices)
            #expect(try await received.map(\.notice) == notices)
        },
        Promise("a receive takes no more than its limit, and the rest comes after") { fixture in
            let notices = fixture.notices(7)
            try await fixture.publish(notices)
            // The fixture holds each receive against its limit.
            let received = try await fixture.receive(7, limit: 2)
            #expect(Set(received.map(\.notice)) == Set(notices))
            #expect(received.count == 7)
        },
        Promise("dead letters can be published, and are not delivered as jobs") { fixture in
            try await fixture.broker.publishDeadLetters([fixture.deadLetter()])
            try await fixture.broker.publishDeadLetters(
                (0..<25).map { _ in fixture.deadLetter("recipient_unknown") })
            #expect(try await fixture.drained(from: fixture.broker) == [])
        },
        Promise("empty batches do no harm") { fixture in
            try await fixture.publish([])
            try await fixture.broker.acknowledge([])
            try await fixture.broker.publishDeadLetters([])
            #expect(try await fixture.drained(from: fixture.broker) == [])
        },
        Promise("the check passes when notices can be published and received") { fixture in
            try await fixture.broker.check()
            try await fixture.withAnother { try await $0.check() }
        },
        Promise("closing twice does no harm, and a closed broker says that it is unavailable") { fixture in
            let another = try await fixture.withAnother { $0 }
            await another.close()
            let failure = await #expect(throws: StoreError.self) { () async throws in
                try await another.publish(fixture.notices(1), now: fixture.now)
            }
            #expect(failure?.code == .unavailable)
            let second = await #expect(throws: StoreError.self) { () async throws in
                try await another.receive(limit: 1, wait: .seconds(1))
            }
            #expect(second?.code == .unavailable)
        },
    ]
}
