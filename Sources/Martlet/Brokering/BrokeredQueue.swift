import DequeModule
import Synchronization

/// The dispatch queue of a worker that hears of jobs from a broker: it claims, in the store, the messages that were delivered
/// to it.
///
/// Where the broker does not keep up, the store is asked itself. A channel whose deliveries pile up (it is at its rate limit,
/// or held), or which has had something due in the store for a while that was not delivered (the broker lost it), is in
/// the store's hands until it has caught up: then nothing is kept here, order is the store's, and nothing waits for
/// a broker. While the broker is away that is so for all.
package final class BrokeredQueue: DispatchQueue {
    /// Deliveries kept for one channel, at most.
    package static let laneMax = 200
    /// Deliveries kept in all, at most.
    package static let heldMax = 4000
    /// For how long the store may have something due before it counts as not delivered.
    package static let deliveryMax: Duration = .seconds(4)
    /// For how long a delivery is kept. Well under the minute for which brokers leave it with its receiver.
    package static let keptMax: Duration = .seconds(20)
    /// A notice may be delivered that much before its job is due.
    private static let earliness: Duration = .seconds(2)

    fileprivate struct Kept: Sendable {
        var job: DeliveredJob
        var receivedAt: MonotonicInstant
    }

    fileprivate struct Lane: Sendable {
        /// By priority.
        var kept = [Deque<Kept>](repeating: [], count: Priority.allCases.count)
        /// What is due is taken from the store.
        var isTheStores = false

        var count: Int { kept.reduce(0) { $0 + $1.count } }
        var firstDue: Timestamp? { kept.compactMap { $0.first?.job.notice.dueAt }.min() }
    }

    fileprivate struct State: Sendable {
        var lanes: [ChannelID: Lane] = [:]
        var count = 0
        var isBrokerAway = false
        var ended: [DeliveredJob] = []
    }

    private let store: any OutboxStore
    private let time: any TimeSource
    private let state = Mutex(State())
    private let endedSignal = WakeSignal()

    package init(store: any OutboxStore, time: any TimeSource) {
        self.store = store
        self.time = time
    }

    // MARK: What the broker brings

    /// How many more deliveries there is room for.
    package var room: Int { state.withLock { max(0, Self.heldMax - $0.count) } }

    /// Takes deliveries over. Answers which channels have something due, and when.
    package func deliver(_ jobs: [DeliveredJob]) -> [(channel: ChannelID, dueAt: Timestamp)] {
        let now = time.monotonicNow()
        state.withLock { state in
            for job in jobs {
                var lane = state.lanes[job.notice.channel] ?? Lane()
                if lane.isTheStores || lane.count >= Self.laneMax || job.notice.tellsOfBacklog {
                    state.handOver(&lane, job.notice.channel)
                    state.ended.append(job)
                } else {
                    lane.kept[job.notice.priority.rawValue].append(Kept(job: job, receivedAt: now))
                    state.count += 1
                    state.lanes[job.notice.channel] = lane
                }
            }
        }
        endedSignal.signal()
        return jobs.map { ($0.notice.channel, $0.notice.dueAt) }
    }

    /// Whether the broker cannot be asked. Until it can, everything is taken from the store.
    package var isBrokerAway: Bool { state.withLock(\.isBrokerAway) }
    package func setBrokerAway(_ isAway: Bool) {
        state.withLock { state in
            state.isBrokerAway = isAway
            // Its deliveries are void with the connection they came over, or soon will be.
            if isAway { for id in Array(state.lanes.keys) { state.handOver(id) } }
        }
    }

    /// The channel has something due that the broker will not deliver.
    package func takeFromStore(_ channel: ChannelID) { state.withLock { $0.handOver(channel) } }

    /// Deliveries that are over and are to be acknowledged; waits until there are any, or for that long.
    package func endedDeliveries(waiting: Duration) async -> [DeliveredJob] {
        if let ended = takeEnded() { return ended }
        await endedSignal.wait(atMost: waiting, time: time)
        return takeEnded() ?? []
    }

    private func takeEnded() -> [DeliveredJob]? {
        state.withLock { state in
            defer { state.ended = [] }
            return state.ended.isEmpty ? nil : state.ended
        }
    }

    // MARK: What the dispatcher asks

    /// Looks into the store, as a net: what it has had due for a while is taken from there.
    package func nextDue() async throws(StoreError) -> [ChannelID: Timestamp] {
        let due = try await store.nextDue()
        let now = time.now()
        let monotonicNow = time.monotonicNow()
        return state.withLock { state in
            for (id, dueAt) in due where state.isBrokerAway || dueAt + Self.deliveryMax <= now { state.handOver(id) }
            for (id, lane) in state.lanes {
                let oldest = lane.kept.compactMap { $0.first?.receivedAt }.min()
                if let oldest, monotonicNow - oldest > Self.keptMax { state.handOver(id) }
            }
            var next: [ChannelID: Timestamp] = [:]
            for (id, lane) in state.lanes {
                if lane.isTheStores { next[id] = due[id] } else { next[id] = lane.firstDue }
                // Nothing waits, and nothing is known to come.
                if lane.isTheStores, due[id] == nil, !state.isBrokerAway { state.lanes[id] = nil }
            }
            return next
        }
    }

    package func claim(
        _ requests: [ClaimRequest], worker: String, now: Timestamp, leaseUntil: Timestamp
    ) async throws(StoreError) -> [ClaimBatch] {
        var fromStore: [ClaimRequest] = []
        var delivered: [ClaimRequest] = []
        var taken: [ChannelID: [Kept]] = [:]
        state.withLock { state in
            for request in requests {
                if state.isBrokerAway { state.handOver(request.channel) }
                if state.lanes[request.channel]?.isTheStores == true {
                    fromStore.append(request)
                } else {
                    let kept = state.take(request.channel, limit: request.limit, dueBy: now)
                    if !kept.isEmpty {
                        delivered.append(request)
                        taken[request.channel] = kept
                    }
                }
            }
        }
        var batches: [ChannelID: ClaimBatch] = [:]
        do throws(StoreError) {
            if !delivered.isEmpty {
                // A broker may have delivered one twice.
                let messages = taken.mapValues { Set($0.map(\.job.notice.message)).sorted() }
                for batch in try await store.claim(
                    delivered, among: messages, worker: worker, now: now, leaseUntil: leaseUntil)
                {
                    batches[batch.channel] = batch
                }
            }
            end(taken.values.joined().map(\.job))
            taken = [:]
            if !fromStore.isEmpty {
                for batch in try await store.claim(fromStore, worker: worker, now: now, leaseUntil: leaseUntil) {
                    batches[batch.channel] = batch
                }
            }
        } catch {
            state.withLock { state in for (id, kept) in taken { state.putBack(kept, id) } }
            // What was claimed before stays claimed; it must be sent.
            guard !batches.isEmpty else { throw error }
        }
        let asked = Set(fromStore.map(\.channel))
        return state.withLock { state in
            requests.map { request in
                let id = request.channel
                var batch = batches[id] ?? ClaimBatch(channel: id, claims: [], expired: [], nextDueAt: nil)
                // A channel that was handed over while this claim was under way has been looked at by nobody yet.
                if asked.contains(id) {
                    let isCaughtUp = batch.nextDueAt.map { $0 > now + Self.earliness } ?? true
                    if batches[id] != nil, isCaughtUp, !state.isBrokerAway { state.lanes[id] = nil }
                } else {
                    batch.nextDueAt = state.lanes[id]?.firstDue
                }
                return batch
            }
        }
    }

    private func end(_ jobs: [DeliveredJob]) {
        guard !jobs.isEmpty else { return }
        state.withLock { $0.ended += jobs }
        endedSignal.signal()
    }

    // MARK: What is the store's alone

    package func settle(_ batch: [Settlement], now: Timestamp) async throws(StoreError) -> [Message?] {
        try await store.settle(batch, now: now)
    }

    package func renewLeases(worker: String, until: Timestamp) async throws(StoreError) {
        try await store.renewLeases(worker: worker, until: until)
    }

    package func recoverLeases(
        now: Timestamp, worker: String, includingUnexpired: Bool, decideAt: Timestamp, limit: Int
    ) async throws(StoreError) -> Int {
        try await store.recoverLeases(
            now: now, worker: worker, includingUnexpired: includingUnexpired, decideAt: decideAt, limit: limit)
    }

    package func expire(now: Timestamp, limit: Int) async throws(StoreError) -> [Message] {
        try await store.expire(now: now, limit: limit)
    }

    package func claimHistory(channel: ChannelID, since: Timestamp, limit: Int) async throws(StoreError) -> [Timestamp]
    {
        try await store.claimHistory(channel: channel, since: since, limit: limit)
    }
}

extension BrokeredQueue.State {
    fileprivate mutating func handOver(_ id: ChannelID) {
        var lane = lanes[id] ?? BrokeredQueue.Lane()
        handOver(&lane, id)
    }

    fileprivate mutating func handOver(_ lane: inout BrokeredQueue.Lane, _ id: ChannelID) {
        ended += lane.kept.joined().map(\.job)
        count -= lane.count
        lane = BrokeredQueue.Lane()
        lane.isTheStores = true
        lanes[id] = lane
    }

    /// High priority first, and only what is due.
    fileprivate mutating func take(_ id: ChannelID, limit: Int, dueBy now: Timestamp) -> [BrokeredQueue.Kept] {
        guard var lane = lanes[id] else { return [] }
        var taken: [BrokeredQueue.Kept] = []
        for priority in lane.kept.indices {
            var early: Deque<BrokeredQueue.Kept> = []
            while taken.count < limit, let next = lane.kept[priority].popFirst() {
                if next.job.notice.dueAt <= now { taken.append(next) } else { early.append(next) }
            }
            lane.kept[priority] = early + lane.kept[priority]
        }
        count -= taken.count
        lanes[id] = lane.count == 0 ? nil : lane
        return taken
    }

    fileprivate mutating func putBack(_ kept: [BrokeredQueue.Kept], _ id: ChannelID) {
        var lane = lanes[id] ?? BrokeredQueue.Lane()
        guard !lane.isTheStores else {
            ended += kept.map(\.job)
            return
        }
        for entry in kept.reversed() { lane.kept[entry.job.notice.priority.rawValue].prepend(entry) }
        count += kept.count
        lanes[id] = lane
    }
}
