#if PostgreSQL
    import CPostgreSQL
    import Martlet

    /// Why a statement failed. Carries the server's own sentence, never its details, which may quote a row.
    struct SQLFailure: Error {
        /// Five characters (https://www.postgresql.org/docs/current/errcodes-appendix.html); empty when the connection broke.
        var state: String
        var message: String
        /// Nothing more can be done on this connection.
        var isConnectionLost: Bool
        /// It is not known whether what was to be committed is.
        var isCommitInDoubt = false

        init(state: String, message: String, isConnectionLost: Bool) {
            self.state = state
            self.message = message
            self.isConnectionLost = isConnectionLost
        }

        /// Reads a result that says that its statement failed.
        init(_ result: OpaquePointer, isConnectionLost: Bool) {
            let field = { (code: Int32) in PQresultErrorField(result, code).map { String(cString: $0) } }
            state = field(Int32(UInt8(ascii: "C"))) ?? ""
            message = field(Int32(UInt8(ascii: "M"))) ?? "the connection to PostgreSQL broke"
            // Class 57P: the server is going down, or comes up, or an administrator has ended this connection.
            self.isConnectionLost = isConnectionLost || state.hasPrefix("57P")
        }

        /// Another transaction was in the way, or the connection was stale: the same once more may well succeed.
        var isWorthAnotherTry: Bool {
            !isCommitInDoubt && (isConnectionLost || state == "40001" || state == "40P01")
        }

        /// In the ports' terms.
        var storeError: StoreError {
            switch state {
            case "": StoreError(.unavailable, "PostgreSQL: \(message)", remedy: Self.reachability)
            case "53100":
                StoreError(.full, "PostgreSQL: \(message)", remedy: "make room on the disk of the database server")
            case "53300":
                StoreError(
                    .unavailable, "PostgreSQL: \(message)",
                    remedy: "raise max_connections of the server, or run fewer processes")
            case "23505": StoreError(.conflict, message)
            case "42501":
                StoreError(
                    .unusable, "PostgreSQL: \(message)",
                    remedy: "let the role of store.url own the database, or a schema of its own in its search_path")
            case "25006":
                StoreError(
                    .unavailable, "PostgreSQL: \(message)",
                    remedy:
                        "name the primary in store.url; target_session_attrs=read-write finds it among several hosts")
            case let state where state.hasPrefix("28") || state == "3D000":
                StoreError(
                    .unavailable, "PostgreSQL: \(message)",
                    remedy: "check the user, the password and the database in store.url")
            case let state where state.hasPrefix("42") || state.hasPrefix("3F") || state.hasPrefix("22"):
                StoreError(.unusable, "the database does not have the expected schema (\(state): \(message))")
            default: StoreError(.unavailable, "PostgreSQL: \(message) (\(state))")
            }
        }

        static let reachability = "see that the server of store.url runs and can be reached from here"
    }
#endif
