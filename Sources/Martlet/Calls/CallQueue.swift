import DequeModule
import Foundation

/// Calls for a library that blocks: a bounded queue, and the threads of its own that carry them out, so that none of it runs
/// on the concurrency pool.
///
/// The threads start with the first call. What was handed over is carried out, whether or not anybody waits for it any more.
package final class CallQueue<Call: Sendable>: @unchecked Sendable {
    // Touched with the condition's lock held.
    private let condition = NSCondition()
    private var waiting: Deque<Call> = []
    private var isStarted = false
    private var isClosed = false

    private let name: String
    private let threads: Int
    private let waitingMax: Int
    private let overloaded: StoreError
    private let closed: StoreError
    private let work: @Sendable (CallQueue) -> Void
    private let ended = DispatchGroup()

    private static var stackSize: Int { 1 << 20 }

    /// - Parameters:
    ///   - name: the thread's, for whoever looks at the process; several are numbered.
    ///   - threads: how many carry out calls.
    ///   - waitingMax: calls that may wait.
    ///   - server: whom they wait for, as operators call it.
    ///   - closed: what calls are refused with after ``close()``.
    ///   - work: what each thread does: it takes calls and carries them out until there will be none any more.
    package init(
        name: String, threads: Int = 1, waitingMax: Int, server: String, closed: StoreError,
        work: @escaping @Sendable (CallQueue) -> Void
    ) {
        self.name = name
        self.threads = threads
        self.waitingMax = waitingMax
        overloaded = StoreError(.overloaded, "\(waitingMax) calls wait for \(server)")
        self.closed = closed
        self.work = work
    }

    /// Whether there was a call yet.
    package var isInUse: Bool { condition.withLock { isStarted } }

    /// Hands a call over.
    /// - throws: ``StoreError/Code/overloaded`` at once when too many wait, or that it is closed. The call is not made then.
    package func submit(_ call: Call) throws(StoreError) {
        let refusal: StoreError? = condition.withLock {
            if isClosed { return closed }
            guard waiting.count < waitingMax else { return overloaded }
            waiting.append(call)
            if isStarted { condition.signal() } else { start() }
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Hands a call over and waits for what comes of it.
    /// - Parameters:
    ///   - refused: what comes of one that ``submit(_:)`` refuses.
    ///   - call: makes the call; it is to hand its outcome to the function it is given, exactly once.
    package func outcome<Outcome: Sendable>(
        refused: (StoreError) -> Outcome, of call: (_ answer: @escaping @Sendable (Outcome) -> Void) -> Call
    ) async -> Outcome {
        await withCheckedContinuation { continuation in
            do throws(StoreError) {
                try submit(call { continuation.resume(returning: $0) })
            } catch {
                continuation.resume(returning: refused(error))
            }
        }
    }

    /// Refuses new calls, and returns when those that wait are carried out and the threads have ended.
    package func close() async {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
        await withCheckedContinuation { continuation in
            ended.notify(queue: .global()) { continuation.resume() }
        }
    }

    // MARK: For the threads

    /// Blocks until there is a call; nil when there will be none any more.
    package func take() -> Call? {
        condition.withLock {
            waitForCalls(until: nil)
            return waiting.popFirst()
        }
    }

    /// Blocks until there are calls, and takes those that came first: one at least, and no more than are allowed.
    /// - Parameters:
    ///   - callsMax: how many, at most.
    ///   - sizeMax: what their sizes may add up to; a single call may be larger.
    ///   - waitMax: how long to wait for the first.
    /// - returns: empty when none came in that time, nil when there will be none any more.
    package func takeBatch(
        callsMax: Int = .max, sizeMax: Int, waitMax: Duration? = nil, size: (Call) -> Int
    ) -> [Call]? {
        condition.withLock {
            waitForCalls(until: waitMax.map { Date(timeIntervalSinceNow: $0.seconds) })
            if waiting.isEmpty, isClosed { return nil }
            var calls: [Call] = []
            var total = 0
            while calls.count < callsMax, let next = waiting.first {
                let size = size(next)
                guard calls.isEmpty || total + size <= sizeMax else { break }
                total += size
                calls.append(waiting.removeFirst())
            }
            return calls
        }
    }

    /// Called with the lock held.
    private func waitForCalls(until end: Date?) {
        while waiting.isEmpty, !isClosed {
            if let end {
                guard condition.wait(until: end) else { return }
            } else {
                condition.wait()
            }
        }
    }

    /// Called with the lock held.
    private func start() {
        isStarted = true
        for index in 0..<threads {
            let thread = Thread { [self] in
                work(self)
                ended.leave()
            }
            thread.name = threads == 1 ? name : "\(name)-\(index)"
            thread.stackSize = Self.stackSize
            ended.enter()
            thread.start()
        }
    }
}
