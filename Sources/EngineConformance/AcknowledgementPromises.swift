import Martlet
import Testing

/// What ``ReconciliationStore`` promises of acknowledgements.
package enum AcknowledgementPromises {
    package static let all: [Promise<StoreFixture>] = levels + disorder + parking

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let levels: [Promise<StoreFixture>] = [
        Promise("the server's acknowledgement is one more entry; the status stays sent") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            let changed = try await fixture.acknowledge("m-1", .server, at: 2)
            #expect(changed.map(\.status) == [.sent])
            #expect(changed.map(\.acknowledgedAt) == [at(2)])
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .acknowledged])
            #expect(try await fixture.stored(message.id) == changed.first)
        },
        Promise("delivered, then read, each with its time") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            let delivered = try #require(try await fixture.acknowledge("m-1", .device, at: 3).first)
            #expect(delivered.status == .delivered)
            #expect(delivered.deliveredAt == at(3))
            #expect(delivered.acknowledgedAt == at(3))
            let read = try #require(try await fixture.acknowledge("m-1", .read, at: 4).first)
            #expect(read.status == .read)
            #expect(read.readAt == at(4))
            #expect(read.deliveredAt == at(3))
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .delivered, .read])
        },
        Promise("a failure the provider reports later is dead-lettered, from sent and from delivered") { fixture in
            let sent = try await fixture.send(fixture.message(), messageID: "m-1")
            let failed = try #require(try await fixture.acknowledge("m-1", .failed, detail: "131026").first)
            #expect(failed.status == .failed)
            #expect(failed.errorReason == "failed_by_provider: 131026")
            #expect(failed.failedAt == at(2))
            #expect(failed.deadLetteredAt == at(2))
            #expect(try await fixture.kinds(sent.id) == [.accepted, .attempt, .sent, .failed, .deadLettered])
            try await fixture.send(fixture.message(), messageID: "m-2")
            try await fixture.acknowledge("m-2", .device)
            #expect(try await fixture.acknowledge("m-2", .failed, at: 3).map(\.status) == [.failed])
        },
        Promise("`pending` changes nothing") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            #expect(try await fixture.acknowledge("m-1", .pending).isEmpty)
            #expect(try await fixture.stored(message.id) == message)
        },
        Promise("the channel is part of the id") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            let other = try await fixture.addChannel()
            #expect(try await fixture.acknowledge("m-1", .read, channel: other).isEmpty)
            #expect(try await fixture.stored(message.id).status == .sent)
        },
    ]

    static let disorder: [Promise<StoreFixture>] = [
        Promise("repeated and late acknowledgements change nothing, not even the timeline") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            for level in [AcknowledgementLevel.device, .read] { try await fixture.acknowledge("m-1", level, at: 3) }
            let before = try await fixture.stored(message.id)
            let timeline = try await fixture.store.timeline(message.id)
            for level in AcknowledgementLevel.allCases {
                #expect(try await fixture.acknowledge("m-1", level, at: 9).isEmpty)
            }
            #expect(try await fixture.stored(message.id) == before)
            #expect(try await fixture.store.timeline(message.id) == timeline)
        },
        Promise("read before delivered: delivered by then, and what comes later changes nothing") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            try await fixture.acknowledge("m-1", .read, at: 3)
            try await fixture.acknowledge("m-1", .device, at: 4)
            let stored = try await fixture.stored(message.id)
            #expect(stored.status == .read)
            #expect(stored.deliveredAt == at(3))
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .read])
        },
        Promise("a batch is applied in order and answers each changed message once, as it is in the end") { fixture in
            let first = try await fixture.send(fixture.message(), messageID: "m-1")
            let second = try await fixture.send(fixture.message(), messageID: "m-2")
            let levels: [(String, AcknowledgementLevel)] = [
                ("m-1", .server), ("m-2", .read), ("m-1", .device), ("m-2", .device), ("m-1", .read), ("m-1", .read),
            ]
            let changed = try await fixture.store.apply(
                levels.map {
                    Acknowledgement(channel: fixture.channel, messageID: $0.0, level: $0.1, at: at(5))
                }, now: at(5))
            #expect(changed.map(\.id) == [first.id, second.id])
            #expect(changed.map(\.status) == [.read, .read])
            #expect(
                try await fixture.kinds(first.id) == [.accepted, .attempt, .sent, .acknowledged, .delivered, .read])
        },
        Promise("after a failure nothing brings the message back") { fixture in
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            try await fixture.acknowledge("m-1", .failed)
            #expect(try await fixture.acknowledge("m-1", .read, at: 4).isEmpty)
            #expect(try await fixture.stored(message.id).status == .failed)
        },
    ]

    static let parking: [Promise<StoreFixture>] = [
        Promise("one that comes before the send's own answer is applied with it") { fixture in
            let message = try await fixture.accept(fixture.message())
            let claim = try await fixture.claimOne()
            #expect(try await fixture.acknowledge("m-1", .device, at: 0.5).isEmpty)
            let settled = try #require(
                try await fixture.settle(
                    claim, .sent(submissionID: "s-1", messageID: "m-1", lookUpAt: nil),
                    .accepted(submissionID: "s-1", messageID: "m-1"), at: 1))
            #expect(settled.status == .delivered)
            // Not before it was sent, whatever the provider's clock said.
            #expect(settled.deliveredAt == at(1))
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .delivered])
        },
        Promise("one that comes before the id is known is applied when a look-up finds it") { fixture in
            let message = try await fixture.send(fixture.message(), lookUpAt: 2)
            try await fixture.acknowledge("m-1", .read, at: 2)
            let changed = try await fixture.store.settleLookUps(
                [LookUpSettlement(message: message.id, purpose: .identity, messageID: "m-1", isWorthAnEntry: true)],
                now: at(3))
            #expect(changed.map(\.status) == [.read])
            #expect(changed.map(\.messageID) == ["m-1"])
            // Each entry stands where it happened, not where it was learnt.
            #expect(try await fixture.kinds(message.id) == [.accepted, .attempt, .sent, .read, .lookedUp])
        },
        Promise("what was parked is applied once, and only in its own channel") { fixture in
            let other = try await fixture.addChannel()
            try await fixture.acknowledge("m-1", .device, channel: other)
            let message = try await fixture.send(fixture.message(), messageID: "m-1")
            #expect(message.status == .sent)
            let theirs = try await fixture.send(fixture.message(channel: other), messageID: "m-1")
            #expect(theirs.status == .delivered)
            let third = try await fixture.send(fixture.message(channel: other), messageID: "m-1")
            #expect(third.status == .sent)
        },
        Promise("what was parked more than a day ago is not applied") { fixture in
            try await fixture.acknowledge("m-1", .device, at: 0)
            let message = try await fixture.accept(fixture.message(at: 90_000))
            let claim = try await fixture.claimOne(at: 90_000)
            let sent = try #require(
                try await fixture.settle(
                    claim, .sent(submissionID: "s-1", messageID: "m-1", lookUpAt: nil), at: 90_001))
            #expect(sent.status == .sent)
            #expect(try await fixture.stored(message.id).status == .sent)
        },
    ]
}
