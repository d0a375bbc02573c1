import Synchronization

/// Tells those who listen what became of messages, as it happens. It forgets at once: the log is the truth.
package final class StatusFeed: Sendable {
    /// Events a slow listener may fall behind before the oldest are dropped for it.
    package static let backlogMax = 1024

    private struct Listener: Sendable {
        var tenant: TenantID
        var continuation: AsyncStream<Message>.Continuation
    }

    private let listeners = Mutex<(next: Int, byID: [Int: Listener])>((0, [:]))

    package init() {}

    /// Messages of that tenant as they change, from now on. The stream ends when its consumer's task does.
    package func changes(tenant: TenantID) -> AsyncStream<Message> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Message.self, bufferingPolicy: .bufferingNewest(Self.backlogMax))
        let id = listeners.withLock { state in
            state.next += 1
            state.byID[state.next] = Listener(tenant: tenant, continuation: continuation)
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.listeners.withLock { _ = $0.byID.removeValue(forKey: id) }
        }
        return stream
    }

    /// How many listen now.
    package var listenerCount: Int { listeners.withLock { $0.byID.count } }

    package func publish(_ messages: some Sequence<Message>) {
        let listeners = listeners.withLock { Array($0.byID.values) }
        guard !listeners.isEmpty else { return }
        for message in messages {
            for listener in listeners where listener.tenant == message.tenantID {
                listener.continuation.yield(message)
            }
        }
    }

    /// Ends every stream, at shutdown.
    package func finish() {
        for listener in listeners.withLock({ Array($0.byID.values) }) { listener.continuation.finish() }
    }
}
