#if PostgreSQL
    import Foundation
    import Martlet

    /// A few connections, each with a thread of its own that takes the next call from one bounded queue.
    ///
    /// A thread connects when it has something to do; when it cannot, calls fail at once until its next try, which comes after
    /// a pause that grows (with jitter, so that many processes do not come back in one moment).
    final class ConnectionPool: Sendable {
        private typealias Call = @Sendable (ConnectionThread) -> Void

        private let calls: CallQueue<Call>

        /// - Parameters:
        ///   - size: connections, at most.
        ///   - waitingMax: calls that may wait; the next is refused as `overloaded`.
        init(
            _ settings: ConnectionSettings, name: String, size: Int, waitingMax: Int,
            onStatement: (@Sendable (String) -> Void)?
        ) {
            calls = CallQueue(
                name: name, threads: size, waitingMax: waitingMax, server: "the database",
                closed: StoreError(.unavailable, "the store is closed")
            ) { calls in
                let connection = ConnectionThread(settings, onStatement: onStatement)
                while let call = calls.take() { call(connection) }
                connection.close()
            }
        }

        /// Runs the body on some connection, and once more where the first try met a stale connection or a deadlock. A call
        /// that is cancelled is still carried out.
        /// - throws: why it could not be done; ``StoreError/Code/overloaded`` at once when too much waits.
        func perform<Value: Sendable>(_ body: @escaping @Sendable (Session) throws -> Value) async throws(StoreError)
            -> Value
        {
            try await calls.outcome(refused: Result<Value, StoreError>.failure) { answer in
                { connection in answer(connection.perform(body)) }
            }.get()
        }

        /// Refuses new calls, carries out those that wait, and ends the connections.
        func close() async { await calls.close() }
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
