import Martlet
import Testing

/// What a store promises when many use it at once, each time by one connection or several to the same data.
package enum ConcurrencyPromises {
    package static let all: [Promise<[any Store]>] = [
        Promise("everything adds up when all happens at once") { nodes in
            let fixture = try await StoreFixture(nodes[0])
            let channels = [
                fixture.channel, try await fixture.addChannel(), try await fixture.addChannel(named: "third"),
            ]
            let total = 600
            let sends = try await withThrowingTaskGroup(of: [MessageID: Int].self) { group in
                for producer in 0..<4 {
                    group.addTask {
                        try await produce(
                            total / 4, at: nodes[producer % nodes.count], fixture, channels, producer: producer)
                        return [:]
                    }
                }
                for worker in 0..<4 {
                    group.addTask {
                        try await work(
                            nodes[worker % nodes.count], channels, tenant: fixture.tenant, worker: worker, total: total)
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
        },
        // The answer to a send and the webhook about it come in the same moment: neither is lost, whichever is stored
        // first.
        Promise("an acknowledgement that races its own send's answer is applied") { nodes in
            let fixture = try await StoreFixture(nodes[0])
            let messages = (0..<120).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
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
        },
        Promise("a channel that goes while messages come for it leaves none waiting") { nodes in
            let fixture = try await StoreFixture(nodes[0])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        _ = try await fixture.store.accept(
                            (0..<5).map { _ in AcceptanceRequest(message: fixture.message(), idempotency: nil) },
                            now: StoreFixture.start)
                    }
                }
                group.addTask { _ = try await fixture.store.deleteChannel(fixture.channel, now: StoreFixture.at(1)) }
                try await group.waitForAll()
            }
            #expect(try await fixture.store.nextDue() == [:])
            #expect(try await fixture.counts() == [.failed: 200])
        },
        Promise("one recipient of a paced channel is claimed once, however many workers ask") { nodes in
            let fixture = try await StoreFixture(nodes[0])
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
        },
    ]

    private static func produce(
        _ count: Int, at store: any Store, _ fixture: StoreFixture, _ channels: [ChannelID], producer: Int
    ) async throws {
        for step in 0..<(count / 10) {
            let batch = (0..<10).map { index in
                fixture.message(
                    to: "+1415555\(1000 + (producer * 200 + step * 10 + index) % 50)", channel: channels[index % 3])
            }
            _ = try await store.accept(
                batch.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: StoreFixture.start)
        }
    }

    /// Claims and settles, with every outcome there is, until everything is out of the queue; answers how often each
    /// message was sent or failed for good.
    private static func work(
        _ store: any Store, _ channels: [ChannelID], tenant: TenantID, worker: Int, total: Int
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
}
