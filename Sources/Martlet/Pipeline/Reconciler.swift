import Logging
import ServiceLifecycle
import Synchronization

/// Asks providers about messages: which id webhooks will use, whether a send whose answer was lost was taken, whether a
/// message that nobody acknowledged arrived. Then decides on outcomes that stayed unknown.
package final class Reconciler: Sendable {
    private static let batchMax = 512
    /// Questions of one channel that are claimed at once.
    private static let perChannelMax = 64
    private static let idleMax: Duration = .seconds(1)
    /// Between two looks at what is due: no question is so urgent that each should have a transaction of its own.
    private static let pauseMin: Duration = .milliseconds(100)

    private let store: any ReconciliationStore
    private let directory: Directory
    private let rules: AttemptRules
    private let configuration: PipelineConfiguration
    private let time: any TimeSource
    private let random: any RandomSource
    private let observer: PipelineObserver
    private let heartbeats: Heartbeats
    private let wake: @Sendable (ChannelID, Timestamp) -> Void
    /// Questions have limits of their own at the provider, as large as those for sends.
    private let throttle: InProcessThrottle
    private let blocked = Mutex<[ChannelID: Timestamp]>([:])
    private let configured = Mutex<[ChannelID: [RateLimit]]>([:])
    /// Channels whose questions are being asked: they get no more until these are settled.
    private let asking = Mutex<Set<ChannelID>>([])
    private let signal = WakeSignal()
    private let plan = Mutex(Plan())

    /// When the loop looks again, so that it is woken only for what is due earlier.
    private struct Plan: Sendable {
        /// Nil while it looks.
        var sleepingUntil: Timestamp?
        /// The earliest due time that it was told of since it began to look.
        var toldOf: Timestamp?
    }

    /// - parameter wake: called when a message became due again.
    package init(
        store: any ReconciliationStore, directory: Directory, configuration: PipelineConfiguration,
        time: any TimeSource, random: any RandomSource, observer: PipelineObserver, heartbeats: Heartbeats,
        wake: @escaping @Sendable (ChannelID, Timestamp) -> Void
    ) {
        self.store = store
        self.directory = directory
        self.configuration = configuration
        rules = AttemptRules(retry: configuration.retry, unknownWait: configuration.unknownWait)
        self.time = time
        self.random = random
        self.observer = observer
        self.heartbeats = heartbeats
        self.wake = wake
        throttle = InProcessThrottle(time: time)
    }

    /// Something to look up then was stored.
    package func look(at dueAt: Timestamp) {
        let isEarlier = plan.withLock { plan in
            plan.toldOf = min(plan.toldOf ?? dueAt, dueAt)
            return plan.sleepingUntil.map { dueAt < $0 } ?? false
        }
        if isEarlier { signal.signal() }
    }

    /// Sleeps for so long, or until what was told of meanwhile is due, or until there is reason to look earlier.
    private func sleep(for pause: Duration) async {
        let now = time.now()
        let until = plan.withLock { plan in
            let planned = now + max(pause, Self.pauseMin)
            let until = max(now + Self.pauseMin, min(planned, plan.toldOf ?? planned))
            plan.sleepingUntil = until
            return until
        }
        await signal.wait(atMost: until - now, time: time)
    }

    package func run() async {
        await withDiscardingTaskGroup { group in
            await withGracefulShutdownHandler {
                while !Task.isShuttingDownGracefully, !Task.isCancelled {
                    heartbeats.beat(.reconciler)
                    var pause = Self.idleMax
                    plan.withLock { $0 = Plan() }
                    do throws(StoreError) {
                        try await askDue(&group)
                        if try await decideDue() == Self.batchMax { continue }
                        pause = try await untilNext()
                    } catch {
                        observer.storeFailed(error, doing: "look up messages")
                    }
                    await sleep(for: pause)
                }
            } onGracefulShutdown: {
                self.signal.signal()
            }
        }
    }

    private func untilNext() async throws(StoreError) -> Duration {
        let next = try await store.nextReconciliation()
        let now = time.now()
        // A due look-up that was not taken belongs to a channel that holds, is blocked or is being asked: no reason to spin.
        let candidates = [next.lookUpAt, next.decideAt].compactMap { $0 }.map { $0 > now ? $0 - now : Self.pauseMin }
        return min(candidates.min() ?? Self.idleMax, Self.idleMax)
    }

    // MARK: Look-ups

    /// Claims what is due and asks each channel's questions in a task of its own, so that a provider that takes its time
    /// with one channel keeps no other waiting.
    private func askDue(_ group: inout DiscardingTaskGroup) async throws(StoreError) {
        let now = time.now()
        var except = blocked.withLock { blocked in
            blocked = blocked.filter { $0.value > now }
            return Set(blocked.keys)
        }
        except.formUnion(asking.withLock { $0 })
        except.formUnion(directory.channelsWithoutSession())
        let questions = try await store.claimLookUps(
            limit: Self.batchMax, perChannel: Self.perChannelMax, except: except, now: now,
            leaseUntil: now + configuration.providerTimeout + .seconds(5))
        for (channel, questions) in Dictionary(grouping: questions, by: \.message.channelID).sorted(by: {
            $0.key < $1.key
        }) {
            asking.withLock { _ = $0.insert(channel) }
            group.addTask {
                await self.ask(questions)
                self.asking.withLock { _ = $0.remove(channel) }
                if questions.count == Self.perChannelMax { self.signal.signal() }
            }
        }
    }

    /// Asks one channel's questions together, and stores what was answered. Where that fails, the claim runs out and they
    /// are asked again.
    private func ask(_ questions: [LookUp]) async {
        let settlements = await withTaskGroup(of: LookUpSettlement.self) { group in
            for question in questions { group.addTask { await self.ask(question) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        do throws(StoreError) {
            observer.changed(try await store.settleLookUps(settlements, now: time.now()))
        } catch {
            observer.storeFailed(error, doing: "store what a provider was asked")
        }
    }

    private func ask(_ question: LookUp) async -> LookUpSettlement {
        let id = question.message.channelID
        guard let channel = directory.channel(id), let provider = directory.providers[channel.provider] else {
            return LookUpRules.settlement(
                of: question, answer: .unsupported, traits: Self.silentTraits, now: time.now())
        }
        await configureThrottle(channel, provider)
        let grant = await throttle.acquire(1, in: [.channel(id)])
        if grant.count == 0 {
            return postpone(question, by: grant.retryAfter ?? .seconds(1))
        }
        let answer = await provider.lookUp(
            question, over: channel, timeout: min(.seconds(10), configuration.providerTimeout))
        await throttle.answered(in: [.channel(id)])
        if case .throttled(let retryAfter) = answer {
            let pause = await throttle.penalize(.channel(id), retryAfter: retryAfter)
            return postpone(question, by: pause)
        }
        return LookUpRules.settlement(of: question, answer: answer, traits: provider.traits, now: time.now())
    }

    /// Asks again later, and leaves the whole channel alone until then.
    private func postpone(_ question: LookUp, by wait: Duration) -> LookUpSettlement {
        let until = time.now() + wait
        blocked.withLock { blocked in
            blocked[question.message.channelID] = max(until, blocked[question.message.channelID] ?? until)
        }
        return LookUpSettlement(
            message: question.message.id, purpose: question.purpose, next: (until, question.purpose),
            isWorthAnEntry: false)
    }

    private func configureThrottle(_ channel: Channel, _ provider: any Provider) async {
        let limits = channel.limits ?? provider.traits.defaultLimits
        let isKnown = configured.withLock { configured in
            defer { configured[channel.id] = limits }
            return configured[channel.id] == limits
        }
        if !isKnown { await throttle.configure(.channel(channel.id), limits: limits, headroom: channel.headroom) }
    }

    private static let silentTraits = ProviderTraits(
        defaultBaseURL: "", defaultLimits: [], concurrency: 1, needsIdentityLookUp: false,
        canLookUpAcknowledgement: false, hasSessions: false)

    // MARK: Decisions

    private func decideDue() async throws(StoreError) -> Int {
        let now = time.now()
        let undecided = try await store.undecided(now: now, limit: Self.batchMax)
        guard !undecided.isEmpty else { return 0 }
        let decisions = undecided.map { rules.decision(on: $0, now: now, chance: random.unitInterval()) }
        let changed = try await store.decide(decisions, now: now)
        observer.changed(changed)
        for message in changed where message.status == .queued {
            observer.retried(over: directory.channel(message.channelID), after: .unknown)
            wake(message.channelID, message.job?.dueAt ?? now)
        }
        return undecided.count
    }
}
