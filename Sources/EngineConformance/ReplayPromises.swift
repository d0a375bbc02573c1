import Martlet
import Testing

/// What ``ReplayStore`` promises.
package enum ReplayPromises {
    package static let all: [Promise<StoreFixture>] = counting + jobs + walking + stepping

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    private static func filter(_ adjust: (inout DeadLetterFilter) -> Void = { _ in }) -> DeadLetterFilter {
        var filter = DeadLetterFilter()
        adjust(&filter)
        return filter
    }

    // MARK: Counting

    static let counting: [Promise<StoreFixture>] = [
        Promise("a count is of the tenant's dead letters alone, and says how many are expired") { fixture in
            let other = try await fixture.addTenant()
            let theirs = try await fixture.addChannel(named: "theirs", tenant: other)
            try await fixture.fail(fixture.message(channel: theirs, tenant: other))
            try await fixture.fail(fixture.message())
            try await fixture.fail(fixture.message { $0.expiresAt = at(10) })
            try await fixture.send(fixture.message())
            #expect(
                try await fixture.store.countDeadLetters(filter(), tenant: fixture.tenant, now: at(9))
                    == DeadLetterCount(matched: 2, expired: 0))
            #expect(
                try await fixture.store.countDeadLetters(filter(), tenant: fixture.tenant, now: at(10))
                    == DeadLetterCount(matched: 2, expired: 1))
        },
        Promise("a filter by recipient, provider's id, channel, time or reason meets what it says") { fixture in
            let channel = try await fixture.addChannel()
            let first = try await fixture.fail(fixture.message(to: "+14155550001", at: 1))
            let second = try await fixture.fail(
                fixture.message(channel: channel, at: 2), ErrorReason(.invalidRecipient, "nobody"))
            try await fixture.send(fixture.message(at: 3), messageID: "m-1", submissionID: "s-9")
            let third = try #require(try await fixture.acknowledge("m-1", .failed, at: 4).first)
            let cases: [(DeadLetterFilter, [Message])] = [
                (filter(), [first, second, third]),
                (filter { $0.recipient = first.recipient }, [first]),
                (filter { $0.providerMessageID = "m-1" }, [third]),
                (filter { $0.providerMessageID = "s-9" }, [third]),
                (filter { $0.providerMessageID = "s-0" }, []),
                (filter { $0.channel = channel }, [second]),
                (filter { $0.since = at(2) }, [second, third]),
                (filter { $0.until = at(2) }, [first]),
                (
                    filter {
                        $0.since = at(2)
                        $0.until = at(3)
                    }, [second]
                ),
                (filter { $0.reason = "invalid_recipient" }, [second]),
                (filter { $0.reason = "inv" }, [second]),
                (filter { $0.reason = "recipient" }, []),
                (
                    filter {
                        $0.channel = channel
                        $0.reason = "rejected"
                    }, []
                ),
            ]
            for (filter, expected) in cases {
                let count = try await fixture.store.countDeadLetters(filter, tenant: fixture.tenant, now: at(10))
                #expect(count.matched == expected.count, "\(filter)")
                let job = try await fixture.startReplay(filter, at: 10)
                let found = try await fixture.store.deadLetters(of: job, limit: 10)
                #expect(found.map(\.id) == expected.map(\.id), "\(filter)")
                _ = try await fixture.store.cancelReplayJob(job.id, tenant: fixture.tenant, now: at(10))
            }
        },
    ]

    // MARK: Jobs

    static let jobs: [Promise<StoreFixture>] = [
        Promise("a job is stored as it was given, for its tenant alone") { fixture in
            let other = try await fixture.addTenant()
            var job = ReplayJob(
                id: fixture.ids.next(), tenantID: fixture.tenant,
                filter: filter {
                    $0.recipient = PhoneNumber(unchecked: "+14155550001")
                    $0.providerMessageID = "m-1"
                    $0.channel = fixture.channel
                    $0.since = at(1)
                    $0.until = at(2)
                    $0.reason = "rej"
                },
                perSecond: 12.5, includeExpired: true,
                correction: BulkCorrection(
                    numberPrefix: .init(wrong: "+4411", right: "+44"), payload: ["body": "new", "caption": nil]),
                matched: 3, createdAt: at(5))
            #expect(try await fixture.store.insert(job, runningMax: 1))
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant) == job)
            #expect(try await fixture.store.replayJob(job.id, tenant: other) == nil)
            #expect(try await fixture.store.replayJob(fixture.ids.next(), tenant: fixture.tenant) == nil)
            job.id = fixture.ids.next()
            job.filter = filter()
            job.correction = BulkCorrection()
            #expect(try await fixture.store.insert(job, runningMax: 2))
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant) == job)
        },
        Promise("a tenant has so many running jobs at most; those that are over do not count") { fixture in
            let first = try await fixture.startReplay(at: 1, runningMax: 1)
            var second = first
            second.id = fixture.ids.next()
            #expect(try await !fixture.store.insert(second, runningMax: 1))
            #expect(try await fixture.store.replayJob(second.id, tenant: fixture.tenant) == nil)
            let other = try await fixture.addTenant()
            var theirs = second
            theirs.tenantID = other
            theirs.id = fixture.ids.next()
            #expect(try await fixture.store.insert(theirs, runningMax: 1))
            _ = try await fixture.store.cancelReplayJob(first.id, tenant: fixture.tenant, now: at(2))
            #expect(try await fixture.store.insert(second, runningMax: 1))
        },
        Promise("a running job is cancelled once, by its tenant alone, and is nobody's to run any more") { fixture in
            let other = try await fixture.addTenant()
            let job = try await fixture.startReplay(at: 1)
            #expect(try await fixture.store.cancelReplayJob(job.id, tenant: other, now: at(2)) == .notFound)
            let result = try await fixture.store.cancelReplayJob(job.id, tenant: fixture.tenant, now: at(3))
            guard case .cancelled(let cancelled) = result else { throw Broken("\(result)") }
            #expect(cancelled.status == .cancelled)
            #expect(cancelled.finishedAt == at(3))
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant) == cancelled)
            #expect(
                try await fixture.store.cancelReplayJob(job.id, tenant: fixture.tenant, now: at(4)) == .over(cancelled))
            #expect(try await fixture.claimReplays(at: 100).isEmpty)
        },
        Promise("a job is one worker's until its lease runs out or it is taken over") { fixture in
            let job = try await fixture.startReplay(at: 0)
            #expect(try await fixture.claimReplays("a", at: 0, lease: 30).map(\.id) == [job.id])
            #expect(try await fixture.claimReplays("b", at: 10).isEmpty)
            #expect(try await fixture.claimReplays("a", at: 20, lease: 30).map(\.id) == [job.id])
            #expect(try await fixture.claimReplays("b", at: 40).isEmpty)
            #expect(try await fixture.claimReplays("b", at: 50, lease: 30).map(\.id) == [job.id])
            #expect(try await fixture.claimReplays("a", at: 60).isEmpty)
            #expect(try await fixture.claimReplays("c", at: 61, takingOver: true).map(\.id) == [job.id])
        },
        Promise("jobs that have been over for long are forgotten, with a deleted tenant all of them") { fixture in
            let old = try await fixture.startReplay(at: 0)
            let running = try await fixture.startReplay(at: 0)
            _ = try await fixture.store.cancelReplayJob(old.id, tenant: fixture.tenant, now: at(1))
            let days = 30.0 * 86_400
            _ = try await fixture.store.purge(now: at(days), limit: 100)
            #expect(try await fixture.store.replayJob(old.id, tenant: fixture.tenant) != nil)
            _ = try await fixture.store.purge(now: at(days + 2), limit: 100)
            #expect(try await fixture.store.replayJob(old.id, tenant: fixture.tenant) == nil)
            #expect(try await fixture.store.replayJob(running.id, tenant: fixture.tenant) != nil)
            #expect(try await fixture.store.deleteTenant(fixture.tenant))
            #expect(try await fixture.store.replayJob(running.id, tenant: fixture.tenant) == nil)
            #expect(try await fixture.claimReplays(at: days + 2).isEmpty)
        },
    ]

    // MARK: Walking

    static let walking: [Promise<StoreFixture>] = [
        Promise("the letters come oldest first, each once, whatever happens to those that were before") { fixture in
            var letters: [MessageID] = []
            for second in 0..<7 { letters.append(try await fixture.fail(fixture.message(at: Double(second))).id) }
            var job = try await fixture.startReplay(at: 20)
            _ = try await fixture.claimReplays(at: 20)
            #expect(try await fixture.store.deadLetters(of: job, limit: 0).isEmpty)
            var seen: [MessageID] = []
            while true {
                let batch = try await fixture.store.deadLetters(of: job, limit: 2)
                if batch.isEmpty { break }
                seen += batch.map(\.id)
                job = try await fixture.advance(job, batch.map { ($0.id, .replay(Correction())) }, at: 21).job
                // The message that was just queued fails again and, with its new place in the queue, is not taken again.
                let claim = try await fixture.claim(limit: 1, at: 22)
                for claim in claim.claims {
                    try await fixture.settle(
                        claim, .fail(ErrorReason(.rejected)), .rejected(ErrorReason(.rejected)), at: 22)
                }
                // One that has not had its turn leaves the queue.
                _ = try await fixture.store.discard(letters[5], tenant: fixture.tenant, now: at(22))
            }
            #expect(seen == letters.filter { $0 != letters[5] })
        },
        Promise("letters that came into the queue after the job began are none of its") { fixture in
            let before = try await fixture.fail(fixture.message(at: 0))
            let job = try await fixture.startReplay(at: 1)
            // This one was accepted before the job began, and failed after.
            try await fixture.accept(fixture.message(at: 0))
            let claim = try await fixture.claimOne(at: 0)
            try await fixture.settle(claim, .fail(ErrorReason(.rejected)), .rejected(ErrorReason(.rejected)), at: 2)
            #expect(try await fixture.store.deadLetters(of: job, limit: 10).map(\.id) == [before.id])
        },
    ]

    // MARK: Stepping

    static let stepping: [Promise<StoreFixture>] = [
        Promise("a step queues, skips and leaves, and says so") { fixture in
            let expiry = at(10)
            let queued = try await fixture.fail(fixture.message(at: 0) { $0.expiresAt = expiry })
            let skipped = try await fixture.fail(fixture.message(at: 1))
            let failed = try await fixture.fail(fixture.message(at: 2))
            let discarded = try await fixture.fail(fixture.message(at: 3))
            let job = try await fixture.startReplay(at: 20)
            #expect(job.matched == 4)
            _ = try await fixture.claimReplays(at: 20)
            _ = try await fixture.store.discard(discarded.id, tenant: fixture.tenant, now: at(21))
            let number = PhoneNumber(unchecked: "+14155550999")
            let correction = Correction(recipient: number, payload: .text("Corrected"), expiresAt: .some(nil))
            let advance = try await fixture.advance(
                job,
                [
                    (queued.id, .replay(correction)), (skipped.id, .skip), (failed.id, .fail("no such thing")),
                    (discarded.id, .replay(Correction())),
                ], at: 22)
            var expected = job
            expected.replayed = 1
            expected.skipped = 2
            expected.failed = 1
            expected.lastFailure = "\(failed.id): no such thing"
            expected.cursor = discarded.id
            #expect(advance.job == expected)
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant) == expected)
            #expect(advance.replayed.map(\.id) == [queued.id])
            #expect(advance.replayed == [try await fixture.stored(queued.id)])
            let claim = try await fixture.claimOne(at: 22)
            #expect(claim.message.recipient == number)
            #expect(claim.message.payload == .text("Corrected"))
            #expect(claim.message.expiresAt == nil)
            #expect(
                try await fixture.kinds(queued.id) == [.accepted, .attempt, .failed, .deadLettered, .replayed])
            for message in [skipped, failed] { #expect(try await fixture.stored(message.id) == message) }
            #expect(try await fixture.store.statistics(tenant: fixture.tenant, now: at(22)).deadLetters == 2)
        },
        Promise("a step is taken once: not from another place, by another worker, or after the end") { fixture in
            let first = try await fixture.fail(fixture.message(at: 0))
            let second = try await fixture.fail(fixture.message(at: 1))
            let job = try await fixture.startReplay(at: 20)
            let step = fixture.step(job, [(first.id, .replay(Correction()))], at: 21)
            // Nobody has claimed the job.
            #expect(try await fixture.store.advance(step, now: at(21)) == nil)
            _ = try await fixture.claimReplays(at: 21)
            var stranger = step
            stranger.worker = "other"
            #expect(try await fixture.store.advance(stranger, now: at(21)) == nil)
            #expect(try await fixture.stored(first.id) == first)
            #expect(try await fixture.store.advance(step, now: at(21))?.job.replayed == 1)
            // Its answer was lost and it comes again.
            #expect(try await fixture.store.advance(step, now: at(22)) == nil)
            let moved = try #require(try await fixture.store.replayJob(job.id, tenant: fixture.tenant))
            #expect((moved.replayed, moved.cursor) == (1, first.id))
            _ = try await fixture.store.cancelReplayJob(job.id, tenant: fixture.tenant, now: at(23))
            let next = fixture.step(moved, [(second.id, .replay(Correction()))], at: 24)
            #expect(try await fixture.store.advance(next, now: at(24)) == nil)
            #expect(try await fixture.stored(second.id) == second)
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant)?.status == .cancelled)
        },
        Promise("a letter that was replayed and failed again between look and step is left alone") { fixture in
            let letter = try await fixture.fail(fixture.message(at: 0))
            let job = try await fixture.startReplay(at: 20)
            _ = try await fixture.claimReplays(at: 20)
            _ = try await fixture.store.replay(letter.id, tenant: fixture.tenant, correction: Correction(), now: at(21))
            let claim = try await fixture.claimOne(at: 21)
            let again = try await fixture.settle(
                claim, .fail(ErrorReason(.rejected)), .rejected(ErrorReason(.rejected)), at: 22)
            let advance = try await fixture.advance(job, [(letter.id, .replay(Correction()))], at: 23)
            #expect((advance.job.replayed, advance.job.skipped) == (0, 1))
            #expect(try await fixture.stored(letter.id) == again)
        },
        Promise("the last step ends the job; what left the queue unseen counts as skipped") { fixture in
            let letter = try await fixture.fail(fixture.message(at: 0))
            let gone = try await fixture.fail(fixture.message(at: 1))
            let job = try await fixture.startReplay(at: 20)
            _ = try await fixture.claimReplays(at: 20)
            _ = try await fixture.store.discard(gone.id, tenant: fixture.tenant, now: at(21))
            let advance = try await fixture.advance(job, [(letter.id, .replay(Correction()))], isLast: true, at: 22)
            #expect(advance.job.status == .finished)
            #expect(advance.job.finishedAt == at(22))
            #expect((advance.job.matched, advance.job.replayed, advance.job.skipped) == (2, 1, 1))
            #expect(try await fixture.store.replayJob(job.id, tenant: fixture.tenant) == advance.job)
            #expect(try await fixture.claimReplays(at: 23).isEmpty)
            #expect(
                try await fixture.store.cancelReplayJob(job.id, tenant: fixture.tenant, now: at(24))
                    == .over(advance.job))
        },
        Promise("a letter whose content was redacted cannot be sent as it is") { fixture in
            try await fixture.send(fixture.message(at: 0) { $0.redact = true }, messageID: "m-1")
            try await fixture.acknowledge("m-1", .device, at: 2)
            let letter = try #require(try await fixture.acknowledge("m-1", .failed, at: 3).first)
            let job = try await fixture.startReplay(at: 20)
            _ = try await fixture.claimReplays(at: 20)
            let advance = try await fixture.advance(job, [(letter.id, .replay(Correction()))], at: 21)
            #expect((advance.job.replayed, advance.job.failed) == (0, 1))
            #expect(try await fixture.stored(letter.id) == letter)
        },
        Promise("a step extends the lease") { fixture in
            try await fixture.fail(fixture.message(at: 0))
            let job = try await fixture.startReplay(at: 20)
            _ = try await fixture.claimReplays("worker-1", at: 20, lease: 10)
            _ = try await fixture.advance(job, [], at: 29)
            #expect(try await fixture.claimReplays("b", at: 31).isEmpty)
            #expect(try await fixture.claimReplays("b", at: 59).map(\.id) == [job.id])
        },
    ]
}

extension StoreFixture {
    /// Stores a job of the fixture's tenant.
    fileprivate func startReplay(
        _ filter: DeadLetterFilter = DeadLetterFilter(), at seconds: Double, runningMax: Int = 100
    ) async throws -> ReplayJob {
        let count = try await store.countDeadLetters(filter, tenant: tenant, now: Self.at(seconds))
        let job = ReplayJob(
            id: ids.next(), tenantID: tenant, filter: filter, matched: count.matched, createdAt: Self.at(seconds))
        #expect(try await store.insert(job, runningMax: runningMax))
        return job
    }

    fileprivate func claimReplays(
        _ worker: String = "worker-1", at seconds: Double, lease: Double = 30, takingOver: Bool = false
    ) async throws -> [ReplayJob] {
        try await store.claimReplayJobs(
            worker: worker, now: Self.at(seconds), leaseUntil: Self.at(seconds + lease), takingOver: takingOver)
    }

    /// A step of `worker-1` whose lease lasts thirty seconds.
    fileprivate func step(
        _ job: ReplayJob, _ items: [(MessageID, ReplayStep.Decision)], isLast: Bool = false, at seconds: Double
    ) -> ReplayStep {
        ReplayStep(
            job: job.id, worker: "worker-1", cursor: job.cursor,
            items: items.map { ReplayStep.Item(message: $0.0, decision: $0.1) }, isLast: isLast,
            leaseUntil: Self.at(seconds + 30))
    }

    fileprivate func advance(
        _ job: ReplayJob, _ items: [(MessageID, ReplayStep.Decision)], isLast: Bool = false, at seconds: Double
    ) async throws -> ReplayAdvance {
        try #require(
            try await store.advance(step(job, items, isLast: isLast, at: seconds), now: Self.at(seconds)))
    }
}
