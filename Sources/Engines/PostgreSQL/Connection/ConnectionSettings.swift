#if PostgreSQL
    import CPostgreSQL
    import Martlet

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// How a database is reached: the URL as libpq reads it, and what holds where the URL says nothing.
    struct ConnectionSettings: Sendable {
        /// `postgres://…`, with libpq's own parameters (`sslmode` among them); may hold a password.
        private let url: Secret<String>

        /// - throws: ``StoreError/Code/unusable`` when libpq cannot read the URL. Its own words are kept back: they may quote
        ///   the password.
        init(url: String) throws(StoreError) {
            guard let options = PQconninfoParse(url, nil) else {
                throw StoreError(
                    .unusable, "store.url is no URL that libpq can read",
                    remedy: "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full")
            }
            PQconninfoFree(options)
            self.url = Secret(url)
        }

        /// What stands before the URL, so that the URL can say otherwise. A peer that is gone without a word is noticed within
        /// ten to twenty seconds: a thread waits for it that long.
        private static let defaults = [
            ("application_name", "martlet"), ("connect_timeout", "5"), ("keepalives", "1"), ("keepalives_idle", "5"),
            ("keepalives_interval", "3"), ("keepalives_count", "3"), ("tcp_user_timeout", "15000"),
        ]
        /// What holds whatever the URL says.
        private static let fixed = [("client_encoding", "UTF8")]

        /// Blocks until there is a connection, or until it is clear that there is none.
        func connect() throws(SQLFailure) -> OpaquePointer {
            let settings = Self.defaults + [("dbname", url.exposed)] + Self.fixed
            let names = settings.map { strdup($0.0) } + [nil]
            let values = settings.map { strdup($0.1) } + [nil]
            defer { for text in names + values { free(text) } }
            let handle = names.map { UnsafePointer($0) }.withUnsafeBufferPointer { names in
                values.map { UnsafePointer($0) }.withUnsafeBufferPointer { values in
                    PQconnectdbParams(names.baseAddress, values.baseAddress, 1)
                }
            }
            guard let handle else {
                throw SQLFailure(state: "", message: "no memory for a connection", isConnectionLost: true)
            }
            // libpq would write the server's notices to standard error; what matters comes as a failure, too.
            PQsetNoticeProcessor(handle, { _, _ in }, nil)
            guard PQstatus(handle) == CONNECTION_OK else {
                defer { PQfinish(handle) }
                throw SQLFailure(state: "", message: Self.reason(handle), isConnectionLost: true)
            }
            return handle
        }

        /// The last of libpq's sentences that is no hint: those before tell of addresses that were tried.
        private static func reason(_ handle: OpaquePointer) -> String {
            let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
            return text.split(separator: "\n").last { !$0.hasPrefix("\t") }.map(String.init) ?? "cannot connect"
        }
    }
#endif
