#if PostgreSQL
    import EngineConformance
    import Martlet
    import Testing

    @testable import PostgreSQLEngine

    @Suite(.timeLimit(.minutes(5))) struct ConcurrencyTests {
        /// Several processes accept, claim, settle and acknowledge at once, with every outcome there is; nothing is lost or sent
        /// twice, and nobody waits in a circle for long.
        @Test func `everything adds up when all happens at once on two nodes`() async throws {
            try await withTemporarySchema { url in
                let nodes = [
                    try await PostgreSQLStore.open(url: url, options: testOptions()),
                    try await PostgreSQLStore.open(url: url, options: testOptions()),
                ]
                let fixture = try await StoreFixture(nodes[0])
                let channels = [
                    fixture.channel, try await fixture.addChannel(), try await fixture.addChannel(named: "third"),
                ]
                let total = 600
                let sends = try await withThrowingTaskGroup(of: [MessageID: Int].self) { group in
                    for producer in 0..<4 {
                        group.addTask {
                            for step in 0..<(total / 4 / 10) {
                                let batch = (0..<10).map { index in
                                    fixture.message(
                                        to: "+1415555\(1000 + (producer * 200 + step * 10 + index) % 50)",
                                        channel: channels[index % 3])
                                }
                                _ = try await nodes[producer % 2].accept(
                                    batch.map { AcceptanceRequest(message: $0, idempotency: nil) },
                                    now: StoreFixture.start)
                            }
                            return [:]
                        }
                    }
                    for worker in 0..<4 {
                        group.addTask {
                            try await work(
                                nodes[worker % 2], channels, tenant: fixture.tenant, worker: worker, total: total)
                        }
                    }
                    return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
                }
                #expect(sends.count == total)
                #expect(sends.values.allSatisfy { $0 == 1 })
                let counts = try await fixture.counts()
                #expect(counts.values.reduce(0, +) == total)
                #expect(counts[.queued] == nil)
                #expect(try await nodes[0].nextDue() == [:])
                try await expectCountersToHold(nodes[0])
                for node in nodes { await node.close() }
            }
        }

        /// Claims and settles until everything is out of the queue; answers how often each message was sent or failed for good.
        private func work(
            _ store: PostgreSQLStore, _ channels: [ChannelID], tenant: TenantID, worker: Int, total: Int
        ) async throws -> [MessageID: Int] {
            var ended: [MessageID: Int] = [:]
            let random = SeededRandomSource(seed: UInt64(worker))
            let now = StoreFixture.at(1)
            while true {
                let batches = try await store.claim(
                    channels.map { ClaimRequest(channel: $0, limit: 5) }, worker: "worker-\(worker)", now: now,
                    leaseUntil: StoreFixture.at(31))
                let claims = batches.flatMap(\.claims)
                if claims.isEmpty {
                    let counts = try await store.statistics(tenant: tenant, now: now).counts
                    if counts.values.reduce(0, +) == total, counts[.queued] == 0 { return ended }
                    await Task.yield()
                    continue
                }
                var settlements: [Settlement] = []
                for claim in claims {
                    let disposition: Disposition
                    var outcome: Outcome? = .transient(detail: "HTTP 500", retryAfter: nil)
                    switch random.next() % 6 {
                    case 0: disposition = .retry(at: now)
                    case 1: (disposition, outcome) = (.hold(until: now, .channelPaused), nil)
                    case 2: (disposition, outcome) = (.release, nil)
                    case 3:
                        disposition = .fail(ErrorReason(.rejected))
                        ended[claim.message.id, default: 0] += 1
                    default:
                        disposition = .sent(submissionID: "s", messageID: "m-\(claim.message.id.text)", lookUpAt: now)
                        ended[claim.message.id, default: 0] += 1
                    }
                    settlements.append(
                        Settlement(
                            message: claim.message.id, token: claim.token, attempt: claim.attempt,
                            report: outcome.map {
                                AttemptReport(outcome: $0, httpStatus: 500, startedAt: now, duration: .milliseconds(3))
                            }, disposition: disposition))
                }
                let settled = try await store.settle(settlements, now: now)
                #expect(settled.allSatisfy { $0 != nil })
                let acknowledgements = settled.compactMap(\.self).filter { $0.status == .sent }.map { message in
                    Acknowledgement(
                        channel: message.channelID, messageID: message.messageID ?? "",
                        level: random.next() % 2 == 0 ? .device : .server, at: now)
                }
                _ = try await store.apply(acknowledgements, now: now)
            }
        }

        /// The answer to a send and the webhook about it come in the same moment, at different nodes: neither is lost, whichever
        /// is stored first.
        @Test func `an acknowledgement that races its own send's answer is applied`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                let messages = (0..<120).map { _ in fixture.message() }
                _ = try await store.accept(
                    messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: StoreFixture.start)
                let claims = try await fixture.claim(limit: 200).claims
                try #require(claims.count == messages.count)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for claim in claims {
                        group.addTask {
                            _ = try await fixture.settle(
                                claim, .sent(submissionID: "s", messageID: "m-\(claim.message.id)", lookUpAt: nil),
                                .accepted(submissionID: "s", messageID: nil))
                        }
                        group.addTask { _ = try await fixture.acknowledge("m-\(claim.message.id)", .device) }
                    }
                    try await group.waitForAll()
                }
                #expect(try await fixture.counts() == [.delivered: messages.count])
            }
        }

        @Test func `a channel that goes while messages come for it leaves none waiting`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<40 {
                        group.addTask {
                            _ = try await store.accept(
                                (0..<5).map { _ in AcceptanceRequest(message: fixture.message(), idempotency: nil) },
                                now: StoreFixture.start)
                        }
                    }
                    group.addTask { _ = try await store.deleteChannel(fixture.channel, now: StoreFixture.at(1)) }
                    try await group.waitForAll()
                }
                #expect(try await store.nextDue() == [:])
                #expect(try await fixture.counts() == [.failed: 200])
            }
        }

        @Test func `one recipient of a paced channel is claimed once, however many workers ask`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                for _ in 0..<20 { try await fixture.accept(fixture.message()) }
                let claimed = try await withThrowingTaskGroup(of: Int.self) { group in
                    for worker in 0..<6 {
                        group.addTask {
                            try await fixture.claim(
                                limit: 3, at: 1, worker: "worker-\(worker)", recipientInterval: .seconds(5)
                            ).claims.count
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(claimed == 1)
            }
        }

        @Test func `claims that were stored though their call failed are claimed again`() async throws {
            try await withTemporaryStore { store in
                let fixture = try await StoreFixture(store)
                for _ in 0..<3 { try await fixture.accept(fixture.message()) }
                let lost = try await fixture.claim(limit: 2, at: 1).claims
                store.doubt(DoubtfulClaims(worker: "worker-1", at: StoreFixture.at(1), channels: [fixture.channel]))
                let again = try await fixture.claim(at: 2).claims
                #expect(again.count == 3)
                for claim in lost {
                    let newer = try #require(again.first { $0.message.id == claim.message.id })
                    #expect(newer.token > claim.token)
                    #expect(newer.attempt == 1)
                }
                #expect(try await fixture.claim(at: 3).claims.isEmpty)
            }
        }
    }
#endif
