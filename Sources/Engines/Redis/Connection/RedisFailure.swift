#if Redis
    import Martlet

    /// Why a command failed.
    enum RedisFailure: Error {
        /// The server's own sentence.
        case refused(String)
        /// Nothing more can be done on this connection, and nobody knows whether the command was carried out.
        case connectionLost(String, isTimeout: Bool)
        /// The command was not handed to the server.
        case notSent(StoreError)

        /// The code that begins the server's sentence; empty when there is none.
        var code: Substring {
            guard case .refused(let sentence) = self else { return "" }
            return sentence.prefix { $0 != " " }
        }

        /// Whether another server may have to be found under the same name, or this one be left in peace for a moment.
        var endsConnection: Bool {
            switch self {
            case .refused: ["READONLY", "LOADING", "MASTERDOWN", "NOAUTH"].contains(code)
            case .connectionLost: true
            case .notSent: false
            }
        }

        /// In the ports' terms.
        var storeError: StoreError {
            switch self {
            case .notSent(let error): error
            case .connectionLost(let reason, _):
                StoreError(.unavailable, "Redis: \(reason)", remedy: Self.reachability)
            case .refused(let sentence): Self.meaning(of: code, Self.harmless(sentence))
            }
        }

        static let reachability = "see that the Redis server of the URL runs and can be reached from here"

        /// The sentence without what it may quote of the command, and without the place in a script.
        private static func harmless(_ sentence: String) -> String {
            var end = sentence.endIndex
            for marker in [", with args", " script: ", ": '"] {
                if let range = sentence.firstRange(of: marker) { end = min(end, range.lowerBound) }
            }
            return String(sentence[..<end].prefix(200))
        }

        /// https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors names no list: these are the codes in
        /// the server's source that tell of its state rather than of a wrong command.
        private static func meaning(of code: Substring, _ sentence: String) -> StoreError {
            switch code {
            case "LOADING":
                StoreError(
                    .unavailable, "Redis is loading its data", remedy: "wait until the server has read its files")
            case "READONLY":
                StoreError(
                    .unavailable, "Redis: \(sentence)", remedy: "name the primary in the URL: this server is a replica")
            case "MISCONF":
                StoreError(
                    sentence.contains("No space left") ? .full : .unavailable, "Redis: \(sentence)",
                    remedy: "the server cannot write its files: see its log, and make room on its disk")
            case "OOM":
                StoreError(
                    .unavailable, "Redis has no memory left under its maxmemory",
                    remedy: "raise maxmemory, or remove what else is in the server")
            case "NOAUTH", "WRONGPASS":
                StoreError(
                    .unavailable, "Redis does not take the user and password of the URL",
                    remedy: "check the user and the password in the URL")
            // Of a script, the server says it without that code (7.0), or with other words (7.2).
            case _
            where code == "NOPERM" || sentence.contains("user executing the script can't")
                || sentence.contains("ACL failure in script"):
                StoreError(
                    .unusable, "Redis: \(sentence)",
                    remedy: "give the user the rights that docs/redis.md names, on keys with the prefix martlet:")
            case "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN": clusterError
            case "WRONGTYPE":
                StoreError(
                    .unusable, "a key in Redis holds something else than is expected",
                    remedy: "give the gateway a database of its own in the URL")
            default: StoreError(.unavailable, "Redis: \(sentence)")
            }
        }

        static let clusterError = StoreError(
            .unusable, "the Redis server is part of a Redis Cluster, which is not supported",
            remedy: "name a server that is not run with cluster-enabled")
    }
#endif
