#if PostgreSQL
    import DequeModule
    import Foundation
    import Martlet

    /// A few connections, each with a thread of its own that takes the next call from one bounded queue.
    ///
    /// libpq blocks, so none of it runs on the concurrency pool. A thread connects when it has something to do; when it
    /// cannot, calls fail at once until its next try, which comes after a pause that grows (with jitter, so that many
    /// processes do not come back in one moment). A call that is cancelled is still carried out.
    final class ConnectionPool: @unchecked Sendable {
        /// What is handed over: run by a thread with its connection, or told why it was not.
        private struct Call {
            var run: (ConnectionThread) -> Void
            var refuse: (StoreError) -> Void
        }

        // Everything below is touched with the condition's lock held.
        private let condition = NSCondition()
        private var waiting: Deque<Call> = []
        private var isClosed = false

        private let waitingMax: Int
        private let ended = DispatchGroup()

        /// - Parameters:
        ///   - size: connections, at most.
        ///   - waitingMax: calls that may wait; the next is refused as `overloaded`.
        init(
            _ settings: ConnectionSettings, name: String, size: Int, waitingMax: Int,
            onStatement: (@Sendable (String) -> Void)?
        ) {
            self.waitingMax = waitingMax
            for index in 0..<size {
                let thread = Thread { [self] in
                    let connection = ConnectionThread(settings, onStatement: onStatement)
                    while let call = take() { call.run(connection) }
                    connection.close()
                    ended.leave()
                }
                thread.name = "\(name)-\(index)"
                thread.stackSize = 1 << 20
                ended.enter()
                thread.start()
            }
        }

        /// Runs the body on some connection, and once more where the first try met a stale connection or a deadlock.
        /// - throws: why it could not be done; ``StoreError/Code/overloaded`` at once when too much waits.
        func perform<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws(StoreError)
            -> Value
        {
            let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
                submit(
                    Call(
                        run: { continuation.resume(returning: $0.perform(body)) },
                        refuse: { continuation.resume(returning: .failure($0)) }))
            }
            return try result.get()
        }

        /// Refuses new calls, carries out those that wait, and ends the connections.
        func close() async {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
            await withCheckedContinuation { continuation in
                ended.notify(queue: .global()) { continuation.resume() }
            }
        }

        private func submit(_ call: Call) {
            let refusal: StoreError? = condition.withLock {
                if isClosed { return StoreError(.unavailable, "the store is closed") }
                guard waiting.count < waitingMax else {
                    return StoreError(.overloaded, "\(waitingMax) calls wait for the database")
                }
                waiting.append(call)
                condition.signal()
                return nil
            }
            if let refusal { call.refuse(refusal) }
        }

        /// Blocks until there is a call; nil when there will be none any more.
        private func take() -> Call? {
            condition.withLock {
                while waiting.isEmpty {
                    if isClosed { return nil }
                    condition.wait()
                }
                return waiting.removeFirst()
            }
        }
    }

    /// A thread's connection: made when it is needed, made anew when it broke. Used by that thread alone.
    private final class ConnectionThread {
        private let settings: ConnectionSettings
        private let onStatement: (@Sendable (String) -> Void)?
        private var session: Session?
        private var failure: StoreError?
        private var pause: Duration = .zero
        private var nextTry = ContinuousClock.now

        private static let triesMax = 5
        private static let firstPause: Duration = .milliseconds(100)
        private static let longestPause: Duration = .seconds(3)

        init(_ settings: ConnectionSettings, onStatement: (@Sendable (String) -> Void)?) {
            self.settings = settings
            self.onStatement = onStatement
        }

        func close() { session = nil }

        func perform<Value>(_ body: (Session) throws -> Value) -> Result<Value, StoreError> {
            for number in 1... {
                do {
                    return .success(try body(try connected()))
                } catch let failure as SQLFailure {
                    if failure.isConnectionLost { session = nil }
                    guard failure.isWorthAnotherTry, number < Self.triesMax else {
                        return .failure(failure.storeError)
                    }
                    // Whoever was in the way tries again, too.
                    if !failure.isConnectionLost { Thread.sleep(forTimeInterval: .random(in: 0.001...0.02)) }
                } catch let error as StoreError {
                    return .failure(error)
                } catch {
                    return .failure(StoreError(.unavailable, "PostgreSQL: \(error)"))
                }
            }
            return .failure(StoreError(.unavailable, "PostgreSQL cannot be reached"))
        }

        private func connected() throws -> Session {
            if let session { return session }
            if let failure, ContinuousClock.now < nextTry { throw failure }
            do {
                let session = try Session(settings, onStatement: onStatement)
                self.session = session
                failure = nil
                pause = .zero
                return session
            } catch {
                let reason = error.storeError
                failure = reason
                pause = pause == .zero ? Self.firstPause : min(pause * 2, Self.longestPause)
                nextTry = .now + pause * Double.random(in: 0.5...1)
                throw reason
            }
        }
    }
#endif
