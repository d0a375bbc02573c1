import Martlet
import Testing

/// What ``DirectoryStore`` promises.
package enum DirectoryPromises {
    package static let all: [Promise<StoreFixture>] = tenantsAndKeys + channels + removal

    private static func at(_ seconds: Double) -> Timestamp { StoreFixture.at(seconds) }

    static let tenantsAndKeys: [Promise<StoreFixture>] = [
        Promise("tenants are stored, listed and changed") { fixture in
            var tenant = Tenant(
                id: fixture.ids.next(), name: "second", limits: [RateLimit(count: 5, perSeconds: 0.5)], createdAt: at(1)
            )
            try await fixture.store.insert(tenant)
            #expect(try await fixture.store.tenants().contains(tenant))
            tenant.name = "renamed"
            tenant.limits = [RateLimit(count: 7, perSeconds: 60), RateLimit(count: 1, perSeconds: 5)]
            #expect(try await fixture.store.update(tenant))
            #expect(try await fixture.store.tenants().contains(tenant))
            #expect(try await fixture.store.tenants().count == 2)
            tenant.id = fixture.ids.next()
            #expect(try await !fixture.store.update(tenant))
        },
        Promise("a key is found by its hash alone") { fixture in
            let key = APIKey(id: fixture.ids.next(), tenantID: fixture.tenant, name: "ci", createdAt: at(0))
            let hash = [UInt8](repeating: 9, count: 32)
            try await fixture.store.insert(key, hash: hash)
            #expect(try await fixture.store.key(hash: hash) == key)
            #expect(try await fixture.store.key(hash: [UInt8](repeating: 8, count: 32)) == nil)
            #expect(try await fixture.store.keys(tenant: fixture.tenant) == [key])
            #expect(try await fixture.store.keys(tenant: fixture.ids.next()).isEmpty)
        },
        Promise("a revoked key stays in the list, with the time of the first revocation") { fixture in
            let key = APIKey(id: fixture.ids.next(), tenantID: fixture.tenant, name: nil, createdAt: at(0))
            let hash = [UInt8](repeating: 9, count: 32)
            try await fixture.store.insert(key, hash: hash)
            #expect(try await !fixture.store.revokeKey(key.id, tenant: fixture.ids.next(), now: at(1)))
            #expect(try await fixture.store.key(hash: hash)?.revokedAt == nil)
            #expect(try await fixture.store.revokeKey(key.id, tenant: fixture.tenant, now: at(2)))
            #expect(try await fixture.store.revokeKey(key.id, tenant: fixture.tenant, now: at(3)))
            #expect(try await fixture.store.key(hash: hash)?.revokedAt == at(2))
            #expect(try await fixture.store.keys(tenant: fixture.tenant).count == 1)
        },
        Promise("when a key was last used only moves forward") { fixture in
            let key = APIKey(id: fixture.ids.next(), tenantID: fixture.tenant, name: nil, createdAt: at(0))
            try await fixture.store.insert(key, hash: [1])
            try await fixture.store.touchKeys([key.id: at(9), fixture.ids.next(): at(9)])
            try await fixture.store.touchKeys([key.id: at(5)])
            #expect(try await fixture.store.keys(tenant: fixture.tenant).map(\.lastUsedAt) == [at(9)])
        },
    ]

    static let channels: [Promise<StoreFixture>] = [
        Promise("a channel comes back whole") { fixture in
            var record = fixture.record(fixture.ids.next(), named: "all set")
            record.channel.baseURL = "https://example.com/api"
            record.channel.limits = [RateLimit(count: 256, perSeconds: 60), RateLimit(count: 1, perSeconds: 2.5)]
            record.channel.headroom = 0.75
            record.channel.recipientInterval = .milliseconds(1500)
            record.channel.acknowledgementDeadline = .seconds(120)
            record.channel.status = .disconnected
            record.channel.statusReason = "logged out"
            record.channel.statusSince = at(4)
            record.sealedSecrets = [0, 255, 1, 128]
            try await fixture.store.insert(record)
            #expect(try await fixture.store.channels().first { $0.channel.id == record.channel.id } == record)
        },
        Promise("a tenant has one channel of a name; another tenant may have its own") { fixture in
            let error = await #expect(throws: StoreError.self) {
                try await fixture.store.insert(fixture.record(fixture.ids.next(), named: "billing"))
            }
            #expect(error?.code == .conflict)
            let other = try await fixture.addTenant()
            _ = try await fixture.addChannel(named: "billing", tenant: other)
            #expect(try await fixture.store.channels().count == 2)
        },
        Promise("an update stores everything but the status; the status is stored by itself") { fixture in
            try await fixture.store.updateStatus(fixture.channel, .unauthorized, reason: "401", since: at(7))
            var record = fixture.record(fixture.channel, named: "renamed")
            record.channel.webhookToken = "another"
            record.channel.limits = [RateLimit(count: 3, perSeconds: 1)]
            record.sealedSecrets = [9]
            #expect(try await fixture.store.update(record))
            record.channel.status = .unauthorized
            record.channel.statusReason = "401"
            record.channel.statusSince = at(7)
            #expect(try await fixture.store.channels() == [record])
            #expect(try await !fixture.store.update(fixture.record(fixture.ids.next(), named: "nobody")))
        },
        Promise("of two statuses the younger stands, whichever comes last") { fixture in
            func status() async throws -> ChannelStatus? { try await fixture.store.channels().first?.channel.status }
            try await fixture.store.updateStatus(fixture.channel, .active, reason: nil, since: at(9))
            try await fixture.store.updateStatus(fixture.channel, .paused, reason: "late", since: at(8))
            #expect(try await status() == .active)
            try await fixture.store.updateStatus(fixture.channel, .disconnected, reason: nil, since: at(9))
            #expect(try await status() == .disconnected)
        },
    ]

    static let removal: [Promise<StoreFixture>] = [
        Promise("with a channel its waiting messages fail and are dead-lettered; the log keeps the rest") { fixture in
            let sent = try await fixture.send(fixture.message(), messageID: "m-1", lookUpAt: 5)
            let waiting = try await fixture.accept(fixture.message())
            let other = try await fixture.addChannel()
            let untouched = try await fixture.accept(fixture.message(channel: other))
            #expect(try await fixture.store.deleteChannel(fixture.channel, now: at(3)))
            #expect(try await !fixture.store.deleteChannel(fixture.channel, now: at(4)))
            #expect(try await fixture.store.channels().map(\.channel.id) == [other])
            let failed = try await fixture.stored(waiting.id)
            #expect(failed.status == .failed)
            #expect(failed.errorReason == "channel_deleted")
            #expect(failed.deadLetteredAt == at(3))
            #expect(try await fixture.kinds(waiting.id) == [.accepted, .failed, .deadLettered])
            #expect(try await fixture.stored(sent.id) == sent)
            #expect(try await fixture.stored(untouched.id) == untouched)
            #expect(try await fixture.store.nextReconciliation().lookUpAt == nil)
        },
        Promise("a channel with thousands of waiting messages goes, too, and the numbers stay right") { fixture in
            for _ in 0..<3 {
                _ = try await fixture.store.accept(
                    (0..<500).map { _ in AcceptanceRequest(message: fixture.message(), idempotency: nil) }, now: at(0))
            }
            #expect(try await fixture.store.deleteChannel(fixture.channel, now: at(3)))
            let statistics = try await fixture.store.statistics(tenant: fixture.tenant, now: at(3))
            #expect(statistics.counts[.failed] == 1500)
            #expect(statistics.counts[.queued] == 0)
            #expect(statistics.deadLetters == 1500)
            #expect(statistics.backlogs.isEmpty)
            #expect(try await fixture.store.queueDepth(now: at(3)).waiting[.normal] == 0)
        },
        Promise("a deleted channel's name is free again") { fixture in
            #expect(try await fixture.store.deleteChannel(fixture.channel, now: at(3)))
            _ = try await fixture.addChannel(named: "billing")
        },
        Promise("with a tenant goes everything of it and nothing of another") { fixture in
            let other = try await fixture.addTenant()
            let theirs = try await fixture.addChannel(named: "theirs", tenant: other)
            let kept = try await fixture.accept(fixture.message(channel: theirs, tenant: other))
            try await fixture.store.insert(
                APIKey(id: fixture.ids.next(), tenantID: fixture.tenant, name: nil, createdAt: at(0)), hash: [1])
            let sent = try await fixture.send(fixture.message(), messageID: "m-1", lookUpAt: 5)
            let claim = IdempotencyClaim(key: "key", contentHash: [1], expiresAt: at(1000))
            let keyed = fixture.message()
            _ = try await fixture.store.accept([AcceptanceRequest(message: keyed, idempotency: claim)], now: at(0))
            for _ in 0..<2 {
                _ = try await fixture.store.accept(
                    (0..<400).map { _ in AcceptanceRequest(message: fixture.message(), idempotency: nil) }, now: at(0))
            }
            #expect(try await fixture.store.deleteTenant(fixture.tenant))
            #expect(try await !fixture.store.deleteTenant(fixture.tenant))
            #expect(try await fixture.store.tenants().map(\.id) == [other])
            #expect(try await fixture.store.channels().map(\.channel.id) == [theirs])
            #expect(try await fixture.store.key(hash: [1]) == nil)
            #expect(try await fixture.store.message(sent.id, tenant: nil) == nil)
            #expect(try await fixture.store.timeline(sent.id).isEmpty)
            #expect(try await fixture.counts() == [:])
            #expect(try await fixture.store.nextDue() == [theirs: at(0)])
            #expect(try await fixture.store.queueDepth(now: at(0)).waiting[.normal] == 1)
            #expect(try await fixture.store.nextReconciliation().lookUpAt == nil)
            #expect(try await fixture.stored(kept.id) == kept)
        },
    ]
}
