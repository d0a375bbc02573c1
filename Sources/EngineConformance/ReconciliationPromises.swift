import Martlet
import Testing

/// What ``ReconciliationStore`` promises of look-ups and unknown outcomes.
package enum ReconciliationPromises {
    package static let all: [Promise<StoreFixture>] = lookUps + findings + echoes + decisions

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    private static func claim(
        _ fixture: StoreFixture, at seconds: Double, limit: Int = 10, perChannel: Int = 10, except: Set<ChannelID> = []
    ) async throws -> [LookUp] {
        try await fixture.store.claimLookUps(
            limit: limit, perChannel: perChannel, except: except, now: at(seconds), leaseUntil: at(seconds + 30))
    }

    static let lookUps: [Promise<StoreFixture>] = [
        Promise("a look-up is due at its time, for its purpose, with when the attempt began") { fixture in
            let identity = try await fixture.send(fixture.message(), lookUpAt: 2)
            let arrival = try await fixture.send(fixture.message(), messageID: "m-1", lookUpAt: 3)
            let outcome = try await fixture.sendUnknown(fixture.message(), lookUpAt: 4)
            #expect(try await claim(fixture, at: 1.9).isEmpty)
            let due = try await claim(fixture, at: 4)
            #expect(due.map(\.message.id) == [identity.id, arrival.id, outcome.id])
            #expect(due.map(\.purpose) == [.identity, .acknowledgement, .outcome])
            #expect(due.map(\.tries) == [0, 0, 0])
            #expect(due.map(\.attemptStartedAt) == [at(1), at(1), at(1)])
            #expect(due.first?.message.submissionID == "s-1")
        },
        Promise("what one worker took is not given to another until its lease runs out; then it was tried") { fixture in
            try await fixture.send(fixture.message(), lookUpAt: 2)
            #expect(try await claim(fixture, at: 2).count == 1)
            #expect(try await claim(fixture, at: 31.9).isEmpty)
            #expect(try await claim(fixture, at: 32).map(\.tries) == [1])
        },
        Promise("no more of a channel, and in all, than asked for, and none of those left out") { fixture in
            let second = try await fixture.addChannel()
            let third = try await fixture.addChannel(named: "third")
            for channel in [fixture.channel, second, third] {
                for _ in 0..<3 { try await fixture.send(fixture.message(channel: channel), lookUpAt: 2) }
            }
            let first = try await claim(fixture, at: 3, limit: 10, perChannel: 2, except: [third])
            #expect(first.filter { $0.message.channelID == fixture.channel }.count == 2)
            #expect(first.filter { $0.message.channelID == second }.count == 2)
            #expect(first.count == 4)
            #expect(try await claim(fixture, at: 3, limit: 3, perChannel: 3).count == 3)
        },
        Promise("a final status ends the asking") { fixture in
            try await fixture.send(fixture.message(), messageID: "m-1", lookUpAt: 2)
            try await fixture.acknowledge("m-1", .device, at: 1.5)
            #expect(try await claim(fixture, at: 100).isEmpty)
            #expect(try await fixture.store.nextReconciliation().lookUpAt == nil)
        },
        Promise("when the first look-up and the first decision are due is known") { fixture in
            let nothing = try await fixture.store.nextReconciliation()
            #expect(nothing.lookUpAt == nil)
            #expect(nothing.decideAt == nil)
            let second = try await fixture.addChannel()
            try await fixture.send(fixture.message(), lookUpAt: 9)
            try await fixture.send(fixture.message(channel: second), lookUpAt: 7)
            try await fixture.sendUnknown(fixture.message(), decideAt: 20)
            try await fixture.sendUnknown(fixture.message(), lookUpAt: 8, decideAt: 16)
            let next = try await fixture.store.nextReconciliation()
            #expect(next.lookUpAt == at(7))
            #expect(next.decideAt == at(16))
        },
    ]

    static let findings: [Promise<StoreFixture>] = [
        Promise("an identity found binds the id, and the asking goes on for the arrival") { fixture in
            let message = try await fixture.send(fixture.message(), lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [
                    LookUpSettlement(
                        message: message.id, purpose: .identity, messageID: "m-1", next: (at(300), .acknowledgement),
                        isWorthAnEntry: false)
                ], now: at(3))
            #expect(changed.map(\.messageID) == ["m-1"])
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent])
            let due = try await claim(fixture, at: 300)
            #expect(due.map(\.purpose) == [.acknowledgement])
            #expect(due.map(\.tries) == [0])
            #expect(try await fixture.acknowledge("m-1", .device, at: 301).map(\.id) == [message.id])
        },
        Promise("nothing found: asked again then, and the message has not changed") { fixture in
            let message = try await fixture.send(fixture.message(), lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [
                    LookUpSettlement(
                        message: message.id, purpose: .identity, detail: "not found", next: (at(10), .identity),
                        isWorthAnEntry: true)
                ], now: at(3))
            #expect(changed.isEmpty)
            let entry = try #require(try await fixture.store.timeline(message.id).last)
            #expect(entry.kind == .lookedUp)
            #expect(entry.detail == "not found")
            #expect(try await claim(fixture, at: 9.9).isEmpty)
            #expect(try await claim(fixture, at: 10).map(\.tries) == [1])
        },
        Promise("a state found is applied like an acknowledgement") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1", lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [
                    LookUpSettlement(
                        message: message.id, purpose: .acknowledgement, level: .device,
                        next: (at(10), .acknowledgement),
                        isWorthAnEntry: true)
                ], now: at(3))
            #expect(changed.map(\.status) == [.delivered])
            #expect(try await claim(fixture, at: 100).isEmpty)
        },
        Promise("an unknown outcome that was found becomes sent, and its job goes") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [
                    LookUpSettlement(
                        message: message.id, purpose: .outcome, submissionID: "s-1", messageID: "m-1", level: .device,
                        isWorthAnEntry: true)
                ], now: at(3))
            #expect(changed.map(\.status) == [.delivered])
            #expect(changed.map(\.submissionID) == ["s-1"])
            #expect(changed.first?.job == nil)
            #expect(changed.first?.attempts == 1)
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .lookedUp, .sent, .delivered])
            #expect(try await fixture.store.undecided(now: at(100), limit: 10).isEmpty)
        },
        Promise("an unknown outcome that was not found stays open") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [LookUpSettlement(message: message.id, purpose: .outcome, isWorthAnEntry: false)], now: at(3))
            #expect(changed.isEmpty)
            #expect(try await fixture.stored(message.id).job?.state == .unknown)
            #expect(try await claim(fixture, at: 100).isEmpty)
        },
        Promise("a finding whose question is closed changes nothing") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), lookUpAt: 2)
            _ = try await claim(fixture, at: 2)
            _ = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .fail(ErrorReason(.outcomeUnknown)))], now: at(16))
            let before = try await fixture.stored(message.id)
            let changed = try await fixture.store.settleLookUps(
                [
                    LookUpSettlement(
                        message: message.id, purpose: .outcome, messageID: "m-1", next: (at(30), .acknowledgement),
                        isWorthAnEntry: true)
                ], now: at(17))
            #expect(changed.isEmpty)
            #expect(try await fixture.stored(message.id) == before)
            #expect(try await claim(fixture, at: 100).isEmpty)
        },
    ]

    private static func echo(
        _ fixture: StoreFixture, _ messageID: String, _ level: AcknowledgementLevel = .pending,
        to recipient: String = "+14155550123", text: String = "Hello", at seconds: Double = 2
    ) async throws {
        try await fixture.acknowledge(
            messageID, level, at: seconds,
            echo: Acknowledgement.Echo(recipient: PhoneNumber(unchecked: recipient), text: text))
    }

    private static func echoID(_ fixture: StoreFixture, of id: MessageID) async throws -> String? {
        let undecided = try await fixture.store.undecided(now: at(16), limit: 10)
        return try #require(undecided.first { $0.message.id == id }).echoMessageID
    }

    static let echoes: [Promise<StoreFixture>] = [
        Promise("the one echo with the recipient and the words identifies the message") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            try await echo(fixture, "m-other", to: "+14155550777")
            try await echo(fixture, "m-else", text: "Hello!")
            #expect(try await echoID(fixture, of: message.id) == nil)
            try await echo(fixture, "m-1")
            #expect(try await echoID(fixture, of: message.id) == "m-1")
            // The same id again, with more news, is still one.
            try await echo(fixture, "m-1", .server, at: 3)
            #expect(try await echoID(fixture, of: message.id) == "m-1")
        },
        Promise("an echo that came as an acknowledgement is kept as both") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            try await echo(fixture, "m-1", .device)
            #expect(try await echoID(fixture, of: message.id) == "m-1")
            let changed = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .sent(messageID: "m-1"))], now: at(16))
            #expect(changed.map(\.status) == [.delivered])
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .delivered])
        },
        Promise("two echoes that fit identify nothing") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            try await echo(fixture, "m-1")
            try await echo(fixture, "m-2")
            #expect(try await echoID(fixture, of: message.id) == nil)
        },
        Promise("an echo that another message may claim identifies nothing") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            let twin = try await fixture.sendUnknown(fixture.message())
            try await echo(fixture, "m-1")
            #expect(try await echoID(fixture, of: message.id) == nil)
            #expect(try await echoID(fixture, of: twin.id) == nil)
        },
        Promise("a message that was sent and has no id yet may claim an echo, too") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            try await fixture.send(fixture.message())
            try await echo(fixture, "m-1")
            #expect(try await echoID(fixture, of: message.id) == nil)
        },
        Promise("a message that ended without an id may claim an echo, too") { fixture in
            for isDelivered in [true, false] {
                let channel = try await fixture.addChannel(named: "ended \(isDelivered)")
                let ended = try await fixture.sendUnknown(fixture.message(channel: channel), lookUpAt: 2, decideAt: 15)
                if isDelivered {
                    _ = try await fixture.store.settleLookUps(
                        [
                            LookUpSettlement(
                                message: ended.id, purpose: .outcome, submissionID: "s-1", level: .device,
                                isWorthAnEntry: true)
                        ], now: at(3))
                } else {
                    _ = try await fixture.store.decide(
                        [Decision(message: ended.id, verdict: .fail(ErrorReason(.outcomeUnknown)))], now: at(15))
                }
                let message = try await fixture.sendUnknown(fixture.message(channel: channel))
                try await fixture.acknowledge(
                    "m-1", .server, channel: channel,
                    echo: Acknowledgement.Echo(recipient: message.recipient, text: "Hello"))
                #expect(try await echoID(fixture, of: message.id) == nil)
            }
        },
        Promise("a message of other words, or with an id, claims no echo") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            try await fixture.send(fixture.message(text: "Something else"))
            try await fixture.send(fixture.message(), messageID: "m-9")
            try await fixture.accept(fixture.message())
            try await echo(fixture, "m-1")
            #expect(try await echoID(fixture, of: message.id) == "m-1")
        },
        Promise("an echo from before the attempt is another message's, but for clocks that differ") { fixture in
            try await echo(fixture, "m-0", at: -30)
            let message = try await fixture.sendUnknown(fixture.message())
            #expect(try await echoID(fixture, of: message.id) == nil)
            try await echo(fixture, "m-1", at: -3)
            #expect(try await echoID(fixture, of: message.id) == "m-1")
        },
        Promise("an echo of an earlier send is another message's, however late it is told") { fixture in
            let message = try await fixture.sendUnknown(fixture.message())
            let late = Acknowledgement(
                channel: fixture.channel, messageID: "m-0", level: .server, at: at(-30),
                echo: Acknowledgement.Echo(recipient: message.recipient, text: "Hello"))
            _ = try await fixture.store.apply([late], now: at(3))
            #expect(try await echoID(fixture, of: message.id) == nil)
            try await echo(fixture, "m-1", at: 3)
            #expect(try await echoID(fixture, of: message.id) == "m-1")
        },
    ]

    static let decisions: [Promise<StoreFixture>] = [
        Promise("sent: it was taken after all") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), lookUpAt: 2)
            let changed = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .sent(messageID: "m-1"))], now: at(16))
            #expect(changed.map(\.status) == [.sent])
            #expect(changed.map(\.messageID) == ["m-1"])
            #expect(changed.map(\.attempts) == [1])
            #expect(changed.first?.job == nil)
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent])
            #expect(try await claim(fixture, at: 100).isEmpty)
        },
        Promise("retry: sent again then, with the risk of a duplicate for ever") { fixture in
            let message = try await fixture.sendUnknown(fixture.message(), lookUpAt: 2)
            let changed = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .retry(at: at(20)))], now: at(16))
            #expect(changed.map(\.duplicateRisk) == [true])
            #expect(changed.map(\.attempts) == [1])
            #expect(
                changed.first?.job == JobSnapshot(state: .waiting, dueAt: at(20), condition: .retrying, since: at(16)))
            #expect(try await claim(fixture, at: 100).isEmpty)
            let again = try await fixture.claimOne(at: 20)
            #expect(again.attempt == 2)
            let sent = try await fixture.settle(
                again, .sent(submissionID: "s", messageID: nil, lookUpAt: nil), at: 21)
            #expect(sent?.duplicateRisk == true)
        },
        Promise("fail: to the dead letters, never sent again") { fixture in
            let message = try await fixture.sendUnknown(fixture.message { $0.onUnknown = .hold })
            let changed = try await fixture.store.decide(
                [Decision(message: message.id, verdict: .fail(ErrorReason(.outcomeUnknown, "timed out")))], now: at(16))
            #expect(changed.map(\.status) == [.failed])
            #expect(changed.map(\.errorReason) == ["outcome_unknown: timed out"])
            #expect(changed.map(\.deadLetteredAt) == [at(16)])
            #expect(changed.map(\.duplicateRisk) == [false])
            #expect(try await fixture.claim(at: 1000).claims.isEmpty)
        },
        Promise("what has been settled meanwhile is left alone") { fixture in
            let sent = try await fixture.send(fixture.message(), messageID: "m-1")
            let waiting = try await fixture.accept(fixture.message())
            let changed = try await fixture.store.decide(
                [
                    Decision(message: sent.id, verdict: .retry(at: at(20))),
                    Decision(message: waiting.id, verdict: .fail(ErrorReason(.outcomeUnknown))),
                    Decision(message: fixture.ids.next(), verdict: .retry(at: at(20))),
                ], now: at(16))
            #expect(changed.isEmpty)
            #expect(try await fixture.stored(sent.id) == sent)
            #expect(try await fixture.stored(waiting.id) == waiting)
        },
        Promise("no more undecided messages than asked for, the longest overdue first") { fixture in
            let late = try await fixture.sendUnknown(fixture.message(), decideAt: 18)
            let early = try await fixture.sendUnknown(fixture.message(), decideAt: 17)
            #expect(try await fixture.store.undecided(now: at(20), limit: 1).map(\.message.id) == [early.id])
            #expect(try await fixture.store.undecided(now: at(20), limit: 5).map(\.message.id) == [early.id, late.id])
        },
    ]
}
