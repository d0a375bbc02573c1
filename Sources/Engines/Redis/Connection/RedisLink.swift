#if Redis
    import Foundation
    import Martlet
    import Synchronization

    /// What the server answered, and which run of the server it was.
    struct RedisAnswer: Sendable {
        var reply: RedisReply
        var serverRun: String
    }

    /// A connection with a thread of its own, which sends at once whatever waits and then reads the answers.
    ///
    /// The thread connects when it has something to do; when it cannot, calls fail at once until its next try, which comes
    /// after a pause that grows (with jitter, so that many processes do not come back in one moment). A call that is cancelled
    /// is still carried out.
    final class RedisLink: Sendable {
        /// A command, and what is done with its answer.
        struct Call: Sendable {
            /// Made when its turn has come; nil when it is not wanted any more.
            var arguments: @Sendable () -> [[UInt8]]?
            /// About how many bytes that will be.
            var size: Int
            /// Whether it may be sent once more when the connection breaks before its answer.
            var isRepeatable: Bool
            var answer: @Sendable (Result<RedisAnswer, RedisFailure>) -> Void
        }

        private let calls: CallQueue<Call>
        private let digests = Mutex<[String: [UInt8]]>([:])

        static let closedError = StoreError(.unavailable, "the connection to Redis is closed")
        private static let batchMax = 64
        private static let batchBytesMax = 4 << 20

        /// - parameter name: the thread's, for whoever looks at the process.
        init(_ address: RedisAddress, name: String, options: RedisOptions) {
            calls = CallQueue(
                name: name, waitingMax: options.waitingMax, server: "Redis", closed: Self.closedError
            ) { calls in
                // A write to a connection that the server has ended must fail, and not end the process.
                var signals = sigset_t()
                sigemptyset(&signals)
                sigaddset(&signals, SIGPIPE)
                pthread_sigmask(SIG_BLOCK, &signals, nil)
                let connection = LinkedConnection(address, options: options)
                while let batch = calls.takeBatch(
                    callsMax: Self.batchMax, sizeMax: Self.batchBytesMax, size: \.size)
                {
                    connection.carryOut(batch)
                }
                connection.close()
            }
        }

        /// Sends a command and waits for the answer.
        /// - throws: also when the answer is an error.
        func perform(_ arguments: [[UInt8]], isRepeatable: Bool = true) async throws(RedisFailure) -> RedisAnswer {
            let size = arguments.reduce(0) { $0 + $1.count }
            return try await perform(size: size, isRepeatable: isRepeatable) { arguments }
        }

        /// Sends a command that is made when its turn has come. When it is nil then, the answer is ``RedisReply/none``.
        func perform(
            size: Int = 0, isRepeatable: Bool = true, _ arguments: @escaping @Sendable () -> [[UInt8]]?
        ) async throws(RedisFailure) -> RedisAnswer {
            try await calls.outcome(refused: { Result<RedisAnswer, RedisFailure>.failure(.notSent($0)) }) { answer in
                Call(arguments: arguments, size: size, isRepeatable: isRepeatable, answer: answer)
            }.get()
        }

        /// Runs a script, which the server keeps under its digest (https://redis.io/docs/latest/commands/evalsha/).
        func run(
            _ script: Script, keys: [String], _ arguments: [[UInt8]], isRepeatable: Bool = true
        ) async throws(RedisFailure) -> RedisAnswer {
            let rest = [Array(String(keys.count).utf8)] + keys.map { Array($0.utf8) } + arguments
            let digest: [UInt8]
            if let known = digests.withLock({ $0[script.name] }) {
                digest = known
            } else {
                let answer = try await perform([Array("SCRIPT".utf8), Array("LOAD".utf8), Array(script.source.utf8)])
                digest = answer.reply.bytes ?? []
                digests.withLock { $0[script.name] = digest }
            }
            do throws(RedisFailure) {
                return try await perform([Array("EVALSHA".utf8), digest] + rest, isRepeatable: isRepeatable)
            } catch {
                // The server was restarted, or its scripts were flushed: nothing was done.
                guard error.code == "NOSCRIPT" else { throw error }
                return try await perform(
                    [Array("EVAL".utf8), Array(script.source.utf8)] + rest, isRepeatable: isRepeatable)
            }
        }

        /// Whether there was a call yet.
        var isInUse: Bool { calls.isInUse }

        /// Refuses new calls, carries out those that wait, and ends the connection.
        func close() async { await calls.close() }
    }

    /// A thread's connection: made when it is needed, made anew when it broke. Used by that thread alone.
    private final class LinkedConnection {
        private let address: RedisAddress
        private let options: RedisOptions
        private var connection: RedisConnection?
        private var failure: RedisFailure?
        private var pause: Duration = .zero
        private var nextTry = ContinuousClock.now

        init(_ address: RedisAddress, options: RedisOptions) {
            self.address = address
            self.options = options
        }

        func close() { connection = nil }

        func carryOut(_ calls: [RedisLink.Call]) {
            // A connection that was ended while nobody looked is no reason to fail; one that was just made is.
            let again = attempt(calls, mayRepeat: connection != nil)
            if !again.isEmpty { _ = attempt(again, mayRepeat: false) }
        }

        /// Answers every call, but for those it hands back, which are to be tried on a new connection.
        private func attempt(_ calls: [RedisLink.Call], mayRepeat: Bool) -> [RedisLink.Call] {
            let connection: RedisConnection
            do throws(RedisFailure) {
                connection = try connected()
            } catch {
                for call in calls { call.answer(.failure(error)) }
                return []
            }
            var sent: [RedisLink.Call] = []
            var unsent = calls[...]
            var endsConnection = false
            do throws(RedisFailure) {
                while let call = unsent.first {
                    if let arguments = call.arguments() {
                        try connection.send(arguments)
                        sent.append(call)
                    } else {
                        call.answer(.success(RedisAnswer(reply: .none, serverRun: connection.serverRun)))
                    }
                    unsent.removeFirst()
                }
                while let call = sent.first {
                    let reply = try connection.receive()
                    sent.removeFirst()
                    if case .error(let sentence) = reply {
                        let failure = RedisFailure.refused(sentence)
                        endsConnection = endsConnection || failure.endsConnection
                        call.answer(.failure(failure))
                    } else {
                        call.answer(.success(RedisAnswer(reply: reply, serverRun: connection.serverRun)))
                    }
                }
            } catch {
                self.connection = nil
                var again: [RedisLink.Call] = []
                var mayRepeat = mayRepeat
                if case .connectionLost(_, isTimeout: true) = error { mayRepeat = false }
                for call in sent + unsent {
                    if mayRepeat, call.isRepeatable {
                        again.append(call)
                    } else {
                        call.answer(.failure(error))
                    }
                }
                return again
            }
            if endsConnection { self.connection = nil }
            return []
        }

        private func connected() throws(RedisFailure) -> RedisConnection {
            if let connection { return connection }
            if let failure, ContinuousClock.now < nextTry { throw failure }
            do throws(RedisFailure) {
                let connection = try RedisConnection(address, options: options)
                self.connection = connection
                failure = nil
                pause = .zero
                return connection
            } catch {
                // What was lost here was not asked to do anything yet.
                let reason = RedisFailure.notSent(error.storeError)
                failure = reason
                pause = pause == .zero ? options.pauseFirst : min(pause * 2, options.pauseMax)
                nextTry = .now + pause * Double.random(in: 0.5...1)
                throw reason
            }
        }
    }
#endif
