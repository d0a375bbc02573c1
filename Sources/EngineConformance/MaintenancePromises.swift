import Martlet
import Testing

/// What ``Maintenance`` promises.
package enum MaintenancePromises {
    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    /// Thirty days: by then an engine that removes by the week has removed, too.
    private static let later: Double = 30 * 86_400

    package static let all: [Promise<StoreFixture>] = [
        Promise("idempotency keys past their window are forgotten, at most that many, and no others") { fixture in
            for index in 0..<5 {
                _ = try await fixture.store.accept(
                    [
                        AcceptanceRequest(
                            message: fixture.message(),
                            idempotency: IdempotencyClaim(
                                key: "key-\(index)", contentHash: [1], expiresAt: at(index < 3 ? 10 : 1000)))
                    ], now: at(0))
            }
            #expect(try await fixture.store.purge(now: at(9), limit: 10) == 0)
            #expect(try await fixture.store.purge(now: at(11), limit: 2) == 2)
            #expect(try await fixture.store.purge(now: at(11), limit: 2) == 1)
            #expect(try await fixture.store.purge(now: at(11), limit: 2) == 0)
        },
        Promise("parked acknowledgements are forgotten after a day") { fixture in
            try await fixture.acknowledge("m-1", .device, at: 0)
            try await fixture.acknowledge("m-2", .device, at: 1000)
            #expect(try await fixture.store.purge(now: at(86_300), limit: 10) == 0)
            #expect(try await fixture.store.purge(now: at(86_500), limit: 10) == 1)
            #expect(try await fixture.store.purge(now: at(88_000), limit: 10) == 1)
        },
        Promise("the claim history is kept for as long as it is needed, and then forgotten") { fixture in
            for _ in 0..<2 { try await fixture.accept(fixture.message()) }
            _ = try await fixture.claim(limit: 1, at: 0)
            _ = try await fixture.claim(limit: 1, at: 300)
            _ = try await fixture.store.purge(now: at(599), limit: 10)
            #expect(
                try await fixture.store.claimHistory(channel: fixture.channel, since: at(0), limit: 10)
                    == [at(0), at(300)])
            _ = try await fixture.store.purge(now: at(700), keepingClaimsFor: .seconds(3600), limit: 10)
            #expect(
                try await fixture.store.claimHistory(channel: fixture.channel, since: at(0), limit: 10)
                    == [at(0), at(300)])
            _ = try await fixture.store.purge(now: at(700), limit: 10)
            #expect(
                try await fixture.store.claimHistory(channel: fixture.channel, since: at(0), limit: 10) == [at(300)])
        },
        Promise("old final messages go with their timelines; the young and the unfinished stay") { fixture in
            let failed = try await fixture.fail(fixture.message(at: 0))
            let delivered = try await fixture.send(fixture.message(at: 0), messageID: "m-1")
            try await fixture.acknowledge("m-1", .device)
            let sent = try await fixture.send(fixture.message(at: 0), messageID: "m-2")
            let young = try await fixture.fail(fixture.message(at: 0) { $0.createdAt = at(later) })
            #expect(try await fixture.store.removeFinal(createdBefore: at(later), limit: 1) == 1)
            #expect(try await fixture.store.removeFinal(createdBefore: at(later), limit: 10) == 1)
            #expect(try await fixture.store.removeFinal(createdBefore: at(later), limit: 10) == 0)
            for message in [failed, delivered] {
                #expect(try await fixture.store.message(message.id, tenant: nil) == nil)
                #expect(try await fixture.store.timeline(message.id).isEmpty)
            }
            #expect(try await fixture.stored(sent.id) == sent)
            #expect(try await fixture.stored(young.id) == young)
            #expect(try await fixture.counts() == [.sent: 1, .failed: 1])
            #expect(try await fixture.store.statistics(tenant: fixture.tenant, now: at(later)).deadLetters == 1)
        },
        Promise("a key whose message was removed is free") { fixture in
            let claim = IdempotencyClaim(key: "key", contentHash: [1], expiresAt: at(2 * later))
            let first = fixture.message()
            _ = try await fixture.store.accept([AcceptanceRequest(message: first, idempotency: claim)], now: at(0))
            _ = try await fixture.store.cancel(first.id, tenant: fixture.tenant, now: at(1))
            #expect(try await fixture.store.removeFinal(createdBefore: at(later), limit: 10) == 1)
            let second = fixture.message(at: later)
            let results = try await fixture.store.accept(
                [AcceptanceRequest(message: second, idempotency: claim)], now: at(later))
            guard case .accepted(let message) = try #require(results.first) else { throw Broken("\(results)") }
            #expect(message.id == second.id)
        },
        Promise("a store that works says so") { fixture in
            try await fixture.store.check()
            try await fixture.store.check()
        },
        Promise("a setting is set once; whoever comes later gets the one that stands") { fixture async throws in
            #expect(try await fixture.store.setting("admin") == nil)
            #expect(try await fixture.store.setSettingOnce("admin", [1, 2]) == [1, 2])
            #expect(try await fixture.store.setSettingOnce("admin", [3]) == [1, 2])
            #expect(try await fixture.store.setting("admin") == [1, 2])
        },
    ]
}
