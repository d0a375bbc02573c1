import EngineConformance
import Martlet
import SQLiteEngine
import Testing

@Suite(.timeLimit(.minutes(2))) struct ConcurrencyTests {
    /// Many accept, claim, settle and acknowledge at once, with every outcome there is; nothing is lost or sent twice.
    @Test func `everything adds up when all happens at once`() async throws {
        try await withTemporaryStore { store in
            let fixture = try await StoreFixture(store)
            let channels = [
                fixture.channel, try await fixture.addChannel(), try await fixture.addChannel(named: "third"),
            ]
            let total = 1200
            let sends = try await withThrowingTaskGroup(of: [MessageID: Int].self) { group in
                for producer in 0..<6 {
                    group.addTask {
                        for step in 0..<(total / 6 / 10) {
                            let batch = (0..<10).map { index in
                                fixture.message(
                                    to: "+1415555\(1000 + (producer * 200 + step * 10 + index) % 50)",
                                    channel: channels[index % 3])
                            }
                            _ = try await store.accept(
                                batch.map { AcceptanceRequest(message: $0, idempotency: nil) },
                                now: StoreFixture.start)
                        }
                        return [:]
                    }
                }
                for worker in 0..<4 {
                    group.addTask { try await work(store, channels, worker: worker, total: total) }
                }
                return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
            }
            #expect(sends.count == total)
            #expect(sends.values.allSatisfy { $0 == 1 })
            let counts = try await fixture.counts()
            #expect(counts.values.reduce(0, +) == total)
            #expect(counts[.queued] == nil)
            #expect(try await store.nextDue() == [:])
            #expect(store.commitQueue.statistics.commits < store.commitQueue.statistics.units)
        }
    }

    /// Claims and settles until everything is out of the queue; answers how often each message was sent or failed for
    /// good.
    private func work(
        _ store: SQLiteStore, _ channels: [ChannelID], worker: Int, total: Int
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
                let counts = try await store.statistics(
                    tenant: try #require(try await store.tenants().first).id, now: now)
                if counts.counts.values.reduce(0, +) == total, counts.counts[.queued] == 0 { return ended }
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
}
