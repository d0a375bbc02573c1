import Martlet
import MartletTestSupport
import Synchronization

/// Everything of one run: the data, the provider, the clients, and the nodes one after another.
final class World: Sendable {
    private struct State {
        var current: Node?
        var incarnation = 0
        var isCalm = false
        var restartsAfter: Duration = .zero
    }

    let scenario: Scenario
    let surroundings: Node.Surroundings
    let time: VirtualTime
    let agenda: Agenda
    let remote: RemoteProvider
    let ledger: Ledger
    let log: RunLog
    let trace: Trace
    let data: MemoryStore
    let conditions: StoreConditions
    let clients: Clients
    private let state = Mutex(State())
    private let changed = WakeSignal()

    init(seed: UInt64, mutation: Mutation?, time: VirtualTime, traceLines: Int) {
        scenario = Scenario(seed: seed)
        self.time = time
        trace = Trace(time: time, linesMax: traceLines)
        log = RunLog(time: time, trace: trace)
        agenda = Agenda(time: time)
        ledger = Ledger()
        let identifiers = IdentifierGenerator(time: time, random: Chance(seed: seed, for: "identifiers"))
        data = MemoryStore(identifiers: identifiers, flaws: mutation?.storeFlaws ?? [])
        conditions = StoreConditions(scenario: scenario, seed: seed, time: time)
        let post = LateCall<WebhookDelivery>()
        remote = RemoteProvider(
            scenario: scenario, seed: seed, time: time, agenda: agenda, ledger: ledger, trace: trace, post: post)
        surroundings = Node.Surroundings(
            scenario: scenario, seed: seed, mutation: mutation, time: time, data: data, conditions: conditions,
            remote: remote, agenda: agenda, identifiers: identifiers, log: log, trace: trace)
        clients = Clients(seed: seed)
        post.set { [weak self] delivery in
            guard let self else { return }
            agenda.after(.zero) { await self.deliver(delivery) }
        }
    }

    /// The node that answers requests now.
    var node: Node? { state.withLock { $0.current }.flatMap { $0.isReady ? $0 : nil } }
    /// The node that runs, whether or not it answers yet.
    var running: Node? { state.withLock { $0.current } }
    /// How many nodes there have been.
    var incarnations: Int { state.withLock { $0.incarnation } }
    var isCalm: Bool { state.withLock { $0.isCalm } }

    // MARK: Nodes, one after another

    /// Keeps a node running: starts the next one when one has died.
    func supervise() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let wait = untilStart()
                if wait > .zero { try? await time.sleep(for: wait) }
                guard !Task.isCancelled else { break }
                let number = state.withLock { state in
                    state.incarnation += 1
                    state.restartsAfter = .zero
                    return state.incarnation
                }
                let node = Node(surroundings, incarnation: number)
                trace.note("node \(number) starts")
                state.withLock { $0.current = node }
                group.addTask { [self] in
                    await node.run()
                    state.withLock { state in
                        if state.current === node { state.current = nil }
                    }
                    changed.signal()
                }
                while running === node, !Task.isCancelled { await changed.wait(atMost: .seconds(86_400), time: time) }
            }
            group.cancelAll()
        }
    }

    /// How long nothing runs. After a jump of the clock at least until every window has passed: what the log says was sent
    /// seems older by then than it is, and no process can know better.
    private func untilStart() -> Duration {
        let planned = state.withLock { $0.restartsAfter }
        guard let jump = log.lastForwardJump else { return planned }
        return max(planned, scenario.windowMax + .seconds(2) - (time.monotonicNow() - jump))
    }

    /// Kills the running node; the next one starts after that time.
    func crash(restartAfter: Duration) {
        state.withLock { $0.restartsAfter = restartAfter }
        log.count { $0.crashes += 1 }
        running?.lifeline.die("it is killed")
    }

    func cancelNode(restartAfter: Duration) {
        state.withLock { $0.restartsAfter = restartAfter }
        log.count { $0.cancellations += 1 }
        trace.note("the node is told to stop")
        running?.stop()
    }

    /// The running node hangs for that long, and another one takes its place meanwhile.
    func stall(for duration: Duration) {
        guard let node = running else { return }
        log.count { $0.stalls += 1 }
        node.lifeline.stall(for: duration)
        state.withLock { $0.current = nil }
        changed.signal()
        // It stores what it still had in hand, and then it is gone.
        agenda.after(duration + .seconds(5)) { node.lifeline.die("it hung for too long") }
    }

    /// No more trouble.
    func calmDown() {
        trace.note("all trouble is over")
        state.withLock { $0.isCalm = true }
        conditions.calmDown()
        remote.calmDown()
    }

    // MARK: Webhooks

    private static let webhookTriesMax = 4

    private func deliver(_ delivery: WebhookDelivery) async {
        guard let node else { return retry(delivery) }
        guard let channel = node.directory.channel(delivery.channel) else { return retry(delivery) }
        let answer = await node.ingress.receive(
            channel: channel.id.text, token: channel.webhookToken,
            headers: [ProviderLink.proofHeader: delivery.secret], body: delivery.body)
        switch answer {
        case .stored where node.lifeline.isDead: retry(delivery)
        case .stored:
            if let (wire, level) = delivery.acknowledges {
                trace.note("webhook \(wire) \(level) is stored")
                ledger.record(
                    Ledger.StoredWebhook(channel: channel.id, wire: wire, level: level, at: time.monotonicNow()))
            }
        case .unavailable: retry(delivery)
        case .unauthentic:
            if delivery.acknowledges != nil { log.violation("a webhook with the right proof was refused") }
        case .unknownAddress: log.violation("a webhook's own address is not known")
        }
    }

    private func retry(_ delivery: WebhookDelivery) {
        guard delivery.tries < Self.webhookTriesMax || isCalm else { return }
        var next = delivery
        next.tries += 1
        agenda.after(.seconds(2)) { [self, next] in await deliver(next) }
    }
}
