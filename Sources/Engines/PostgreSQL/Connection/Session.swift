#if PostgreSQL
    import CPostgreSQL
    import Martlet

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// One connection, used by one thread.
    ///
    /// Statements are pipelined (https://www.postgresql.org/docs/current/libpq-pipeline-mode.html): those whose answer nobody
    /// needs wait in the connection's buffer and leave with the next one whose answer is needed, so that a transaction of
    /// ten statements takes two or three round trips. Each statement is prepared once.
    final class Session {
        private enum Expected {
            case nothing, rows
        }

        private let handle: OpaquePointer
        private var names: [String: String] = [:]
        private var namesGiven = 0
        /// Statements that were prepared since the last answer: whether they are is not known yet.
        private var unproven: [String] = []
        private var expected: [Expected] = []
        private let onStatement: (@Sendable (String) -> Void)?

        /// Statements that are kept prepared; beyond it, all are prepared anew. The store has fewer of its own.
        private static let preparedMax = 500

        /// How every session behaves, whatever the server's own settings are.
        ///
        /// Waiting is bounded; what a client held that is gone without a word is free again within half a minute. A commit is
        /// on disk when it returns. The planner is kept from plans that are good for what a
        /// table holds now and ruinous for what it holds in an hour: every statement of the store has its index.
        private static let settings = """
            SELECT set_config('statement_timeout', '30s', false), set_config('lock_timeout', '10s', false),
                set_config('idle_in_transaction_session_timeout', '60s', false),
                set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
                set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false),
                set_config('synchronous_commit',
                    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                        ELSE current_setting('synchronous_commit') END, false),
                set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false),
                set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false),
                set_config('jit', 'off', false), set_config('default_transaction_isolation', 'read committed', false)
            """

        /// Blocks until the connection stands and is set up.
        init(_ connection: ConnectionSettings, onStatement: (@Sendable (String) -> Void)? = nil) throws(SQLFailure) {
            handle = try connection.connect()
            self.onStatement = onStatement
            guard PQenterPipelineMode(handle) == 1 else { throw lost() }
            try query(Self.settings)
        }

        deinit { PQfinish(handle) }

        /// The server's version: 150004 is 15.4.
        var serverVersion: Int { Int(PQserverVersion(handle)) }

        /// Hands a statement over whose answer nobody needs. It leaves with the next that is asked for; should it fail, that
        /// one throws.
        func send(_ sql: String, _ arguments: [(any SQLArgument)?] = []) throws(SQLFailure) {
            try put(sql, arguments, expecting: .nothing)
        }

        /// Hands a statement over whose answer ``collect()`` brings.
        func request(_ sql: String, _ arguments: [(any SQLArgument)?] = []) throws(SQLFailure) {
            try put(sql, arguments, expecting: .rows)
        }

        /// Runs a statement, and before it what was handed over.
        @discardableResult
        func query(_ sql: String, _ arguments: [(any SQLArgument)?] = []) throws(SQLFailure) -> ResultSet {
            try request(sql, arguments)
            let results = try collect()
            guard let last = results.last else { throw lost() }
            return last
        }

        /// Waits for everything that was handed over. Answers what was requested, in order.
        /// - throws: the first failure; of what came after it nothing was done.
        func collect() throws(SQLFailure) -> [ResultSet] {
            guard PQpipelineSync(handle) == 1 else { throw lost() }
            let awaited = expected
            expected = []
            var results: [ResultSet] = []
            var failure: SQLFailure?
            for expectation in awaited {
                guard let result = PQgetResult(handle) else {
                    failure = failure ?? lost()
                    break
                }
                let status = PQresultStatus(result)
                if status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK {
                    if case .rows = expectation {
                        results.append(ResultSet(result))
                    } else {
                        PQclear(result)
                    }
                } else {
                    if failure == nil, status != PGRES_PIPELINE_ABORTED {
                        failure = SQLFailure(result, isConnectionLost: PQstatus(handle) != CONNECTION_OK)
                    }
                    PQclear(result)
                }
                if PQstatus(handle) != CONNECTION_OK { break }
                // The end of this statement's results.
                while let more = PQgetResult(handle) { PQclear(more) }
            }
            if PQstatus(handle) == CONNECTION_OK, failure?.isConnectionLost != true {
                // The end of the pipeline.
                PQclear(PQgetResult(handle))
            }
            if failure == nil, PQstatus(handle) != CONNECTION_OK { failure = lost() }
            if let failure {
                for sql in unproven { names[sql] = nil }
                unproven = []
                throw failure
            }
            unproven = []
            return results
        }

        /// Runs the body in a transaction; what it handed over is part of it.
        func transaction<Value>(_ body: () throws -> Value) throws -> Value {
            try send("BEGIN")
            let value: Value
            do {
                value = try body()
            } catch {
                // What is still in the buffer fails or is undone with the rest.
                if PQstatus(handle) == CONNECTION_OK, (error as? SQLFailure)?.isConnectionLost != true {
                    _ = try? collect()
                    try query("ROLLBACK")
                }
                throw error
            }
            do throws(SQLFailure) {
                let answer = try query("COMMIT")
                // The server turns the commit of a failed transaction into a rollback.
                guard answer.command == "COMMIT" else {
                    throw SQLFailure(state: "25P02", message: "the transaction was undone", isConnectionLost: false)
                }
            } catch {
                var failure = error
                failure.isCommitInDoubt = failure.isConnectionLost
                if !failure.isConnectionLost { try query("ROLLBACK") }
                throw failure
            }
            return value
        }

        /// What other sessions have told this one, after waiting for it at most that long.
        func notifications(waitingMilliseconds: Int32) throws(SQLFailure) -> [ServerNotification] {
            var descriptor = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
            poll(&descriptor, 1, waitingMilliseconds)
            guard PQconsumeInput(handle) == 1 else { throw lost() }
            var notifications: [ServerNotification] = []
            while let notification = PQnotifies(handle) {
                notifications.append(
                    ServerNotification(
                        topic: String(cString: notification.pointee.relname),
                        text: String(cString: notification.pointee.extra)))
                PQfreemem(notification)
            }
            return notifications
        }

        private func put(_ sql: String, _ arguments: [(any SQLArgument)?], expecting: Expected) throws(SQLFailure) {
            onStatement?(sql)
            let name = try prepared(sql)
            // One buffer for all values; the byte at its end keeps an empty value from being a null pointer, which is NULL.
            var bytes: [UInt8] = []
            var spans: [Range<Int>?] = []
            for argument in arguments {
                guard let argument else {
                    spans.append(nil)
                    continue
                }
                let start = bytes.count
                argument.encode(into: &bytes)
                spans.append(start..<bytes.count)
            }
            bytes.append(0)
            let lengths = spans.map { Int32($0?.count ?? 0) }
            let formats = [Int32](repeating: 1, count: spans.count)
            let isSent = bytes.withUnsafeBytes { buffer in
                let base = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
                let values = spans.map { span in span.flatMap { range in base.map { $0 + range.lowerBound } } }
                return PQsendQueryPrepared(handle, name, Int32(spans.count), values, lengths, formats, 1) == 1
            }
            guard isSent else { throw lost() }
            expected.append(expecting)
        }

        private func prepared(_ sql: String) throws(SQLFailure) -> String {
            if let name = names[sql] { return name }
            if names.count >= Self.preparedMax {
                names = [:]
                unproven = []
                guard PQsendQueryParams(handle, "DEALLOCATE ALL", 0, nil, nil, nil, nil, 1) == 1 else { throw lost() }
                expected.append(.nothing)
            }
            namesGiven += 1
            let name = "m\(namesGiven)"
            guard PQsendPrepare(handle, name, sql, 0, nil) == 1 else { throw lost() }
            expected.append(.nothing)
            names[sql] = name
            unproven.append(sql)
            return name
        }

        private func lost() -> SQLFailure {
            let words = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
            return SQLFailure(
                state: "",
                message: words.split(separator: "\n").last.map(String.init) ?? "the connection to PostgreSQL broke",
                isConnectionLost: true)
        }
    }

    /// What somebody sent with `NOTIFY`.
    struct ServerNotification {
        var topic: String
        var text: String
    }
#endif
