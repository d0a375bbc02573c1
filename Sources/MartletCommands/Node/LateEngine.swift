import Martlet
import Synchronization

/// An engine that is opened when it can be reached, which may be later than the process starts. It stands for what it opens.
final class LateEngine<Engine: Sendable>: SeparateEngine {
    private enum State: Sendable {
        case absent
        case opening(Task<Result<Engine, StoreError>, Never>)
        case open(Engine)
        case closed
    }

    private let opening: EngineOpening<Engine>
    private let state = Mutex(State.absent)

    /// Tries for the first time.
    /// - throws: what waiting will not mend.
    init(_ opening: EngineOpening<Engine>) async throws(StoreError) {
        self.opening = opening
        do throws(StoreError) { _ = try await engine() } catch { if !error.isRetriable { throw error } }
    }

    /// The engine where it is open.
    private var known: Engine? {
        state.withLock { state in if case .open(let engine) = state { engine } else { nil } }
    }

    /// The engine; whoever comes while it is being opened waits for that.
    private func engine() async throws(StoreError) -> Engine {
        let state = state.withLock { state in
            if case .absent = state {
                state = .opening(
                    Task { [opening] in
                        do throws(StoreError) {
                            return .success(try await opening.open())
                        } catch {
                            return .failure(error)
                        }
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

    func check() async throws(StoreError) { try await opening.asSeparate(try await engine()).check() }

    func close() async {
        let before = state.withLock { state in
            defer { state = .closed }
            return state
        }
        let engine: Engine? =
            switch before {
            case .open(let engine): engine
            case .opening(let task): try? await task.value.get()
            case .absent, .closed: nil
            }
        if let engine { await opening.asSeparate(engine).close() }
    }
}

extension LateEngine: JobBroker where Engine == any JobBroker {
    /// Until the broker says how far it can look ahead, nothing is told before it is due.
    var delayMax: Duration { known?.delayMax ?? .zero }
    var waitAdvised: Duration { known?.waitAdvised ?? .seconds(1) }

    func publish(_ notices: [JobNotice], now: Timestamp) async throws(StoreError) {
        try await engine().publish(notices, now: now)
    }

    func receive(limit: Int, wait: Duration) async throws(StoreError) -> [DeliveredJob] {
        try await engine().receive(limit: limit, wait: wait)
    }

    func acknowledge(_ deliveries: [DeliveredJob]) async throws(StoreError) {
        try await engine().acknowledge(deliveries)
    }

    func publishDeadLetters(_ letters: [DeadLetterNotice]) async throws(StoreError) {
        try await engine().publishDeadLetters(letters)
    }
}

extension LateEngine: InboxLog where Engine == any InboxLog {
    func append(_ batch: [InboxEntry]) async throws(StoreError) { try await engine().append(batch) }

    func lease(limit: Int, for duration: Duration, wait: Duration) async throws(StoreError) -> [LeasedInboxEntry] {
        try await engine().lease(limit: limit, for: duration, wait: wait)
    }

    func complete(_ sequences: [Int64]) async throws(StoreError) { try await engine().complete(sequences) }

    func depth() async throws(StoreError) -> (waiting: Int, oldestReceivedAt: Timestamp?) {
        try await engine().depth()
    }
}

extension LateEngine: ThrottleRegister where Engine == any ThrottleRegister {
    func update<Answer: Sendable>(
        _ keys: [String], _ change: @escaping @Sendable (inout [[UInt8]?], MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer {
        try await engine().update(keys, change)
    }
}
