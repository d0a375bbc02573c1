import Synchronization

/// A throttle whose state is in a register that all workers share.
///
/// One change of the register is under way at a time; whatever is asked or reported meanwhile goes into the next, so that a
/// busy worker asks seldom and for much. While the register is away nothing is granted. It works within ``serve(_:)``: what is
/// asked before waits for it, what is asked afterwards is refused.
package final class SharedThrottle: Throttle {
    /// How long a register that has lost everything grants nothing: until each permission that was given before has been used,
    /// and its claim is on record, or has lapsed.
    private static let settling: Duration = ThrottleGrant.validity + .milliseconds(500)
    /// When to ask again a register that does not answer.
    fileprivate static let unavailablePause: Duration = .milliseconds(500)
    /// Where the register says when it began to remember.
    private static let beginningKey = "beginning"

    /// What this worker knows of a scope.
    fileprivate struct Local: Sendable {
        var limits: [RateLimit]
        var headroom: Double
        /// Granted, and neither answered nor given back.
        var inFlight = 0
        /// Given back since that was last reported.
        var returned = 0
        /// Whether there is something to report.
        var isChanged = true
        /// Whether the register may not have heard of these limits yet.
        var mustConfigure = true
    }

    fileprivate struct Asked: Sendable {
        var requests: [ThrottleRequest]
        var answer: @Sendable ([ThrottleGrant]) -> Void
    }

    /// What is done to one scope's state besides asking.
    fileprivate enum Order: Sendable {
        case configure(answer: @Sendable () -> Void)
        case restore(ages: [Duration], answer: @Sendable (Bool) -> Void)
        case penalize(retryAfter: Duration?, answer: @Sendable (Duration) -> Void)
        case ramp
    }

    private struct State: Sendable {
        var scopes: [ThrottleScope: Local] = [:]
        var asked: [Asked] = []
        var orders: [(scope: ThrottleScope, order: Order)] = []
        var forgotten: Set<ThrottleScope> = []
        /// Nobody will ask for more: what is to be reported still is, once.
        var isEnding = false
        /// Nobody works any more: what is asked is refused.
        var isOver = false
    }

    private let register: any ThrottleRegister
    private let worker: String
    private let requestMax: Duration
    private let time: any TimeSource
    private let reportFailure: @Sendable (StoreError?) -> Void
    private let state = Mutex(State())
    private let signal = WakeSignal()

    /// - Parameters:
    ///   - worker: a name that no other process has.
    ///   - requestMax: the longest a request may take from its grant to its answer.
    ///   - reportFailure: called when the register does not answer, and with nil when it does again.
    package init(
        _ register: any ThrottleRegister, worker: String, requestMax: Duration, time: any TimeSource,
        reportFailure: @escaping @Sendable (StoreError?) -> Void
    ) {
        self.register = register
        self.worker = worker
        self.requestMax = requestMax
        self.time = time
        self.reportFailure = reportFailure
    }

    // MARK: The port

    package func configure(_ scope: ThrottleScope, limits: [RateLimit], headroom: Double) async {
        state.withLock { state in
            if state.scopes[scope] == nil {
                state.scopes[scope] = Local(limits: limits, headroom: headroom)
            } else {
                state.scopes[scope]?.limits = limits
                state.scopes[scope]?.headroom = headroom
                state.scopes[scope]?.mustConfigure = true
            }
        }
        guard isShared(scope) else { return }
        await withCheckedContinuation { continuation in
            order(.configure { continuation.resume() }, for: scope)
        }
    }

    package func restore(_ scope: ThrottleScope, ages: [Duration]) async -> Bool {
        guard isShared(scope) else { return true }
        return await withCheckedContinuation { continuation in
            order(.restore(ages: ages) { continuation.resume(returning: $0) }, for: scope)
        }
    }

    package func acquire(_ requests: [ThrottleRequest]) async -> [ThrottleGrant] {
        guard !requests.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let asked = Asked(requests: requests) { continuation.resume(returning: $0) }
            let isTaken = state.withLock { state in
                if !state.isOver { state.asked.append(asked) }
                return !state.isOver
            }
            if isTaken { signal.signal() } else { asked.refuse() }
        }
    }

    package func giveBack(_ count: Int, in scopes: [ThrottleScope]) async {
        guard count > 0 else { return }
        end(count, in: scopes, isUnmade: true)
    }

    package func answered(in scopes: [ThrottleScope]) async { end(1, in: scopes, isUnmade: false) }

    package func penalize(_ scope: ThrottleScope, retryAfter: Duration?) async -> Duration {
        await withCheckedContinuation { continuation in
            order(.penalize(retryAfter: retryAfter) { continuation.resume(returning: $0) }, for: scope)
        }
    }

    package func ramp(_ scope: ThrottleScope) async { order(.ramp, for: scope) }

    package func takeForgotten() async -> [ThrottleScope] {
        state.withLock { state in
            defer { state.forgotten = [] }
            return Array(state.forgotten)
        }
    }

    // MARK: Gathering

    /// A channel is, for its pauses; other scopes only where they have limits, as all of a tenant's channels would wait for
    /// one another.
    private func isShared(_ scope: ThrottleScope) -> Bool {
        if case .channel = scope { return true }
        return state.withLock { $0.scopes[scope]?.limits.isEmpty == false }
    }

    private func end(_ count: Int, in scopes: [ThrottleScope], isUnmade: Bool) {
        state.withLock { state in
            for scope in scopes {
                guard let local = state.scopes[scope] else { continue }
                state.scopes[scope]?.inFlight = max(0, local.inFlight - count)
                if isUnmade { state.scopes[scope]?.returned += count }
                state.scopes[scope]?.isChanged = true
            }
        }
        signal.signal()
    }

    private func order(_ order: Order, for scope: ThrottleScope) {
        let isTaken = state.withLock { state in
            if !state.isOver { state.orders.append((scope, order)) }
            return !state.isOver
        }
        if isTaken { signal.signal() } else { order.refuse() }
    }

    // MARK: The work

    package func serve(_ body: @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.workOff() }
            await body()
            state.withLock { $0.isEnding = true }
            signal.signal()
            await group.waitForAll()
        }
    }

    /// Works off what waits, until the body of ``serve(_:)`` has ended and what it left is reported, or the task is cancelled.
    private func workOff() async {
        while !Task.isCancelled {
            // Read first: what comes after the look at what waits comes with a signal.
            let isEnding = state.withLock { $0.isEnding }
            guard let batch = nextBatch() else {
                if isEnding { break }
                await signal.wait()
                continue
            }
            guard await carryOut(batch) else {
                // What the others are not told, they see when this worker has been silent for long enough.
                if isEnding { break }
                // While the register is away, asking at once would only spin.
                try? await time.sleep(for: Self.unavailablePause / 2)
                continue
            }
        }
        let (asked, orders) = state.withLock { state in
            state.isOver = true
            defer { (state.asked, state.orders) = ([], []) }
            return (state.asked, state.orders)
        }
        for asked in asked { asked.refuse() }
        for entry in orders { entry.order.refuse() }
    }

    // MARK: One change

    /// Everything that goes into one change, by value.
    fileprivate struct Batch: Sendable {
        var scopes: [ThrottleScope]
        var locals: [Local?]
        var asked: [Asked]
        var orders: [(scope: ThrottleScope, order: Order)]
    }

    private struct Outcome: Sendable {
        /// For each asked, in order.
        var grants: [[ThrottleGrant]] = []
        /// For each order, in order.
        var restored: [Bool] = []
        var pauses: [Duration] = []
        var missing: [ThrottleScope] = []
        var unrestored: Set<ThrottleScope> = []
        var granted: [ThrottleScope: Int] = [:]
    }

    private func nextBatch() -> Batch? {
        state.withLock { state in
            let changed = state.scopes.filter { entry in
                guard entry.value.isChanged else { return false }
                if case .channel = entry.key { return true }
                return !entry.value.limits.isEmpty
            }
            guard !state.asked.isEmpty || !state.orders.isEmpty || !changed.isEmpty else { return nil }
            var scopes = Set(changed.keys).union(state.orders.map(\.scope))
            for asked in state.asked {
                for scope in asked.requests.flatMap(\.scopes) {
                    if case .channel = scope {} else if state.scopes[scope]?.limits.isEmpty ?? true { continue }
                    scopes.insert(scope)
                }
            }
            // In one order for all workers, so that none waits for another in a circle.
            let sorted = scopes.sorted { Self.key(of: $0) < Self.key(of: $1) }
            defer {
                state.asked = []
                state.orders = []
                for scope in sorted {
                    state.scopes[scope]?.isChanged = false
                    state.scopes[scope]?.mustConfigure = false
                    // Should the change not be kept, what was given back counts as answered: on the safe side.
                    state.scopes[scope]?.returned = 0
                }
            }
            return Batch(
                scopes: sorted, locals: sorted.map { state.scopes[$0] }, asked: state.asked, orders: state.orders)
        }
    }

    /// False when the register did not answer.
    private func carryOut(_ batch: Batch) async -> Bool {
        do throws(StoreError) {
            var outcome = try await change(batch)
            if !outcome.missing.isEmpty {
                try await form(outcome.missing, of: batch)
                let configured = Set(
                    zip(batch.scopes, batch.locals).compactMap { $1?.mustConfigure == true ? $0 : nil })
                let lost = Set(outcome.missing).subtracting(configured)
                state.withLock { $0.forgotten.formUnion(lost) }
                if !configured.isDisjoint(with: outcome.missing) { outcome = try await change(batch) }
            }
            reportFailure(nil)
            state.withLock { state in
                for (scope, count) in outcome.granted { state.scopes[scope]?.inFlight += count }
                // Whoever formed a state and went away before it was filled: somebody must do it.
                state.forgotten.formUnion(outcome.unrestored)
            }
            answer(batch, outcome)
            return true
        } catch {
            reportFailure(error)
            refuse(batch)
            return false
        }
    }

    private func answer(_ batch: Batch, _ outcome: Outcome) {
        for (asked, grants) in zip(batch.asked, outcome.grants) { asked.answer(grants) }
        var (restored, pauses) = (outcome.restored[...], outcome.pauses[...])
        for entry in batch.orders {
            switch entry.order {
            case .configure(let answer): answer()
            case .restore(_, let answer): answer(restored.popFirst() ?? false)
            case .penalize(_, let answer): answer(pauses.popFirst() ?? .seconds(1))
            case .ramp: break
            }
        }
    }

    /// The register does not answer: nothing is granted, and what was to be reported is reported later.
    private func refuse(_ batch: Batch) {
        state.withLock { state in
            for (scope, local) in zip(batch.scopes, batch.locals) {
                state.scopes[scope]?.isChanged = true
                // Whoever set the limits does not do it again: what the register missed, the next change tells it.
                if local?.mustConfigure == true { state.scopes[scope]?.mustConfigure = true }
            }
        }
        for asked in batch.asked { asked.refuse() }
        for entry in batch.orders { entry.order.refuse() }
    }

    private func change(_ batch: Batch) async throws(StoreError) -> Outcome {
        let (worker, requestMax) = (worker, requestMax)
        return try await register.update(batch.scopes.map(Self.key)) { states, now in
            var limiters: [ThrottleScope: SharedLimiter] = [:]
            var outcome = Outcome()
            for (index, scope) in batch.scopes.enumerated() {
                guard var limiter = states[index].flatMap(SharedLimiter.init(encoded:)) else {
                    outcome.missing.append(scope)
                    continue
                }
                limiter.advance(to: now)
                if let local = batch.locals[index] {
                    limiter.hear(
                        worker, inFlight: local.inFlight, returned: local.returned, requestMax: requestMax, now: now)
                    if local.mustConfigure {
                        limiter.configure(limits: local.limits, headroom: local.headroom, now: now)
                    }
                }
                limiters[scope] = limiter
            }
            for entry in batch.orders {
                let scope = entry.scope
                switch entry.order {
                // It goes with what the worker reports.
                case .configure: break
                case .restore(let ages, _):
                    outcome.restored.append(limiters[scope]?.restore(ages: ages, now: now) ?? false)
                case .penalize(let retryAfter, _):
                    outcome.pauses.append(
                        limiters[scope]?.penalize(retryAfter: retryAfter, now: now) ?? retryAfter ?? .seconds(1))
                case .ramp: limiters[scope]?.ramp(now: now)
                }
            }
            for asked in batch.asked {
                outcome.grants.append(
                    asked.requests.map { request in
                        Self.grant(request, &limiters, &outcome, batch, by: worker, requestMax: requestMax, now: now)
                    })
            }
            let asked = Set(batch.asked.flatMap { $0.requests.flatMap(\.scopes) })
            for (scope, limiter) in limiters where asked.contains(scope) && !limiter.isRestored {
                outcome.unrestored.insert(scope)
            }
            for (index, scope) in batch.scopes.enumerated() {
                if let limiter = limiters[scope] { states[index] = limiter.encoded() }
            }
            return outcome
        }
    }

    private static func grant(
        _ request: ThrottleRequest, _ limiters: inout [ThrottleScope: SharedLimiter], _ outcome: inout Outcome,
        _ batch: Batch, by worker: String, requestMax: Duration, now: MonotonicInstant
    ) -> ThrottleGrant {
        var grant = ThrottleGrant(count: request.count, retryAfter: nil)
        let scopes = request.scopes.filter { batch.scopes.contains($0) }
        for scope in scopes {
            guard let offer = limiters[scope]?.available(request.count, now: now) else {
                return ThrottleGrant(count: 0, retryAfter: .milliseconds(100))
            }
            grant.limit(to: offer)
        }
        guard grant.count > 0 else { return grant }
        for scope in scopes {
            limiters[scope]?.take(grant.count, by: worker, requestMax: requestMax, now: now)
            outcome.granted[scope, default: 0] += grant.count
        }
        return grant
    }

    /// Forms states that the register does not have. One that is new, or has lost what it had, grants nothing for a while:
    /// others may be sending what they were granted before.
    private func form(_ missing: [ThrottleScope], of batch: Batch) async throws(StoreError) {
        try await register.update([Self.beginningKey] + missing.map(Self.key)) { states, now in
            var beginning = StateReader(states[0] ?? [])
            var restorableAt: MonotonicInstant
            if let began = try? beginning.instant(), began <= now {
                restorableAt = began + Self.settling
            } else {
                var writer = StateWriter()
                writer.write(now)
                states[0] = writer.bytes
                restorableAt = now + Self.settling
            }
            restorableAt = max(restorableAt, now)
            for (index, scope) in missing.enumerated() {
                guard states[index + 1].flatMap(SharedLimiter.init(encoded:)) == nil,
                    let local = batch.local(scope)
                else { continue }
                states[index + 1] =
                    SharedLimiter(
                        limits: local.limits, headroom: local.headroom, restorableAt: restorableAt, now: now
                    ).encoded()
            }
        }
    }

    private static func key(of scope: ThrottleScope) -> String {
        switch scope {
        case .provider(let name): "provider:\(name)"
        case .tenant(let id): id.text
        case .channel(let id): id.text
        }
    }
}

extension SharedThrottle.Asked {
    fileprivate func refuse() {
        answer(requests.map { _ in ThrottleGrant(count: 0, retryAfter: SharedThrottle.unavailablePause) })
    }
}

extension SharedThrottle.Order {
    fileprivate func refuse() {
        switch self {
        case .configure(let answer): answer()
        case .restore(_, let answer): answer(false)
        case .penalize(let retryAfter, let answer): answer(retryAfter ?? .seconds(1))
        case .ramp: break
        }
    }
}

extension SharedThrottle.Batch {
    fileprivate func local(_ scope: ThrottleScope) -> SharedThrottle.Local? {
        scopes.firstIndex(of: scope).flatMap { locals[$0] }
    }
}
