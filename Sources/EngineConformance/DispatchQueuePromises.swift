import Martlet
import Testing

/// What ``DispatchQueue`` promises of claiming, leases and expiry.
package enum DispatchQueuePromises {
    package static let all: [Promise<StoreFixture>] = claiming + pacing + leases + expiry

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let claiming: [Promise<StoreFixture>] = [
        Promise("each channel with waiting jobs says when its first is due") { fixture in
            #expect(try await fixture.store.nextDue() == [:])
            let second = try await fixture.addChannel()
            try await fixture.accept(fixture.message(at: 4) { $0.priority = .high })
            try await fixture.accept(fixture.message(at: 2) { $0.priority = .low })
            try await fixture.accept(fixture.message(channel: second) { $0.sendAt = at(90) })
            #expect(try await fixture.store.nextDue() == [fixture.channel: at(2), second: at(90)])
        },
        Promise("high priority goes first, then the longest due") { fixture in
            let low = try await fixture.accept(fixture.message(at: 1) { $0.priority = .low })
            let late = try await fixture.accept(fixture.message(at: 3))
            let early = try await fixture.accept(fixture.message(at: 2))
            let high = try await fixture.accept(fixture.message(at: 4) { $0.priority = .high })
            let batch = try await fixture.claim(at: 5)
            #expect(batch.claims.map(\.message.id) == [high.id, early.id, late.id, low.id])
        },
        Promise("jobs due at the same moment leave in the order they came") { fixture in
            let messages = (0..<20).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            let batch = try await fixture.claim()
            #expect(batch.claims.map(\.message.id) == messages.map(\.id))
        },
        Promise("of each channel up to its limit, and nothing that is not due") { fixture in
            let second = try await fixture.addChannel()
            for _ in 0..<5 { try await fixture.accept(fixture.message()) }
            for _ in 0..<2 { try await fixture.accept(fixture.message(channel: second)) }
            try await fixture.accept(fixture.message(channel: second) { $0.sendAt = at(50) })
            let batches = try await fixture.store.claim(
                [ClaimRequest(channel: fixture.channel, limit: 3), ClaimRequest(channel: second, limit: 10)],
                worker: "worker-1", now: at(1), leaseUntil: at(31))
            #expect(batches.map(\.channel) == [fixture.channel, second])
            #expect(batches.map(\.claims.count) == [3, 2])
            #expect(batches.map(\.nextDueAt) == [at(0), at(50)])
            #expect(try await fixture.claim(at: 1).nextDueAt == nil)
        },
        Promise("a claim shows in the message, and its attempt is the next one") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne(at: 1)
            #expect(claim.attempt == 1)
            #expect(claim.message.payload == message.payload)
            let job = try #require(try await fixture.stored(message.id).job)
            #expect(job.state == .claimed)
            #expect(job.since == at(1))
            #expect(try await fixture.kinds(message.id) == [.accepted])
        },
        Promise("no job is claimed twice, however many workers ask at once") { fixture in
            let messages = (0..<200).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            let claimed = try await withThrowingTaskGroup(of: [MessageID].self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        var mine: [MessageID] = []
                        while true {
                            let batch = try await fixture.claim(limit: 7, at: 1, worker: "worker-\(worker)")
                            if batch.claims.isEmpty { return mine }
                            mine.append(contentsOf: batch.claims.map(\.message.id))
                        }
                    }
                }
                return try await group.reduce(into: [MessageID]()) { $0.append(contentsOf: $1) }
            }
            #expect(claimed.count == 200)
            #expect(Set(claimed) == Set(messages.map(\.id)))
        },
        Promise("a job that is found expired is failed, not claimed, and takes nobody's place") { fixture in
            let expired = try await fixture.accept(fixture.message { $0.expiresAt = at(5) })
            let fresh = try await fixture.accept(fixture.message { $0.expiresAt = at(50) })
            let batch = try await fixture.claim(limit: 1, at: 5)
            #expect(batch.claims.map(\.message.id) == [fresh.id])
            #expect(batch.expired.map(\.id) == [expired.id])
            #expect(batch.expired.first?.status == .failed)
            #expect(batch.expired.first?.errorReason == "expired")
            #expect(batch.expired.first?.deadLetteredAt == nil)
            #expect(try await fixture.kinds(expired.id) == [.accepted, .expired])
        },
        Promise("when the channel's attempts were claimed is remembered") { fixture in
            for _ in 0..<5 { try await fixture.accept(fixture.message()) }
            _ = try await fixture.claim(limit: 2, at: 1)
            _ = try await fixture.claim(limit: 1, at: 2)
            _ = try await fixture.claim(limit: 2, at: 3)
            let store = fixture.store
            #expect(
                try await store.claimHistory(channel: fixture.channel, since: at(0), limit: 100)
                    == [at(1), at(1), at(2), at(3), at(3)])
            #expect(
                try await store.claimHistory(channel: fixture.channel, since: at(2), limit: 100) == [
                    at(2), at(3), at(3),
                ])
            #expect(
                try await store.claimHistory(channel: fixture.channel, since: at(0), limit: 3) == [at(2), at(3), at(3)])
            #expect(try await store.claimHistory(channel: fixture.ids.next(), since: at(0), limit: 3) == [])
        },
    ]

    static let pacing: [Promise<StoreFixture>] = [
        Promise("a recipient who was sent to less than the interval ago is put off until then") { fixture in
            let first = try await fixture.accept(fixture.message(to: "+14155550001"))
            let second = try await fixture.accept(fixture.message(to: "+14155550001"))
            let other = try await fixture.accept(fixture.message(to: "+14155550002"))
            let batch = try await fixture.claim(at: 1, recipientInterval: .seconds(5))
            #expect(batch.claims.map(\.message.id) == [first.id, other.id])
            #expect(batch.nextDueAt == at(6))
            let job = try #require(try await fixture.stored(second.id).job)
            #expect(job.state == .waiting)
            #expect(job.dueAt == at(6))
            #expect(job.condition == .recipientPace)
            #expect(try await fixture.claim(at: 5.9, recipientInterval: .seconds(5)).claims.isEmpty)
            let later = try await fixture.claim(at: 6, recipientInterval: .seconds(5))
            #expect(later.claims.map(\.message.id) == [second.id])
            #expect(try await fixture.kinds(second.id) == [.accepted, .held, .released])
        },
        Promise("many to one recipient leave one an interval, in order") { fixture in
            let messages = (0..<6).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            var left: [MessageID] = []
            for second in 0..<6 {
                let batch = try await fixture.claim(at: Double(second), recipientInterval: .seconds(1))
                #expect(batch.claims.count == 1)
                left.append(contentsOf: batch.claims.map(\.message.id))
            }
            #expect(left == messages.map(\.id))
        },
        Promise("a cancelled message keeps no slot of its recipient's") { fixture in
            let messages = (0..<4).map { _ in fixture.message() }
            _ = try await fixture.store.accept(
                messages.map { AcceptanceRequest(message: $0, idempotency: nil) }, now: at(0))
            _ = try await fixture.claim(at: 0, recipientInterval: .seconds(10))
            for message in messages.dropFirst() {
                _ = try await fixture.store.cancel(message.id, tenant: fixture.tenant, now: at(1))
            }
            let next = try await fixture.accept(fixture.message(at: 2))
            _ = try await fixture.claim(at: 2, recipientInterval: .seconds(10))
            #expect(try await fixture.stored(next.id).job?.dueAt == at(10))
        },
        Promise("without an interval nobody is put off") { fixture in
            for _ in 0..<3 { try await fixture.accept(fixture.message()) }
            #expect(try await fixture.claim(at: 1).claims.count == 3)
        },
    ]

    static let leases: [Promise<StoreFixture>] = [
        Promise("a claim whose lease has run out becomes an unknown outcome, counted and in the timeline") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne(at: 1, lease: 30)
            #expect(
                try await fixture.store.recoverLeases(
                    now: at(30.9), worker: "sweeper", includingUnexpired: false, decideAt: at(46), limit: 10) == 0)
            #expect(
                try await fixture.store.recoverLeases(
                    now: at(31), worker: "sweeper", includingUnexpired: false, decideAt: at(46), limit: 10) == 1)
            let stored = try await fixture.stored(message.id)
            #expect(stored.attempts == 1)
            #expect(stored.status == .queued)
            #expect(stored.job == JobSnapshot(state: .unknown, dueAt: at(46), condition: nil, since: at(31)))
            let attempt = try #require(try await fixture.store.timeline(message.id).last)
            #expect(attempt.kind == .attempt)
            #expect(attempt.attempt == 1)
            #expect(attempt.outcome == "unknown")
            // Nobody can put back any more what may have been sent.
            #expect(try await fixture.settle(claim, .retry(at: at(40)), at: 32) == nil)
            #expect(try await fixture.store.undecided(now: at(46), limit: 10).map(\.message.id) == [message.id])
        },
        Promise("a worker that was slow, not dead, may still say that it sent") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne(at: 1, lease: 30)
            _ = try await fixture.store.recoverLeases(
                now: at(31), worker: "sweeper", includingUnexpired: false, decideAt: at(46), limit: 10)
            let late = Disposition.sent(submissionID: "s-1", messageID: "m-1", lookUpAt: nil)
            let sent = try #require(
                try await fixture.settle(claim, late, .accepted(submissionID: "s-1", messageID: "m-1"), at: 32))
            #expect(sent.status == .sent)
            #expect(sent.messageID == "m-1")
            #expect(sent.attempts == 1)
            #expect(sent.job == nil)
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent])
            #expect(try await fixture.settle(claim, late, at: 33) == nil)
        },
        Promise("once a new claim is made the slow worker's word is not taken") { fixture in
            let message = try await fixture.accept(fixture.message())
            let old = try await fixture.claimOne(at: 1, lease: 30)
            _ = try await fixture.store.recoverLeases(
                now: at(31), worker: "sweeper", includingUnexpired: false, decideAt: at(46), limit: 10)
            _ = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .retry(at: at(46)))], now: at(46))
            let late = Disposition.sent(submissionID: "s-1", messageID: nil, lookUpAt: nil)
            #expect(try await fixture.settle(old, late, at: 46) == nil)
            _ = try await fixture.claimOne(at: 47)
            #expect(try await fixture.settle(old, late, at: 48) == nil)
            #expect(try await fixture.stored(message.id).status == .queued)
        },
        Promise("renewing extends the worker's own leases and nobody else's") { fixture in
            for _ in 0..<2 { try await fixture.accept(fixture.message()) }
            let mine = try await fixture.claimOne(worker: "worker-1")
            let theirs = try await fixture.claimOne(worker: "worker-2")
            try await fixture.store.renewLeases(worker: "worker-1", until: at(100))
            #expect(
                try await fixture.store.recoverLeases(
                    now: at(60), worker: "sweeper", includingUnexpired: false, decideAt: at(75), limit: 10) == 1)
            #expect(try await fixture.stored(mine.message.id).job?.state == .claimed)
            #expect(try await fixture.stored(theirs.message.id).job?.state == .unknown)
        },
        Promise("a sole worker recovers the claims of all others, whatever their leases say") { fixture in
            for _ in 0..<3 { try await fixture.accept(fixture.message()) }
            _ = try await fixture.claimOne(worker: "a")
            let mine = try await fixture.claimOne(worker: "b")
            _ = try await fixture.claimOne(worker: "c")
            #expect(
                try await fixture.store.recoverLeases(
                    now: at(1), worker: "b", includingUnexpired: true, decideAt: at(16), limit: 10) == 2)
            #expect(try await fixture.stored(mine.message.id).job?.state == .claimed)
        },
        Promise("no more leases are recovered at once than asked for") { fixture in
            for _ in 0..<5 { try await fixture.accept(fixture.message()) }
            _ = try await fixture.claim(limit: 3, worker: "a")
            _ = try await fixture.claim(limit: 2, worker: "b")
            let store = fixture.store
            #expect(
                try await store.recoverLeases(
                    now: at(60), worker: "sweeper", includingUnexpired: false, decideAt: at(75), limit: 4) == 4)
            #expect(
                try await store.recoverLeases(
                    now: at(60), worker: "sweeper", includingUnexpired: false, decideAt: at(75), limit: 4) == 1)
            #expect(
                try await store.recoverLeases(
                    now: at(60), worker: "sweeper", includingUnexpired: false, decideAt: at(75), limit: 4) == 0)
        },
    ]

    static let expiry: [Promise<StoreFixture>] = [
        Promise("waiting jobs past their expiry are failed, the longest past first, at most that many") { fixture in
            let late = try await fixture.accept(fixture.message { $0.expiresAt = at(9) })
            let early = try await fixture.accept(
                fixture.message {
                    $0.expiresAt = at(8)
                    $0.sendAt = at(1000)
                })
            let alive = try await fixture.accept(fixture.message { $0.expiresAt = at(11) })
            let endless = try await fixture.accept(fixture.message())
            #expect(try await fixture.store.expire(now: at(10), limit: 1).map(\.id) == [early.id])
            let rest = try await fixture.store.expire(now: at(10), limit: 10)
            #expect(rest.map(\.id) == [late.id])
            #expect(rest.first?.status == .failed)
            #expect(rest.first?.failedAt == at(10))
            #expect(rest.first?.deadLetteredAt == nil)
            #expect(try await fixture.store.expire(now: at(10), limit: 10).isEmpty)
            #expect(try await fixture.stored(alive.id).status == .queued)
            #expect(try await fixture.stored(endless.id).status == .queued)
        },
        Promise("what is being sent or is open does not expire") { fixture in
            try await fixture.accept(fixture.message { $0.expiresAt = at(5) })
            _ = try await fixture.claim()
            try await fixture.sendUnknown(fixture.message { $0.expiresAt = at(5) })
            #expect(try await fixture.store.expire(now: at(10), limit: 10).isEmpty)
        },
    ]
}
