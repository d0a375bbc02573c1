import Logging
import ServiceLifecycle
import Synchronization

/// Sends what is due: asks the throttle, claims in the store, lets the provider try, and stores what came of it.
///
/// Nothing is sent that was not claimed, nothing is claimed that the throttle did not grant. What a stopped worker had
/// claimed is given back or settled, never failed.
package final class Dispatcher: Sendable {
    /// Requests in flight over all channels of this process, at most.
    package static let inFlightMax = 1024
    /// Channels looked at in one turn.
    private static let turnMax = 256
    /// How long the loop sleeps at most; a net under lost wake-ups and wall-clock jumps.
    private static let idleMax: Duration = .seconds(1)

    private struct State: Sendable {
        var board = LaneBoard()
        var scopes: [ChannelID: [ThrottleScope]] = [:]
        var watch: DispatchWatch
        var inFlight = 0
        var isStopping = false
    }

    private let store: any DispatchQueue
    private let directory: Directory
    private let throttle: any Throttle
    private let rules: AttemptRules
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let random: any RandomSource
    private let worker: String
    private let observer: PipelineObserver
    private let settlements: GroupCommit<Settlement, Message?>
    private let limits: LimitKeeper
    private let heartbeats: Heartbeats
    private let state: Mutex<State>
    private let signal = WakeSignal()
    private let lookUp: @Sendable (Timestamp) -> Void
    private let logger: Logger

    /// - parameter lookUp: called when a look-up was scheduled, with its time.
    package init(
        store: any DispatchQueue, directory: Directory, throttle: any Throttle, configuration: PipelineConfiguration,
        time: any TimeSource, random: any RandomSource, worker: String, observer: PipelineObserver,
        heartbeats: Heartbeats,
        logger: Logger, lookUp: @escaping @Sendable (Timestamp) -> Void
    ) {
        self.store = store
        self.directory = directory
        self.throttle = throttle
        self.configuration = configuration
        rules = AttemptRules(retry: configuration.retry, unknownWait: configuration.unknownWait)
        self.time = time
        self.random = random
        self.worker = worker
        self.observer = observer
        self.heartbeats = heartbeats
        self.logger = logger
        state = Mutex(State(watch: DispatchWatch(requestMax: configuration.providerTimeout)))
        self.lookUp = lookUp
        limits = LimitKeeper(
            store: store, directory: directory, throttle: throttle, time: time, observer: observer)
        settlements = GroupCommit(batchMax: 500) { (batch: [Settlement]) async throws(StoreError) in
            try await store.settle(batch, now: time.now())
        }
        for channel in directory.channels() { adopt(channel) }
        directory.observe { [weak self] change in self?.directoryChanged(change) }
    }

    // MARK: Wake-ups

    /// A message of the channel is due then.
    package func wake(_ channel: ChannelID, dueAt: Timestamp) {
        state.withLock { $0.board.wake(channel, dueAt: dueAt) }
        signal.signal()
    }

    /// Takes over what the store says is waiting, and looks whether what is due moves.
    package func refresh() async throws(StoreError) {
        let nextDue = try await store.nextDue()
        let now = time.now()
        let monotonicNow = time.monotonicNow()
        let due = nextDue.filter { $0.value <= now }.keys.sorted()
        let stall = state.withLock { state in
            state.board.refresh(nextDue)
            return state.watch.look(at: state.board.watched(due, now: monotonicNow), now: monotonicNow)
        }
        observer.dispatchWatched(stall)
        signal.signal()
    }

    private func directoryChanged(_ change: Directory.Change) {
        switch change {
        case .channel(let channel): adopt(channel)
        case .channelRemoved(let id):
            state.withLock { state in
                state.board.remove(id)
                state.scopes[id] = nil
            }
            limits.channelRemoved(id)
        case .tenant(let tenant): limits.tenantChanged(tenant)
        }
        signal.signal()
    }

    private func adopt(_ channel: Channel) {
        guard let provider = directory.providers[channel.provider] else { return }
        let concurrency = Self.concurrency(
            limits: channel.limits ?? provider.traits.defaultLimits, headroom: channel.headroom,
            traits: provider.traits)
        let now = time.monotonicNow()
        state.withLock { state in
            let previous = state.board[channel.id]?.channel
            // Before the board knows of the channel, so that nothing is granted without its limits.
            if previous == nil || previous?.limits != channel.limits || previous?.headroom != channel.headroom {
                limits.channelChanged(channel)
            }
            state.board.update(channel, concurrency: concurrency, now: now)
            state.scopes[channel.id] = [
                .channel(channel.id), .tenant(channel.tenantID), .provider(channel.provider),
            ]
        }
        signal.signal()
    }

    /// Requests in flight at once: what the provider advises, or as many as a second's worth of the rate where that is more,
    /// so that a latency of up to a second does not hold a fast channel back.
    static func concurrency(limits: [RateLimit], headroom: Double, traits: ProviderTraits) -> Int {
        let rate = limits.map { Double($0.count) * headroom / $0.perSeconds }.min() ?? 50
        return min(512, max(traits.concurrency, Int(rate.rounded(.up))))
    }

    // MARK: The loop

    /// Runs until the service shuts down and everything in flight is settled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            await withGracefulShutdownHandler {
                while !state.withLock({ $0.isStopping }), !Task.isCancelled {
                    heartbeats.beat(.dispatcher)
                    let more = await turn(&group)
                    if more { continue }
                    let pause = state.withLock { state -> Duration in
                        // With every place taken, the next answer is the signal; until then there is nothing to look at.
                        if state.inFlight >= Self.inFlightMax { return Self.idleMax }
                        if state.board.hasReady { return .zero }
                        guard let timer = state.board.nextTimer() else { return Self.idleMax }
                        return min(max(.zero, timer - time.monotonicNow()), Self.idleMax)
                    }
                    if pause > .zero { await signal.wait(atMost: pause, time: time) }
                }
            } onGracefulShutdown: {
                self.state.withLock { $0.isStopping = true }
                self.signal.signal()
            }
            // What is in flight gets its time; then it is cancelled, and what came of it is still stored.
            let deadline = time.monotonicNow() + configuration.shutdownGrace
            while state.withLock({ $0.inFlight }) > 0, time.monotonicNow() < deadline, !Task.isCancelled {
                try? await time.sleep(for: .milliseconds(20))
            }
            group.cancelAll()
        }
    }

    /// One turn: configure what changed, gather wishes, ask the throttle, claim in one go, start the attempts. Answers whether
    /// anything was claimed.
    private func turn(_ group: inout DiscardingTaskGroup) async -> Bool {
        for scope in await throttle.takeForgotten() { limits.forgotten(scope) }
        let isBehind = await limits.catchUp()
        let now = time.now()
        let monotonicNow = time.monotonicNow()
        let wishes = state.withLock { state in
            state.board.wishes(
                limit: Self.turnMax, capacity: Self.inFlightMax - state.inFlight, now: now, monotonicNow: monotonicNow)
        }
        var asking: [(wish: LaneBoard.Wish, scopes: [ThrottleScope])] = []
        for wish in wishes {
            // Limits that are not in force yet: what they allow is not known.
            guard let channel = directory.channel(wish.channel), limits.isReady(channel) else {
                state.withLock { $0.board.failed(wish, until: time.monotonicNow() + .milliseconds(500)) }
                continue
            }
            asking.append((wish, state.withLock { $0.scopes[wish.channel] ?? [] }))
        }
        // A grant may be as old as its question: whatever held up the answer, the throttle counts from then.
        let askedAt = time.monotonicNow()
        let grants = await throttle.acquire(asking.map { ThrottleRequest(count: $0.wish.count, scopes: $0.scopes) })
        let grantedAt = time.monotonicNow()
        let isLate = grantedAt - askedAt >= ThrottleGrant.validity
        var granted: [(wish: LaneBoard.Wish, grant: ThrottleGrant, scopes: [ThrottleScope])] = []
        for ((wish, scopes), grant) in zip(asking, grants) {
            if grant.count > 0, isLate {
                await throttle.giveBack(grant.count, in: scopes)
                state.withLock { $0.board.failed(wish, until: grantedAt + .milliseconds(100)) }
            } else if grant.count > 0, let until = state.withLock({ $0.board[wish.channel]?.blockedUntil }),
                until > grantedAt
            {
                // The provider has asked for a pause while the throttle was asked.
                await throttle.giveBack(grant.count, in: scopes)
                state.withLock { $0.board.blocked(wish, until: until, now: grantedAt) }
            } else if grant.count > 0 {
                granted.append((wish, grant, scopes))
            } else {
                let until = grantedAt + (grant.retryAfter ?? .milliseconds(100))
                state.withLock { $0.board.blocked(wish, until: until, now: grantedAt) }
            }
        }
        defer { observer.throttled(state.withLock { $0.board.takeThrottledTime() }) }
        guard !granted.isEmpty else { return isBehind }
        let requests = granted.map { entry in
            ClaimRequest(
                channel: entry.wish.channel, limit: entry.grant.count,
                recipientInterval: directory.channel(entry.wish.channel)?.recipientInterval)
        }
        // What is claimed, and when, goes by the time at which it may be sent.
        let claimedAt = time.now()
        let batches: [ChannelID: ClaimBatch]
        do throws(StoreError) {
            let claimed = try await store.claim(
                requests, worker: worker, now: claimedAt, leaseUntil: claimedAt + configuration.leaseDuration)
            batches = Dictionary(uniqueKeysWithValues: claimed.map { ($0.channel, $0) })
            observer.storeAnswered()
        } catch {
            observer.storeFailed(error, doing: "claim messages")
            let until = time.monotonicNow() + .milliseconds(500)
            for entry in granted {
                await throttle.giveBack(entry.grant.count, in: entry.scopes)
                state.withLock { $0.board.failed(entry.wish, until: until) }
            }
            return false
        }
        var any = isBehind
        for entry in granted {
            let batch = batches[entry.wish.channel]
            let claims = batch?.claims ?? []
            any = any || !claims.isEmpty
            await throttle.giveBack(entry.grant.count - claims.count, in: entry.scopes)
            let after = time.monotonicNow()
            state.withLock { state in
                state.inFlight += claims.count
                state.board.claimed(
                    entry.wish, count: claims.count, nextDueAt: batch?.nextDueAt,
                    isMoreDue: batch?.nextDueAt.map { $0 <= claimedAt } ?? false,
                    blockedUntil: entry.grant.retryAfter.map { grantedAt + $0 }, now: after)
            }
            if let expired = batch?.expired, !expired.isEmpty { observer.changed(expired) }
            for claim in claims {
                group.addTask { await self.attempt(claim, scopes: entry.scopes, askedAt: askedAt) }
            }
        }
        return any
    }

    // MARK: One attempt

    private func attempt(_ claim: Claim, scopes: [ThrottleScope], askedAt: MonotonicInstant) async {
        let message = claim.message
        let id = message.channelID
        guard let channel = directory.channel(id), let provider = directory.providers[channel.provider],
            !Task.isCancelled, time.monotonicNow() - askedAt < ThrottleGrant.validity
        else {
            await throttle.giveBack(1, in: scopes)
            await settle(claim, report: nil, disposition: .release)
            return
        }
        let startedAt = time.now()
        let started = time.monotonicNow()
        let answer = await provider.send(message, over: channel, timeout: configuration.providerTimeout)
        let ended = time.monotonicNow()
        await throttle.answered(in: scopes)
        let report = AttemptReport(
            outcome: answer.outcome, httpStatus: answer.httpStatus, startedAt: startedAt, duration: ended - started)
        if case .transient = answer.outcome, Task.isCancelled {
            // The shutdown ended it before it was written: nothing was tried.
            await settle(claim, report: nil, disposition: .release)
            return
        }
        observer.attempted(provider: provider.name, message: message, attempt: claim.attempt, report: report)
        let pause = await react(to: answer.outcome, of: message, on: channel)
        let disposition = rules.disposition(
            of: answer.outcome, attempt: claim.attempt, traits: provider.traits, pause: pause, now: time.now(),
            chance: random.unitInterval())
        await settle(claim, report: report, disposition: disposition)
    }

    /// What an outcome means for the channel. Answers how long it pauses, when it was throttled.
    private func react(to outcome: Outcome, of message: Message, on channel: Channel) async -> Duration {
        let now = time.monotonicNow()
        let change = state.withLock { state in
            state.board.observe(channel.id, outcome: outcome, message: message.id, now: now)
        }
        switch change {
        case .opened: await hold(channel, .unavailable, outcome.detail, from: [.active])
        case .closed: await resume(channel)
        case nil: break
        }
        switch outcome {
        case .throttled(let retryAfter, _):
            // At once, as far as it is known: the throttle may take its time.
            if let retryAfter {
                state.withLock { $0.board.pause(channel.id, until: now + retryAfter, now: now) }
            }
            let pause = await throttle.penalize(.channel(channel.id), retryAfter: retryAfter)
            let now = time.monotonicNow()
            state.withLock { $0.board.pause(channel.id, until: now + pause, now: now) }
            return pause
        case .sessionDown(let detail): await hold(channel, .disconnected, detail, from: [.active, .unavailable])
        case .unauthorized(let detail): await hold(channel, .unauthorized, detail, from: [.active, .unavailable])
        case .accepted, .rejected, .transient, .unknown: break
        }
        return .zero
    }

    /// A channel's status holds in memory at once; where the store does not take it now, it hears of it later.
    private func hold(
        _ channel: Channel, _ status: ChannelStatus, _ reason: String?, from: Set<ChannelStatus>
    ) async {
        do throws(StoreError) {
            if try await directory.setStatus(channel.id, status, reason: reason, from: from) {
                // The provider may repeat the message in its words: the channel's status_reason has them, no log.
                observer.channelHeld(channel, status: status, reason: nil)
            }
        } catch {
            observer.storeFailed(error, doing: "store a channel's status")
        }
    }

    private func resume(_ channel: Channel) async {
        await throttle.ramp(.channel(channel.id))
        do throws(StoreError) {
            if try await directory.setStatus(channel.id, .active, reason: nil, from: [.unavailable]) {
                observer.channelResumed(channel)
            }
        } catch {
            observer.storeFailed(error, doing: "store a channel's status")
        }
    }

    /// Stores what came of a claim, and keeps trying until it is stored: the claim's lease is renewed meanwhile, so that
    /// nobody else takes it for lost.
    private func settle(_ claim: Claim, report: AttemptReport?, disposition: Disposition) async {
        let settlement = Settlement(
            message: claim.message.id, token: claim.token, attempt: claim.attempt, report: report,
            disposition: disposition)
        var wait: Duration = .milliseconds(50)
        while true {
            do throws(StoreError) {
                let message = try await settlements.submit(settlement)
                observer.storeAnswered()
                finish(claim, message: message, disposition: disposition)
                return
            } catch {
                observer.storeFailed(error, doing: "store the outcome of an attempt")
                guard !Task.isCancelled else {
                    // The process must go. The lease runs out and the outcome is looked up: nothing is lost, nothing is sent
                    // again in silence.
                    observer.settlementAbandoned(claim.message.id, error: error)
                    finish(claim, message: nil, disposition: disposition)
                    return
                }
            }
            try? await time.sleep(for: wait)
            wait = min(wait * 2, .seconds(2))
        }
    }

    private func finish(_ claim: Claim, message: Message?, disposition: Disposition) {
        let id = claim.message.channelID
        let nextDueAt: Timestamp? =
            switch disposition {
            case .retry(let at), .hold(let at, _): at
            case .release: claim.message.job?.dueAt ?? claim.message.createdAt
            case .sent, .unknown, .fail: nil
            }
        state.withLock { state in
            state.inFlight -= 1
            state.board.finished(id, nextDueAt: nextDueAt)
        }
        signal.signal()
        switch disposition {
        case .sent(_, _, let lookUpAt):
            observer.sent(on: id)
            if let lookUpAt { lookUp(lookUpAt) }
        case .unknown(let lookUpAt, let decideAt): lookUp(min(lookUpAt ?? decideAt, decideAt))
        case .retry: observer.retried(over: directory.channel(id), after: .transient)
        case .hold, .fail, .release: break
        }
        guard let message else { return }
        if case .sent = disposition { observer.follows(message) }
        observer.changed([message])
    }

    /// How many requests are in flight.
    package var inFlight: Int { state.withLock { $0.inFlight } }
}
