import Martlet
import MartletTestSupport
import Testing

@Suite struct AttemptRulesTests {
    private let now = Timestamp(seconds: 1_790_000_000)
    private let rules = AttemptRules(retry: .standard, unknownWait: .seconds(15))
    private let traits = ProviderTraits(
        defaultBaseURL: "", defaultLimits: [], concurrency: 1, needsIdentityLookUp: true,
        canLookUpAcknowledgement: true, hasSessions: true)

    private func disposition(_ outcome: Outcome, attempt: Int = 1, chance: Double = 0) -> Disposition {
        rules.disposition(
            of: outcome, attempt: attempt, traits: traits, pause: .seconds(7), now: now, chance: chance)
    }

    @Test(arguments: [(1, 5), (2, 15), (3, 45), (4, 135), (5, 405)])
    func `a transient failure waits its turn of the schedule`(attempt: Int, seconds: Int) {
        #expect(
            disposition(.transient(detail: "down", retryAfter: nil), attempt: attempt)
                == .retry(at: now + .seconds(seconds)))
    }

    @Test func `jitter is added and never taken away`() {
        guard case .retry(let at) = disposition(.transient(detail: "", retryAfter: nil), chance: 0.999) else {
            Issue.record("no retry")
            return
        }
        #expect(at > now + .seconds(5))
        #expect(at < now + .milliseconds(5500))
    }

    @Test func `a longer wait asked for by the provider is kept, a shorter one is not`() {
        #expect(disposition(.transient(detail: "", retryAfter: .seconds(60))) == .retry(at: now + .seconds(60)))
        #expect(disposition(.transient(detail: "", retryAfter: .seconds(1))) == .retry(at: now + .seconds(5)))
        #expect(
            disposition(.transient(detail: "", retryAfter: .seconds(1_000_000))) == .retry(at: now + .seconds(86_400)))
    }

    @Test func `the sixth failure is the last`() {
        #expect(
            disposition(.transient(detail: "still down", retryAfter: nil), attempt: 6)
                == .fail(ErrorReason(.attemptsExhausted, "still down")))
    }

    @Test func `a refusal fails at once`() {
        #expect(
            disposition(.rejected(ErrorReason(.invalidRecipient, "no such number")))
                == .fail(ErrorReason(.invalidRecipient, "no such number")))
    }

    @Test func `what is not the message's fault holds it`() {
        #expect(
            disposition(.throttled(retryAfter: .seconds(7), detail: ""))
                == .hold(until: now + .seconds(7), .providerRateLimit))
        #expect(disposition(.sessionDown(detail: "")) == .hold(until: now, .sessionDisconnected))
        #expect(disposition(.unauthorized(detail: "")) == .hold(until: now, .channelUnauthorized))
    }

    @Test func `an unknown outcome is looked up before it is decided on`() {
        #expect(
            disposition(.unknown(detail: "no answer"))
                == .unknown(lookUpAt: now + .seconds(1), decideAt: now + .seconds(15)))
    }

    @Test func `an accepted message without its id is asked about`() {
        #expect(
            disposition(.accepted(submissionID: "7", messageID: nil))
                == .sent(submissionID: "7", messageID: nil, lookUpAt: now + .seconds(1)))
    }

    private func undecided(_ policy: UnknownPolicy, attempts: Int = 1, echo: String? = nil) -> Undecided {
        var message = Message(
            id: MessageID(unchecked: "msg_1"), tenantID: TenantID(unchecked: "ten_1"),
            channelID: ChannelID(unchecked: "chn_1"), recipient: PhoneNumber(unchecked: "+14155550123"),
            payload: .text("hello"), createdAt: now)
        message.onUnknown = policy
        message.attempts = attempts
        return Undecided(message: message, echoMessageID: echo, since: now - .seconds(15))
    }

    @Test func `an echo settles an unknown outcome whatever the policy`() {
        for policy in UnknownPolicy.allCases {
            #expect(
                rules.decision(on: undecided(policy, echo: "3EB0"), now: now, chance: 0).verdict
                    == .sent(messageID: "3EB0"))
        }
    }

    @Test func `retry goes on with the schedule at the later of the two times`() {
        #expect(rules.decision(on: undecided(.retry), now: now, chance: 0).verdict == .retry(at: now))
        #expect(
            rules.decision(on: undecided(.retry, attempts: 3), now: now, chance: 0).verdict
                == .retry(at: now + .seconds(30)))
    }

    @Test func `retry ends when the attempts are used up`() {
        guard case .fail(let reason) = rules.decision(on: undecided(.retry, attempts: 6), now: now, chance: 0).verdict
        else {
            Issue.record("it went on")
            return
        }
        #expect(reason.code == .attemptsExhausted)
    }

    @Test func `hold gives up at once`() {
        guard case .fail(let reason) = rules.decision(on: undecided(.hold), now: now, chance: 0).verdict else {
            Issue.record("it went on")
            return
        }
        #expect(reason.code == .outcomeUnknown)
        #expect(reason.isDeadLettered)
    }
}

@Suite struct GroupCommitTests {
    @Test func `everyone gets the outcome of their own input`() async throws {
        let commits = GroupCommit<Int, Int>(batchMax: 10) { batch in batch.map { $0 * 2 } }
        let outputs = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
            for input in 0..<500 { group.addTask { (input, try await commits.submit(input)) } }
            return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        #expect(outputs == Dictionary(uniqueKeysWithValues: (0..<500).map { ($0, $0 * 2) }))
    }

    @Test func `a failed write fails all its inputs and none of the next`() async {
        let commits = GroupCommit<Int, Int> { (batch: [Int]) async throws(StoreError) in
            if batch.contains(-1) { throw StoreError(.unavailable, "no") }
            return batch
        }
        await #expect(throws: StoreError.self) { try await commits.submit(-1) }
        await #expect(throws: Never.self) { try await commits.submit(1) }
    }

    @Test func `inputs that come during a write go together in the next`() async throws {
        let simulation = Simulation()
        let sizes = try await simulation.run {
            let sizes = Recorder<Int>()
            let commits = GroupCommit<Int, Int> { (batch: [Int]) async throws(StoreError) in
                sizes.append(batch.count)
                try? await simulation.time.sleep(for: .milliseconds(1))
                return batch
            }
            await withTaskGroup(of: Void.self) { group in
                for input in 0..<100 { group.addTask { _ = try? await commits.submit(input) } }
            }
            return sizes.all
        }
        #expect(sizes == [1, 99])
    }

    @Test func `more than may wait is refused`() async throws {
        let simulation = Simulation()
        let refused = try await simulation.run {
            let commits = GroupCommit<Int, Int>(waitingMax: 10) { (batch: [Int]) async throws(StoreError) in
                try? await simulation.time.sleep(for: .milliseconds(1))
                return batch
            }
            return await withTaskGroup(of: Bool.self) { group in
                for input in 0..<50 {
                    group.addTask {
                        do { _ = try await commits.submit(input) } catch let error as StoreError {
                            return error.code == .overloaded
                        } catch {}
                        return false
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
        }
        #expect(refused == 39)
    }
}
