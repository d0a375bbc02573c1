import DequeModule
import Logging
import ServiceLifecycle
import Synchronization

/// Brings status changes to those who listen at another process.
///
/// A process with listeners says for which tenants, at once and again every few seconds; the others then tell it which
/// messages of these tenants changed, and it reads them. So a change costs nothing while nobody listens elsewhere, and a
/// listener may be told of two changes that follow each other closely as one. What gets lost on the way is missing in the
/// stream and nowhere else.
package final class StatusExchange: StatusRelay, PeerReceiver, Service, CustomStringConvertible {
    /// How often a process says again for whom it listens.
    package static let interval: Duration = .seconds(5)
    /// How long that holds.
    package static let validity: Duration = .seconds(15)
    /// Changes that wait to be told, and that wait to be read, at most; the oldest go first.
    package static let backlogMax = 4096
    /// Ids in one text: with 31 bytes each it stays below what any broadcast takes.
    static let idsMax = 200
    /// Tenants that others listen for, at most.
    private static let interestsMax = 10_000
    /// Before trying again what failed.
    private static let pause: Duration = .seconds(1)

    private struct State: Sendable {
        /// Until when somebody listens elsewhere.
        var interests: [TenantID: MonotonicInstant] = [:]
        /// To be told.
        var changed = RecentMessages()
        /// To be read.
        var wanted = RecentMessages()
        var mustAsk = true
        var nextTelling: MonotonicInstant?
    }

    private let feed: StatusFeed
    private let store: any MessageStore
    private let peers: any PeerBroadcast
    private let process: String
    private let time: any TimeSource
    private let logger: Logger
    private let state = Mutex(State())
    private let signal = WakeSignal()

    // Services are written into the log, and what one holds has no place there.
    package var description: String { "StatusExchange" }

    /// - parameter process: a name without spaces that no other process has.
    package init(
        _ feed: StatusFeed, store: any MessageStore, peers: any PeerBroadcast, process: String, time: any TimeSource,
        logger: Logger
    ) {
        self.feed = feed
        self.store = store
        self.peers = peers
        self.process = process
        self.time = time
        self.logger = logger
        feed.use(self)
        peers.deliver(to: self)
    }

    // MARK: What happens here

    package func changed(_ messages: some Collection<Message>) {
        let now = time.monotonicNow()
        let isNews = state.withLock { state in
            guard !state.interests.isEmpty else { return false }
            var isNews = false
            for message in messages where state.interests[message.tenantID].map({ $0 > now }) ?? false {
                state.changed.add(message.id, of: message.tenantID, max: Self.backlogMax)
                isNews = true
            }
            return isNews
        }
        if isNews { signal.signal() }
    }

    package func listenerCame() {
        state.withLock { $0.nextTelling = time.monotonicNow() }
        signal.signal()
    }

    // MARK: What others say

    package func connected() {
        state.withLock { state in
            state.mustAsk = true
            state.nextTelling = time.monotonicNow()
        }
        signal.signal()
    }

    package func received(_ text: String) {
        guard let notice = PeerNotice(text: text), notice.process != process else { return }
        let now = time.monotonicNow()
        switch notice.content {
        case .asking: state.withLock { $0.nextTelling = now }
        case .listening(let tenants):
            state.withLock { state in
                for tenant in tenants
                where state.interests[tenant] != nil || state.interests.count < Self.interestsMax {
                    state.interests[tenant] = now + Self.validity
                }
            }
            return
        case .changed(let tenant, let messages):
            guard feed.tenants.contains(tenant) else { return }
            state.withLock { state in
                for message in messages { state.wanted.add(message, of: tenant, max: Self.backlogMax) }
            }
        }
        signal.signal()
    }

    // MARK: The work

    package func run() async throws {
        // Whoever listens here hears of what others do for as long as the API answers; what runs longer ends with the process.
        try? await cancelWhenGracefulShutdown { await self.exchange() }
    }

    /// Tells and reads until the task is cancelled.
    package func exchange() async {
        var isFailing = false
        while !Task.isCancelled {
            await signal.wait(atMost: untilTelling(), time: time)
            do throws(StoreError) {
                try await turn()
                isFailing = false
            } catch {
                logger.log(
                    level: isFailing ? .debug : .warning, "status changes cannot be exchanged with other processes",
                    metadata: ["error": "\(error)"])
                isFailing = true
                connected()
                try? await time.sleep(for: Self.pause)
            }
        }
    }

    private func untilTelling() -> Duration {
        let now = time.monotonicNow()
        return state.withLock { $0.nextTelling.map { max(.zero, $0 - now) } } ?? Self.interval
    }

    private func turn() async throws(StoreError) {
        let now = time.monotonicNow()
        let listened = feed.tenants
        let (texts, wanted) = state.withLock { state in
            var notices: [PeerNotice.Content] = []
            if state.mustAsk { notices.append(.asking) }
            state.mustAsk = false
            if let next = state.nextTelling, next <= now {
                notices += listened.sorted().chunks(of: Self.idsMax).map { .listening($0) }
                state.nextTelling = nil
            }
            if state.nextTelling == nil, !listened.isEmpty { state.nextTelling = now + Self.interval }
            state.interests = state.interests.filter { $0.value > now }
            for (tenant, messages) in state.changed.takeAll() {
                notices += messages.chunks(of: Self.idsMax).map { .changed(tenant, $0) }
            }
            return (notices.map { PeerNotice(process: process, content: $0).text }, state.wanted.takeAll())
        }
        if !texts.isEmpty { try await peers.broadcast(texts) }
        for (tenant, messages) in wanted {
            for message in messages {
                if let found = try await store.message(message, tenant: tenant) { feed.tell([found]) }
            }
        }
    }
}

/// Messages by tenant, each once, in the order in which they were last added.
private struct RecentMessages: Sendable {
    private var order: Deque<MessageID> = []
    private var tenants: [MessageID: TenantID] = [:]

    mutating func add(_ message: MessageID, of tenant: TenantID, max: Int) {
        guard tenants.updateValue(tenant, forKey: message) == nil else { return }
        order.append(message)
        if order.count > max { tenants[order.removeFirst()] = nil }
    }

    mutating func takeAll() -> [(tenant: TenantID, messages: [MessageID])] {
        var groups: [TenantID: [MessageID]] = [:]
        for message in order { if let tenant = tenants[message] { groups[tenant, default: []].append(message) } }
        self = RecentMessages()
        return groups.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

extension Array {
    fileprivate func chunks(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
