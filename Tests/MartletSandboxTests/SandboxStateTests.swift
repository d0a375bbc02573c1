import Foundation
import Testing

@testable import MartletSandbox

/// The decisions, with time as an argument.
@Suite struct SandboxStateTests {
    private static let milliseconds: Int64 = 1_000_000

    private func instant(_ milliseconds: Int64) -> SandboxInstant {
        SandboxInstant(
            nanoseconds: milliseconds * Self.milliseconds, wallMicroseconds: 1_800_000_000_000_000 + milliseconds * 1000
        )
    }

    private func state(_ configure: (inout SandboxConfiguration) -> Void = { _ in }) -> SandboxState {
        var configuration = SandboxConfiguration()
        configuration.seed = 1
        configuration.webhooksTo = URL(string: "http://127.0.0.1:1/hook")
        configure(&configuration)
        return SandboxState(configuration: configuration, at: instant(0))
    }

    private func send(to: String = "+12025550123", text: String = "Hello") -> WasenderSend {
        WasenderSend(Array(#"{"to":"\#(to)","text":"\#(text)"}"#.utf8))
    }

    private func admit(
        _ state: inout SandboxState, at milliseconds: Int64, key: String = "key", to: String = "+12025550123"
    ) -> Admission.Outcome {
        let send = send(to: to, text: "At \(milliseconds)")
        return state.admit(
            key: .success(key), submission: send.submission, recipient: send.recipient, at: instant(milliseconds)
        ).outcome
    }

    private func isAccepted(_ outcome: Admission.Outcome) -> Bool {
        if case .accepted = outcome { true } else { false }
    }

    @Test func `judges by the moment of receipt`() throws {
        var state = state { $0.limits = [SandboxLimit(count: 2, per: .seconds(1))] }
        #expect(isAccepted(admit(&state, at: 0)))
        #expect(isAccepted(admit(&state, at: 600)))
        guard case .limited(let refusal, false) = admit(&state, at: 999) else {
            Issue.record("not limited")
            return
        }
        #expect(refusal.waitNanoseconds == Self.milliseconds)
        #expect(isAccepted(admit(&state, at: 1000)))
        guard case .limited = admit(&state, at: 1599) else {
            Issue.record("not limited")
            return
        }
        #expect(isAccepted(admit(&state, at: 1599, key: "other")))
        #expect(isAccepted(admit(&state, at: 1600)))
        let statistics = state.statistics()
        #expect(statistics.highestInAnySecond == 2)
        #expect(statistics.keys["key"]?.accepted == 4)
        #expect(statistics.refusedByLimit == 2)
    }

    @Test func `counts refused bodies against the limit, and unknown keys not`() {
        var state = state { configuration in
            configuration.limits = [SandboxLimit(count: 1, per: .seconds(1))]
            configuration.knownKeys = ["key"]
        }
        guard case .unauthorized(.invalid) = admit(&state, at: 0, key: "other") else {
            Issue.record("let in")
            return
        }
        guard case .unknownRecipient = admit(&state, at: 0, to: "+9990000000") else {
            Issue.record("known")
            return
        }
        guard case .limited = admit(&state, at: 1) else {
            Issue.record("not limited")
            return
        }
    }

    @Test func `lets a message take its way at the times that were set`() {
        var state = state()
        #expect(isAccepted(admit(&state, at: 1000)))
        var timers = state.takeWork().timers
        var seen: [(due: Int64, events: [String])] = []
        while let timer = timers.popLast() {
            guard case .message(let id) = timer.purpose else {
                Issue.record("another timer")
                return
            }
            state.advance(message: id, at: instant(timer.due / Self.milliseconds))
            let work = state.takeWork()
            seen.append((timer.due / Self.milliseconds, work.events.map(\.event.wasenderName)))
            timers += work.timers
        }
        #expect(seen.map(\.due) == [1100, 1300, 1600])
        #expect(
            seen.map(\.events) == [
                ["message.sent", "messages.upsert", "messages.update"], ["messages.update"], ["messages.update"],
            ])
        #expect(state.ledger.entries(after: 0, limit: 1).first?.status == 4)
    }

    @Test func `posts nothing of messages that a reset forgot`() throws {
        var state = state()
        #expect(isAccepted(admit(&state, at: 0)))
        let timer = try #require(state.takeWork().timers.first)
        let forgotten = try #require(state.ledger.entries(after: 0, limit: 1).first)
        state.reset()
        #expect(timer.generation != state.generation)
        #expect(isAccepted(admit(&state, at: 10)))
        _ = state.takeWork()
        // Even a timer that slips through finds no message.
        state.advance(message: forgotten.messageID, at: instant(100))
        #expect(state.takeWork().events.isEmpty)
    }

    @Test func `holds sessions down for the time of the fault`() {
        var state = state()
        #expect(isAccepted(admit(&state, at: 0)))
        _ = state.takeWork()
        var fault = SandboxFault(.sessionDown)
        fault.duration = .milliseconds(500)
        #expect(state.begin(fault, at: instant(100)) != nil)
        #expect(statuses(of: state.takeWork()) == ["disconnected"])
        guard case .sessionDown = admit(&state, at: 599) else {
            Issue.record("not down")
            return
        }
        // A session that comes to be meanwhile is down, too, and comes back with the others.
        guard case .sessionDown = admit(&state, at: 599, key: "late") else {
            Issue.record("not down")
            return
        }
        state.sweepFaults(at: instant(600))
        #expect(statuses(of: state.takeWork()) == ["connected", "connected"])
        #expect(isAccepted(admit(&state, at: 600)))
    }

    @Test func `brings sessions back after the count of the fault`() {
        var state = state()
        var fault = SandboxFault(.sessionDown)
        fault.count = 1
        _ = state.begin(fault, at: instant(0))
        guard case .sessionDown = admit(&state, at: 1) else {
            Issue.record("not down")
            return
        }
        #expect(isAccepted(admit(&state, at: 2)))
        #expect(statuses(of: state.takeWork()) == ["connected"])
    }

    @Test func `strikes only what the limiter let through`() {
        var state = state { $0.limits = [SandboxLimit(count: 1, per: .seconds(1))] }
        var fault = SandboxFault(.status)
        fault.count = 2
        _ = state.begin(fault, at: instant(0))
        guard case .struck = admit(&state, at: 0) else {
            Issue.record("not struck")
            return
        }
        guard case .limited = admit(&state, at: 1) else {
            Issue.record("not limited")
            return
        }
        guard case .struck = admit(&state, at: 1000) else {
            Issue.record("not struck")
            return
        }
        #expect(isAccepted(admit(&state, at: 2000)))
    }

    @Test func `repeats chance from a seed, and gives every message an id of its own`() {
        let one = state()
        #expect(one.keyID(ofMessage: 5) == state().keyID(ofMessage: 5))
        #expect(one.keyID(ofMessage: 5) != state { $0.seed = 2 }.keyID(ofMessage: 5))
        #expect(Set((0..<10_000).map(one.keyID)).count == 10_000)
    }

    @Test func `numbers messages above those of an earlier start`() {
        var early = state()
        var late = SandboxState(configuration: early.configuration, at: instant(1000))
        for millisecond in 0..<200 { _ = admit(&early, at: Int64(millisecond)) }
        _ = admit(&late, at: 1001)
        let last = early.ledger.nextMessageID
        #expect(late.ledger.entries(after: 0, limit: 1).first.map { $0.messageID >= last } == true)
    }

    private func statuses(of work: SandboxState.Work) -> [String] {
        work.events.compactMap { if case .sessionStatus(let status) = $0.event { status } else { nil } }
    }
}
