import Martlet
import Testing

/// A fresh store with one tenant and one channel in it, and short ways to move messages through it.
///
/// All time is given: ``start`` is the moment at which everything begins, and ``at(_:)`` a moment after it.
package struct StoreFixture: Sendable {
    /// A port with every promise of a store in it.
    package let store: any Store
    package let ids: IdentifierGenerator
    package let tenant: TenantID
    package let channel: ChannelID

    package static let start = Timestamp(seconds: 1_790_000_000)

    /// So many seconds after the start.
    package static func at(_ seconds: Double) -> Timestamp { start + .milliseconds(Int64(seconds * 1000)) }

    private struct FrozenTime: TimeSource {
        func now() -> Timestamp { StoreFixture.start }
        func monotonicNow() -> MonotonicInstant { MonotonicInstant(nanoseconds: 0) }
        func sleep(for duration: Duration) async throws {}
    }

    /// - parameter store: a store that holds nothing.
    package init(_ store: any Store) async throws {
        self.store = store
        ids = IdentifierGenerator(time: FrozenTime(), random: SeededRandomSource(seed: 7))
        tenant = ids.next()
        channel = ids.next()
        try await store.insert(Tenant(id: tenant, name: "first", createdAt: Self.start))
        try await store.insert(record(channel, named: "billing"))
    }

    /// A channel as it is stored, of the fixture's tenant or another.
    package func record(_ id: ChannelID, named name: String, tenant: TenantID? = nil) -> ChannelRecord {
        ChannelRecord(
            channel: Channel(
                id: id, tenantID: tenant ?? self.tenant, name: name, provider: "wasender",
                credentials: Secret(JSONObject()), webhookToken: "token", statusSince: Self.start, createdAt: Self.start
            ),
            sealedSecrets: [1, 2, 3])
    }

    /// One more channel, stored.
    package func addChannel(named name: String = "other", tenant: TenantID? = nil) async throws -> ChannelID {
        let id: ChannelID = ids.next()
        try await store.insert(record(id, named: name, tenant: tenant))
        return id
    }

    /// One more tenant, stored.
    package func addTenant() async throws -> TenantID {
        let id: TenantID = ids.next()
        try await store.insert(Tenant(id: id, name: "second", createdAt: Self.start))
        return id
    }

    /// A message that is not stored yet.
    package func message(
        to recipient: String = "+14155550123", text: String = "Hello", channel: ChannelID? = nil,
        tenant: TenantID? = nil, at seconds: Double = 0, _ adjust: (inout Message) -> Void = { _ in }
    ) -> Message {
        var message = Message(
            id: ids.next(), tenantID: tenant ?? self.tenant, channelID: channel ?? self.channel,
            recipient: PhoneNumber(unchecked: recipient), payload: .text(text), createdAt: Self.at(seconds))
        adjust(&message)
        return message
    }

    /// Stores a message without an idempotency key, at its creation time.
    @discardableResult
    package func accept(_ message: Message) async throws -> Message {
        let results = try await store.accept(
            [AcceptanceRequest(message: message, idempotency: nil)], now: message.createdAt)
        guard case .accepted(let accepted) = try #require(results.first) else {
            throw Broken("a message without a key was not accepted")
        }
        return accepted
    }

    /// Claims due jobs of one channel.
    package func claim(
        limit: Int = 100, at seconds: Double = 0, worker: String = "worker-1", channel: ChannelID? = nil,
        recipientInterval: Duration? = nil, lease: Double = 30
    ) async throws -> ClaimBatch {
        let batches = try await store.claim(
            [ClaimRequest(channel: channel ?? self.channel, limit: limit, recipientInterval: recipientInterval)],
            worker: worker, now: Self.at(seconds), leaseUntil: Self.at(seconds + lease))
        return try #require(batches.first)
    }

    /// Claims exactly one job.
    package func claimOne(at seconds: Double = 0, worker: String = "worker-1", lease: Double = 30) async throws -> Claim
    {
        let batch = try await claim(limit: 1, at: seconds, worker: worker, lease: lease)
        return try #require(batch.claims.first)
    }

    private func seconds(of moment: Timestamp) -> Double { (moment - Self.start).seconds }

    /// A report of an attempt that began then and took 80 ms.
    package func report(_ outcome: Outcome, at seconds: Double, httpStatus: Int? = nil) -> AttemptReport {
        AttemptReport(
            outcome: outcome, httpStatus: httpStatus, startedAt: Self.at(seconds), duration: .milliseconds(80))
    }

    /// Settles a claim. Without an outcome nothing was tried.
    @discardableResult
    package func settle(
        _ claim: Claim, _ disposition: Disposition, _ outcome: Outcome? = nil, at seconds: Double = 1
    ) async throws -> Message? {
        let settlement = Settlement(
            message: claim.message.id, token: claim.token, attempt: claim.attempt,
            report: outcome.map { report($0, at: seconds) }, disposition: disposition)
        return try #require(try await store.settle([settlement], now: Self.at(seconds)).first)
    }

    /// Accepts a message, claims it and settles it as sent, all at once.
    @discardableResult
    package func send(
        _ message: Message, messageID: String? = nil, submissionID: String = "s-1", lookUpAt: Double? = nil
    ) async throws -> Message {
        try await accept(message)
        let batch = try await claim(at: seconds(of: message.createdAt), channel: message.channelID)
        let claim = try #require(batch.claims.first { $0.message.id == message.id })
        let sent = try await settle(
            claim, .sent(submissionID: submissionID, messageID: messageID, lookUpAt: lookUpAt.map(Self.at)),
            .accepted(submissionID: submissionID, messageID: messageID))
        return try #require(sent)
    }

    /// Accepts a message, claims it and settles its outcome as unknown.
    @discardableResult
    package func sendUnknown(_ message: Message, lookUpAt: Double? = nil, decideAt: Double = 16) async throws -> Message
    {
        try await accept(message)
        let batch = try await claim(at: seconds(of: message.createdAt), channel: message.channelID)
        let claim = try #require(batch.claims.first { $0.message.id == message.id })
        let unknown = try await settle(
            claim, .unknown(lookUpAt: lookUpAt.map(Self.at), decideAt: Self.at(decideAt)), .unknown(detail: "timed out")
        )
        return try #require(unknown)
    }

    /// Accepts a message, claims it and settles it as failed.
    @discardableResult
    package func fail(
        _ message: Message, _ reason: ErrorReason = ErrorReason(.rejected, "no such number"),
        _ outcome: Outcome? = .rejected(ErrorReason(.rejected, "no such number"))
    ) async throws -> Message {
        try await accept(message)
        let batch = try await claim(at: seconds(of: message.createdAt), channel: message.channelID)
        let claim = try #require(batch.claims.first { $0.message.id == message.id })
        return try #require(try await settle(claim, .fail(reason), outcome))
    }

    /// Applies one acknowledgement.
    @discardableResult
    package func acknowledge(
        _ messageID: String, _ level: AcknowledgementLevel, at seconds: Double = 2, detail: String? = nil,
        channel: ChannelID? = nil, echo: Acknowledgement.Echo? = nil
    ) async throws -> [Message] {
        try await store.apply(
            [
                Acknowledgement(
                    channel: channel ?? self.channel, messageID: messageID, level: level, at: Self.at(seconds),
                    detail: detail, echo: echo)
            ], now: Self.at(seconds))
    }

    /// The message as it is now.
    package func stored(_ id: MessageID) async throws -> Message {
        try #require(try await store.message(id, tenant: nil))
    }

    /// What the timeline says, in order.
    package func kinds(_ id: MessageID) async throws -> [TimelineEvent.Kind] {
        try await store.timeline(id).map(\.kind)
    }

    /// Messages of the fixture's tenant by status, those that are not zero.
    package func counts() async throws -> [MessageStatus: Int] {
        try await store.statistics(tenant: tenant, now: Self.start).counts.filter { $0.value != 0 }
    }
}

/// Why a check could not go on.
package struct Broken: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}
