import HummingbirdCore
import Martlet
import MartletServer
import WasenderProvider

/// Every other body and query string of the API. The first line says which: `POST /v1/channels?cursor=…`.
enum RequestsTarget {
    private static let now = MessagesTarget.now
    private static let providers = ProviderRegistry([Wasender.provider])

    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        let request = WireText(bytes)
        let parts = request.start.split(separator: " ")
        let target = parts.count > 1 ? String(parts[1]) : ""
        try query(target)
        guard let document = try DocumentPromises.parse(request.body), document.stringErrors.isEmpty else { return }
        let value = document.value
        let path = target.prefix { $0 != "?" }
        switch (parts.first, path) {
        case ("POST", "/v1/channels"): try newChannel(value)
        case ("PATCH", _) where path.hasPrefix("/v1/channels/"): try changedChannel(value)
        case ("PATCH", _): try tenant(value, isChange: true)
        case ("POST", "/v1/tenants"): try tenant(value, isChange: false)
        case ("POST", "/v1/replays"): try bulkReplay(value)
        case ("POST", _) where path.hasSuffix("/keys"): try key(value)
        default: try replay(value)
        }
    }

    // MARK: Query strings

    private static func query(_ target: String) throws(BrokenPromise) {
        let uri = URI(target)
        _ = QueryReader.pairs(uri)
        do {
            let reader = try QueryReader(uri, known: MessageListing.parameters)
            if let number = try reader.phoneNumber("recipient") {
                try promise(PhoneNumber(number.text) == number, "a recipient that is no number")
            }
            if let text = try reader.text("message_id") {
                try promise((1...255).contains(text.unicodeScalars.count), "a text that is empty or too long")
            }
            _ = try reader.timestamp("since")
            let paging = try Paging<MessageKind>(reader)
            try promise((1...200).contains(paging.limit), "a page of \(paging.limit)")
            if let last = paging.last {
                let cursor = Paging<MessageKind>.cursor(after: last)
                let again = try Paging<MessageKind>(
                    QueryReader(URI("/?cursor=\(cursor)"), known: Paging<MessageKind>.parameters))
                try promise(again.last == last, "a cursor leads elsewhere")
            }
        } catch let broken as BrokenPromise {
            throw broken
        } catch let problem as Problem {
            try promise(problem.status == .badRequest, "a query string is answered with \(problem.status)")
        } catch {
            throw BrokenPromise("a query string is refused with \(error)")
        }
    }

    // MARK: Tenants and keys

    private static func tenant(_ value: JSONValue, isChange: Bool) throws(BrokenPromise) {
        switch TenantDraft.read(value, isChange: isChange) {
        case .failure(let failure): try DocumentPromises.errors(failure.errors, in: value)
        case .success(let draft):
            try promise(isChange || draft.name != nil, "a tenant without a name")
            try limits(draft.limits ?? [])
        }
    }

    private static func key(_ value: JSONValue) throws(BrokenPromise) {
        if case .failure(let failure) = KeyDraft.read(value) {
            try DocumentPromises.errors(failure.errors, in: value)
        }
    }

    /// Limits that were accepted can be kept.
    private static func limits(_ limits: [RateLimit], headroom: Double = 1) throws(BrokenPromise) {
        let start = MonotonicInstant(nanoseconds: 0)
        var limiter = RateLimiter(limits: limits, headroom: headroom, now: start)
        let grant = limiter.available(1_000_000, now: start + .seconds(1))
        try promise((0...1_000_000).contains(grant.count), "\(grant.count) of a million may go")
        for limit in limits {
            try promise(limit.window > .zero, "a limit without a window")
            try promise(grant.count <= limit.count, "more may go than a limit has")
        }
    }

    // MARK: Channels

    private static func newChannel(_ value: JSONValue) throws(BrokenPromise) {
        for isAdministrator in [false, true] {
            switch ChannelDraft.read(value, providers: providers, isAdministrator: isAdministrator) {
            case .failure(let failure): try DocumentPromises.errors(failure.errors, in: value)
            case .success(let draft): try hold(draft.channel(tenant: Wasender.channel.tenantID))
            }
        }
    }

    private static func changedChannel(_ value: JSONValue) throws(BrokenPromise) {
        switch Wasender.channel.changed(by: value, provider: Wasender.provider) {
        case .failure(let failure):
            try promise(!failure.errors.isEmpty, "refused without an error")
        case .success(let channel):
            try hold(channel)
            // The same change again changes nothing more.
            guard case .success(let again) = channel.changed(by: value, provider: Wasender.provider) else {
                throw BrokenPromise("a change that was taken is refused the second time")
            }
            try promise(again == channel, "the same change changes more the second time")
        }
    }

    private static func hold(_ channel: Channel) throws(BrokenPromise) {
        try promise(
            Wasender.provider.validate(credentials: channel.credentials.exposed).isEmpty,
            "credentials were taken that the provider refuses")
        try promise((0.05...1).contains(channel.headroom), "a headroom of \(channel.headroom)")
        try limits(channel.limits ?? [], headroom: channel.headroom)
        if let baseURL = channel.baseURL {
            try promise(WebAddress(baseURL) != nil, "a base URL that is none")
        }
    }

    // MARK: Replays

    private static func bulkReplay(_ value: JSONValue) throws(BrokenPromise) {
        switch ReplayDraft.read(value) {
        case .failure(let failure): try DocumentPromises.errors(failure.errors, in: value)
        case .success(let draft):
            try promise(ReplayJob.perSecondRange.contains(draft.perSecond), "a pace of \(draft.perSecond)")
            let job = ReplayJob(
                id: ReplayID(unchecked: "rpl_1"), tenantID: Wasender.channel.tenantID, filter: draft.filter,
                perSecond: draft.perSecond, includeExpired: draft.includeExpired, correction: draft.correction,
                matched: 1, createdAt: now)
            let decision = job.decision(
                on: Wasender.message, channel: Wasender.channel, provider: Wasender.provider, now: now)
            if case .replay(let correction) = decision { try hold(correction) }
        }
    }

    private static func replay(_ value: JSONValue) throws(BrokenPromise) {
        switch Correction.read(value, of: Wasender.message, provider: Wasender.provider, now: now) {
        case .failure(let failure):
            try promise(!failure.errors.isEmpty, "refused without an error")
        case .success(let correction): try hold(correction)
        }
    }

    private static func hold(_ correction: Correction) throws(BrokenPromise) {
        if let recipient = correction.recipient {
            try promise(PhoneNumber(recipient.text) == recipient, "a recipient that is no number")
        }
        guard let payload = correction.payload else { return }
        guard case .success = Payload.read(payload.kind, payload.content, pointer: "") else {
            throw BrokenPromise("a correction makes a payload that is refused")
        }
    }
}
