import Martlet
import MartletTestSupport
import Synchronization

/// Everything of one run: the data, the provider, the clients, and the nodes: several at a time, and
/// one after another.
final class World: Sendable {
    /// Where one node runs after another.
    private struct Seat {
        var current: Node?
        var restartsAfter: Duration = .zero
    }

    private struct State {
        var seats: [Seat]
        var incarnation = 0
        var isCalm = false
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
    private let state: Mutex<State>
    /// One for each seat.
    private let changed: [WakeSignal]
    /// Which of several nodes answers, and which one meets with misfortune.
    private let lots: Chance

    init(seed: UInt64, mutation: Mutation?, time: VirtualTime, traceLines: Int) {
        scenario = Scenario(seed: seed)
        state = Mutex(State(seats: Array(repeating: Seat(), count: scenario.workers)))
        changed = (0..<scenario.workers).map { _ in WakeSignal() }
        lots = Chance(seed: seed, for: "lots")
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
        let shared = scenario.register.map { [time, trace] plan in
            (
                register: SharedRegister(plan: plan, seed: seed, mutation: mutation, time: time, trace: trace),
                leads: Leads(time: time, trace: trace)
            )
        }
        surroundings = Node.Surroundings(
            scenario: scenario, seed: seed, mutation: mutation, time: time, data: data, conditions: conditions,
            remote: remote, agenda: agenda, identifiers: identifiers, log: log, trace: trace,
            shared: shared)
        clients = Clients(seed: seed)
        post.set { [weak self] delivery in
            guard let self else { return }
            agenda.after(.zero) { await self.deliver(delivery) }
        }
    }

    /// A node that answers requests now.
    var node: Node? { draw(allRunning.filter(\.isReady)) }
    /// A node that runs, whether or not it answers yet.
    var running: Node? { allRunning.first }
    /// All that run.
    var allRunning: [Node] { state.withLock { $0.seats.compactMap(\.current) } }

    /// One of several.
    private func draw(_ nodes: [Node]) -> Node? { nodes.count < 2 ? nodes.first : lots.pick(nodes) }

    /// How many nodes there have been.
    var incarnations: Int { state.withLock { $0.incarnation } }
    var isCalm: Bool { state.withLock { $0.isCalm } }

    // MARK: Nodes, one after another

    /// Keeps nodes running: starts the next one when one has died.
    func supervise() async {
        await withDiscardingTaskGroup { group in
            for seat in changed.indices { group.addTask { await self.supervise(seat) } }
        }
    }

    private func supervise(_ seat: Int) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let wait = untilStart(seat)
                if wait > .zero { try? await time.sleep(for: wait) }
                guard !Task.isCancelled else { break }
                let number = state.withLock { state in
                    state.incarnation += 1
                    state.seats[seat].restartsAfter = .zero
                    return state.incarnation
                }
                let node = Node(surroundings, incarnation: number)
                trace.note("node \(number) starts")
                state.withLock { $0.seats[seat].current = node }
                group.addTask { [self] in
                    await node.run()
                    state.withLock { state in
                        if state.seats[seat].current === node { state.seats[seat].current = nil }
                    }
                    changed[seat].signal()
                }
                while state.withLock({ $0.seats[seat].current === node }), !Task.isCancelled {
                    await changed[seat].wait(atMost: .seconds(86_400), time: time)
                }
            }
            group.cancelAll()
        }
    }

    /// How long nothing runs. After a jump of the clock at least until every window has passed: what the log says was sent
    /// seems older by then than it is, and no process can know better.
    private func untilStart(_ seat: Int) -> Duration {
        let planned = state.withLock { $0.seats[seat].restartsAfter }
        guard let jump = log.lastForwardJump else { return planned }
        return max(planned, scenario.windowMax + .seconds(2) - (time.monotonicNow() - jump))
    }

    /// Kills a running node; the next one starts after that time.
    func crash(restartAfter: Duration) {
        log.count { $0.crashes += 1 }
        victim(restartingAfter: restartAfter)?.lifeline.die("it is killed")
    }

    func cancelNode(restartAfter: Duration) {
        log.count { $0.cancellations += 1 }
        let node = victim(restartingAfter: restartAfter)
        trace.note("node \(node.map { "\($0.lifeline.incarnation)" } ?? "-") is told to stop")
        node?.stop()
    }

    /// The node that something happens to.
    private func victim(restartingAfter wait: Duration) -> Node? {
        let node = draw(allRunning)
        state.withLock { state in
            let seat = state.seats.firstIndex { $0.current === node } ?? 0
            state.seats[seat].restartsAfter = wait
        }
        return node
    }

    /// A running node hangs for that long. With a throttle of its own, another one takes its place meanwhile.
    func stall(for duration: Duration) {
        let busy = allRunning.filter { log.hasClaims($0.lifeline.incarnation) }
        guard let node = draw(busy.isEmpty ? allRunning : busy) else { return }
        log.count { $0.stalls += 1 }
        node.lifeline.stall(for: duration)
        guard surroundings.shared == nil else { return }
        state.withLock { $0.seats[0].current = nil }
        changed[0].signal()
        // It stores what it still had in hand, and then it is gone.
        agenda.after(duration + .seconds(5)) { node.lifeline.die("it hung for too long") }
    }

    /// No more trouble.
    func calmDown() {
        trace.note("all trouble is over")
        state.withLock { $0.isCalm = true }
        conditions.calmDown()
        surroundings.shared?.register.calmDown()
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
