import DequeModule
import Foundation
import Martlet
import Synchronization

/// Runs concurrent code on one thread and in virtual time: days pass in seconds, and the same code with the same seed does the
/// same again. Everything the code does must be structured and take its time from ``time``: a library call that starts a task
/// of its own (as `cancelWhenGracefulShutdown` does) leaves the one thread and is found as a deadlock.
package struct Simulation: Sendable {
    package let time: VirtualTime
    private let executor = OneThreadExecutor()

    /// The simulated code waits for something that nothing will bring about.
    package struct Deadlock: Error {}

    /// The simulated code goes on for ever without any time passing.
    package struct Livelock: Error {}

    /// Steps in one moment, at most.
    private static let stepsMax = 3_000_000

    package init(time: VirtualTime = VirtualTime()) { self.time = time }

    /// Runs the body to its end, moving the clock whenever nothing else can run.
    package func run<Success: Sendable>(_ body: @escaping @Sendable () async throws -> Success) async throws -> Success
    {
        try await withCheckedThrowingContinuation { continuation in
            // The simulation's thread blocks, so it is none of the cooperative pool's.
            Thread.detachNewThread { continuation.resume(with: Result { try self.runBlocking(body) }) }
        }
    }

    private func runBlocking<Success: Sendable>(
        _ body: @escaping @Sendable () async throws -> Success
    ) throws -> Success {
        let outcome = Mutex<Result<Success, any Error>?>(nil)
        let box = OutcomeBox(outcome: outcome)
        let task = Task(executorPreference: executor) {
            let result: Result<Success, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            box.outcome.withLock { $0 = result }
        }
        while true {
            guard executor.drain(stepsMax: Self.stepsMax) else {
                task.cancel()
                throw Livelock()
            }
            if let result = box.outcome.withLock({ $0 }) { return try result.get() }
            if !time.advanceToNextSleeper() {
                task.cancel()
                throw Deadlock()
            }
        }
    }

    private final class OutcomeBox<Success: Sendable>: Sendable {
        let outcome: Mutex<Result<Success, any Error>?>
        init(outcome: consuming Mutex<Result<Success, any Error>?>) { self.outcome = outcome }
    }

    /// Keeps jobs in the order in which they come and runs them when it is told to.
    private final class OneThreadExecutor: TaskExecutor {
        private let jobs = Mutex<Deque<UnownedJob>>([])

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            jobs.withLock { $0.append(job) }
        }

        /// Runs until nothing is left to run. False when that does not come to an end.
        func drain(stepsMax: Int) -> Bool {
            var steps = 0
            while let job = jobs.withLock({ $0.popFirst() }) {
                job.runSynchronously(on: asUnownedTaskExecutor())
                steps += 1
                if steps > stepsMax { return false }
            }
            return true
        }
    }
}
