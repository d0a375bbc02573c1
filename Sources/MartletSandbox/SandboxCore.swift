import Logging
import NIOCore
import NIOPosix
import Synchronization

/// Carries out what ``SandboxState`` decides: keeps time, posts webhooks, holds requests.
final class SandboxCore: Sendable {
    let configuration: SandboxConfiguration
    let courier: WebhookCourier
    let held = HeldRequests()
    private let clock: SandboxClock
    private let state: Mutex<SandboxState>
    private let webhook: WasenderWebhook
    /// The one timer queue: an event loop is a heap of due times with a thread that serves it.
    private let timers: any EventLoop
    private let isStopped = Atomic(false)

    init(configuration: SandboxConfiguration, courier: WebhookCourier, timers: any EventLoop) {
        let clock = SandboxClock()
        self.configuration = configuration
        self.courier = courier
        self.clock = clock
        self.timers = timers
        state = Mutex(SandboxState(configuration: configuration, at: clock.now()))
        webhook = WasenderWebhook(style: configuration.webhookStyle)
    }

    /// Lets the state decide something, and carries out what comes of it.
    ///
    /// The moment is taken inside the lock, so that moments never run backwards in the state's eyes.
    @discardableResult
    func decide<Result: Sendable>(_ decision: (inout SandboxState, SandboxInstant) -> Result) -> Result {
        let (result, work, now) = state.withLock { state in
            let now = clock.now()
            let result = decision(&state, now)
            return (result, state.takeWork(), now)
        }
        perform(work, at: now)
        return result
    }

    /// Posts events at once, one after another, and waits for the receiver's answers, five seconds in all at most.
    func postNow(_ events: [AddressedEvent]) async {
        let deadline = NIODeadline.now() + .seconds(5)
        for event in events where NIODeadline.now() < deadline {
            await courier.deliverNow(post(of: event, at: clock.now()))
        }
    }

    /// Waits, by the connection's own timers.
    func pause(_ duration: Duration, on eventLoop: any EventLoop) async {
        guard duration > .zero else { return }
        try? await eventLoop.scheduleTask(in: .nanoseconds(duration.nanosecondsRounded)) {}.futureResult.get()
    }

    /// Forgets everything and lets held requests go.
    func reset() {
        decide { state, _ in state.reset() }
        courier.reset()
        held.release()
    }

    /// The counters, those of the webhooks included.
    func statistics() -> SandboxStatistics {
        var statistics = decide { state, _ in state.statistics() }
        courier.fill(&statistics.webhooks)
        return statistics
    }

    /// Timers that are still to come do nothing any more, and held requests go.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        held.close()
    }

    private func perform(_ work: SandboxState.Work, at now: SandboxInstant) {
        for event in work.events { courier.enqueue(post(of: event, at: now)) }
        for fault in work.endedFaults { held.release(fault: fault) }
        for timer in work.timers {
            let delay = TimeAmount.nanoseconds(max(0, timer.due - now.nanoseconds))
            timers.scheduleTask(in: delay) { self.fire(timer) }
        }
    }

    private func fire(_ timer: SandboxTimer) {
        guard !isStopped.load(ordering: .relaxed) else { return }
        decide { state, now in
            guard timer.generation == state.generation else { return }
            switch timer.purpose {
            case .message(let id): state.advance(message: id, at: now)
            case .faults: state.sweepFaults(at: now)
            case .link(let session): state.link(session, at: now)
            }
        }
    }

    private func post(of event: AddressedEvent, at now: SandboxInstant) -> WebhookPost {
        WebhookPost(
            url: event.url, secret: event.secret, body: webhook.body(of: event, at: now), lane: event.lane)
    }
}
