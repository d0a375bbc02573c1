import Synchronization

/// Tells those who listen what became of messages, as it happens. It forgets at once: the log is the truth.
package final class StatusFeed: Sendable {
    /// Events a slow listener may fall behind before the oldest are dropped for it.
    package static let backlogMax = 1024

    private struct Listener: Sendable {
        var tenant: TenantID
        var continuation: AsyncStream<Message>.Continuation
    }

    private struct State: Sendable {
        var next = 0
        var listeners: [Int: Listener] = [:]
        var relay: (any StatusRelay)?
    }

    private let state = Mutex(State())

    package init() {}

    /// From now on, that relay is told what is published and who listens.
    package func use(_ relay: any StatusRelay) { state.withLock { $0.relay = relay } }

    /// Messages of that tenant as they change, from now on. The stream ends when its consumer's task does.
    package func changes(tenant: TenantID) -> AsyncStream<Message> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Message.self, bufferingPolicy: .bufferingNewest(Self.backlogMax))
        let (id, relay) = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = Listener(tenant: tenant, continuation: continuation)
            return (state.next, state.relay)
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        relay?.listenerCame()
        return stream
    }

    /// How many listen now.
    package var listenerCount: Int { state.withLock { $0.listeners.count } }

    /// Whose changes are listened to.
    package var tenants: Set<TenantID> { state.withLock { Set($0.listeners.values.map(\.tenant)) } }

    /// Tells what this process has changed: those who listen here, and elsewhere.
    package func publish(_ messages: some Collection<Message>) {
        tell(messages)
        state.withLock { $0.relay }?.changed(messages)
    }

    /// Tells those who listen here.
    package func tell(_ messages: some Collection<Message>) {
        let listeners = state.withLock { Array($0.listeners.values) }
        guard !listeners.isEmpty else { return }
        for message in messages {
            for listener in listeners where listener.tenant == message.tenantID {
                listener.continuation.yield(message)
            }
        }
    }

    /// Ends every stream, at shutdown.
    package func finish() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.continuation.finish() }
    }
}

/// Takes what is published at this process to those who listen at others. Its calls return at once.
package protocol StatusRelay: AnyObject, Sendable {
    /// These messages changed.
    func changed(_ messages: some Collection<Message>)

    /// Somebody began to listen here.
    func listenerCame()
}
