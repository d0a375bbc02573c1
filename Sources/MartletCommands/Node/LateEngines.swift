import Martlet
import Synchronization

/// An engine that is opened when it can be reached, which may be later than the process starts.
private final class LateEngine<Engine: Sendable>: Sendable {
    typealias Open = @Sendable () async throws(StoreError) -> Engine

    private enum State: Sendable {
        case absent
        case opening(Task<Result<Engine, StoreError>, Never>)
        case open(Engine)
        case closed
    }

    private let open: Open
    private let state = Mutex(State.absent)

    init(_ open: @escaping Open) { self.open = open }

    /// Tries for the first time.
    /// - throws: what waiting will not mend.
    func begin() async throws(StoreError) {
        do throws(StoreError) { _ = try await engine() } catch { if !error.isRetriable { throw error } }
    }

    /// The engine; whoever comes while it is being opened waits for that.
    func engine() async throws(StoreError) -> Engine {
        let state = state.withLock { state in
            if case .absent = state {
                state = .opening(
                    Task { [open] in
                        do throws(StoreError) { return .success(try await open()) } catch { return .failure(error) }
                    })
            }
            return state
        }
        switch state {
        case .open(let engine): return engine
        case .absent, .closed: throw StoreError(.unavailable, "it is closed")
        case .opening(let task):
            let result = await task.value
            self.state.withLock { state in
                guard case .opening = state else { return }
                if case .success(let engine) = result { state = .open(engine) } else { state = .absent }
            }
            return try result.get()
        }
    }

    /// Ends it. Answers what was open, for the caller to close.
    func close() async -> Engine? {
        let before = state.withLock { state in
            defer { state = .closed }
            return state
        }
        switch before {
        case .open(let engine): return engine
        case .opening(let task): return try? await task.value.get()
        case .absent, .closed: return nil
        }
    }
}

/// A broker that need not be there yet.
final class LateBroker: JobBroker {
    private let late: LateEngine<any JobBroker>
    private struct Known: Sendable {
        /// Until the broker says how far it can look ahead, nothing is told before it is due.
        var delayMax: Duration = .zero
        var waitAdvised: Duration = .seconds(1)
    }

    private let known = Mutex(Known())

    init(_ open: @escaping @Sendable () async throws(StoreError) -> any JobBroker) async throws(StoreError) {
        late = LateEngine(open)
        try await late.begin()
        _ = try? await broker()
    }

    var delayMax: Duration { known.withLock(\.delayMax) }
    var waitAdvised: Duration { known.withLock(\.waitAdvised) }

    private func broker() async throws(StoreError) -> any JobBroker {
        let broker = try await late.engine()
        known.withLock { $0 = Known(delayMax: broker.delayMax, waitAdvised: broker.waitAdvised) }
        return broker
    }

    func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) {
        try await broker().publish(notices, now: now)
    }

    func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
        try await broker().receive(limit: limit, wait: wait)
    }

    func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {
        try await broker().acknowledge(deliveries)
    }

    func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {
        try await broker().publishDeadLetters(letters)
    }

    func check() async throws(StoreError) { try await broker().check() }
    func close() async { await late.close()?.close() }
}

/// An inbox log that need not be there yet.
final class LateInboxLog: InboxLog {
    private let late: LateEngine<any InboxLog>

    init(_ open: @escaping @Sendable () async throws(StoreError) -> any InboxLog) async throws(StoreError) {
        late = LateEngine(open)
        try await late.begin()
    }

    func append(_ batch: [InboxEntry]) async throws(StoreError) { try await late.engine().append(batch) }

    func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError) -> [LeasedInboxEntry] {
        try await late.engine().lease(limit: limit, for: duration, wait: wait)
    }

    func complete(_ sequences: [Int64]) async throws(StoreError) { try await late.engine().complete(sequences) }

    func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        try await late.engine().depth()
    }

    func check() async throws(StoreError) { try await late.engine().check() }
    func close() async { await late.close()?.close() }
}

/// A throttle register that need not be there yet.
final class LateRegister: ThrottleRegister {
    private let late: LateEngine<any ThrottleRegister>

    init(_ open: @escaping @Sendable () async throws(StoreError) -> any ThrottleRegister) async throws(StoreError) {
        late = LateEngine(open)
        try await late.begin()
    }

    func update<Answer: Sendable>(
        _ keys: [String], _ change: @escaping @Sendable (inout [[UInt8]?], MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer {
        try await late.engine().update(keys, change)
    }

    func check() async throws(StoreError) { try await late.engine().check() }
    func close() async { await late.close()?.close() }
}
