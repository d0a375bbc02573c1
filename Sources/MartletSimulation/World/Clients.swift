import Martlet
import Synchronization

/// What the clients asked for, and what they were told.
final class Clients: Sendable {
    /// A request that was sent, maybe more than once.
    struct Request: Sendable {
        var tenant: TenantID
        var draft: MessageDraft
        var key: String?
        /// Other content under a key that is taken.
        var isConflicting = false
    }

    /// A message that somebody was told is accepted.
    struct Promise: Sendable {
        var tenant: TenantID
        var key: String?
    }

    private struct State {
        var promised: [MessageID: Promise] = [:]
        var order: [MessageID] = []
        var idsByKey: [String: Set<MessageID>] = [:]
        var contentsByKey: [String: Set<[UInt8]>] = [:]
        var keyed: [Request] = []
        var cancelAsked: Set<MessageID> = []
        var discardAsked: Set<MessageID> = []
        var replays: [MessageID: [MonotonicInstant]] = [:]
    }

    let chance: Chance
    private let state = Mutex(State())

    init(seed: UInt64) { chance = Chance(seed: seed, for: "clients") }

    func asked(_ request: Request) {
        guard let key = request.key else { return }
        state.withLock { state in
            state.contentsByKey[request.tenant.text + key, default: []].insert(request.draft.contentHash)
            state.keyed.append(request)
        }
    }

    func told(_ result: AcceptanceResult, of request: Request) {
        state.withLock { state in
            guard let message = result.acknowledged else { return }
            if state.promised[message.id] == nil { state.order.append(message.id) }
            state.promised[message.id] = Promise(tenant: request.tenant, key: request.key)
            if let key = request.key { state.idsByKey[request.tenant.text + key, default: []].insert(message.id) }
        }
    }

    func askedToCancel(_ id: MessageID) { state.withLock { _ = $0.cancelAsked.insert(id) } }
    func askedToDiscard(_ id: MessageID) { state.withLock { _ = $0.discardAsked.insert(id) } }
    func replayed(_ id: MessageID, at moment: MonotonicInstant) {
        state.withLock { $0.replays[id, default: []].append(moment) }
    }

    var promised: [MessageID] { state.withLock { $0.order } }
    var keyed: [Request] { state.withLock { $0.keyed } }
    /// For each key of a tenant the messages it was answered with.
    var idsByKey: [String: Set<MessageID>] { state.withLock { $0.idsByKey } }
    var cancelAsked: Set<MessageID> { state.withLock { $0.cancelAsked } }
    var discardAsked: Set<MessageID> { state.withLock { $0.discardAsked } }
    var replays: [MessageID: [MonotonicInstant]] { state.withLock { $0.replays } }
}

extension AcceptanceResult {
    /// The message of a request that was accepted, now or before.
    var acknowledged: Message? {
        switch self {
        case .accepted(let message), .replayed(let message): message
        case .conflict: nil
        }
    }
}
