#if Redis
    import CRedis
    import Martlet

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// One connection, used by one thread. Everything here blocks, for as long as the time-outs say.
    final class RedisConnection {
        private let context: UnsafeMutablePointer<redisContext>
        /// Tells one run of the server from another: it is new after each restart, and another one on each replica.
        private(set) var serverRun = ""

        static let versionMin = 7

        /// Blocks until the connection stands, is signed in, and the server is known to be one that can be used.
        init(_ address: RedisAddress, options: RedisOptions) throws(RedisFailure) {
            let timeout = Int32(clamping: options.connectTimeout.milliseconds)
            guard let context = martlet_redis_connect(address.host, Int32(address.port), timeout) else {
                throw .connectionLost("no memory for a connection", isTimeout: false)
            }
            self.context = context
            guard context.pointee.err == 0 else { throw lost() }
            martlet_redis_set_timeout(context, timeout)
            redisEnableKeepAlive(context)
            try signIn(address)
            try meetServer()
            martlet_redis_set_timeout(context, Int32(clamping: options.commandTimeout.milliseconds))
        }

        deinit { redisFree(context) }

        /// Puts a command in the buffer; it leaves with the first ``receive()``.
        func send(_ arguments: [[UInt8]]) throws(RedisFailure) {
            // One buffer for all; the byte at its end keeps an empty argument from being a null pointer.
            let lengths = arguments.map(\.count)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(lengths.reduce(1, +))
            for argument in arguments { bytes += argument }
            bytes.append(0)
            let isPut = bytes.withUnsafeBytes { buffer in
                var position = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
                var pointers = lengths.map { length in
                    defer { position = position.map { $0 + length } }
                    return position
                }
                return redisAppendCommandArgv(context, Int32(arguments.count), &pointers, lengths) == REDIS_OK
            }
            guard isPut else { throw lost() }
        }

        /// Blocks until the next answer is there. An answer that is an error is an answer.
        func receive() throws(RedisFailure) -> RedisReply {
            var reply: UnsafeMutableRawPointer?
            guard redisGetReply(context, &reply) == REDIS_OK, let reply else { throw lost() }
            defer { freeReplyObject(reply) }
            return RedisReply(reply.assumingMemoryBound(to: redisReply.self).pointee)
        }

        private func query(_ words: String...) throws(RedisFailure) -> RedisReply {
            try send(words.map { Array($0.utf8) })
            let reply = try receive()
            if case .error(let sentence) = reply { throw .refused(sentence) }
            return reply
        }

        private func signIn(_ address: RedisAddress) throws(RedisFailure) {
            if let password = address.password {
                do throws(RedisFailure) {
                    if let user = address.user {
                        _ = try query("AUTH", user, password.exposed)
                    } else {
                        _ = try query("AUTH", password.exposed)
                    }
                } catch {
                    // The server's sentence may quote what it was sent.
                    guard case .refused = error else { throw error }
                    throw .refused("WRONGPASS")
                }
            }
            if address.database != 0 {
                do throws(RedisFailure) {
                    _ = try query("SELECT", String(address.database))
                } catch {
                    guard case .refused = error, error.code == "ERR" else { throw error }
                    throw .notSent(
                        StoreError(
                            .unusable, "Redis has no database \(address.database)",
                            remedy: "name one below the server's setting `databases`, which is 16 unless it was changed"
                        ))
                }
            }
        }

        private func meetServer() throws(RedisFailure) {
            let facts = ServerFacts(try query("INFO", "server").text ?? "")
            let version = facts["redis_version"] ?? "unknown"
            guard let major = Int(version.prefix { $0 != "." }), major >= Self.versionMin else {
                throw .notSent(
                    StoreError(
                        .unusable, "Redis is of version \(version.prefix(20)); \(Self.versionMin) or later is needed",
                        remedy: "use a server of version \(Self.versionMin) or later"))
            }
            guard facts["redis_mode"] != "cluster" else { throw .notSent(RedisFailure.clusterError) }
            guard let run = facts["run_id"], !run.isEmpty, run.utf8.count <= 64 else {
                throw .notSent(StoreError(.unusable, "Redis does not tell its run_id, by which a restart is noticed"))
            }
            serverRun = run
            guard ServerFacts(try query("INFO", "persistence").text ?? "")["loading"] != "1" else {
                throw .refused("LOADING")
            }
            // For operators who look at CLIENT LIST; a server may refuse it.
            try send([Array("CLIENT".utf8), Array("SETNAME".utf8), Array("martlet".utf8)])
            _ = try receive()
        }

        private func lost() -> RedisFailure {
            let isTimeout = context.pointee.err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK)
            if isTimeout { return .connectionLost("no answer in time", isTimeout: true) }
            let words = String(cString: martlet_redis_error(context))
            return .connectionLost(words.isEmpty ? "the connection broke" : words, isTimeout: false)
        }
    }

    /// What `INFO` tells: a `name:value` a line.
    struct ServerFacts {
        private let values: [Substring: Substring]

        init(_ text: String) {
            values = Dictionary(
                text.split(whereSeparator: \.isNewline).compactMap { line in
                    guard let colon = line.firstIndex(of: ":") else { return nil }
                    return (line[..<colon], line[line.index(after: colon)...])
                }, uniquingKeysWith: { first, _ in first })
        }

        subscript(name: String) -> String? { values[name[...]].map(String.init) }
    }
#endif
