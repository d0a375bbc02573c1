import Martlet

/// Where the system of record lives.
package enum StoreLocation: Sendable, Equatable {
    /// A SQLite database in that file.
    case sqlite(path: String)
    /// A PostgreSQL database at that URL, as libpq reads it.
    case postgresql(url: Secret<String>)

    /// The forms this build understands, for error messages.
    #if PostgreSQL
        static let allowedForms = "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    #else
        static let allowedForms = "sqlite:PATH"
    #endif

    /// Reads `store.url`.
    package static func read(_ reader: ConfigurationReader) throws(ConfigurationError) -> StoreLocation {
        let text = try reader.requiredString(.storeURL)
        let scheme = text.prefix { $0 != ":" }
        switch scheme {
        case "sqlite" where text.contains(":"):
            return .sqlite(path: try sqlitePath(text.dropFirst("sqlite:".count), reader))
        case "postgres", "postgresql":
            #if PostgreSQL
                guard text.hasPrefix("\(scheme)://"), !text.contains("\0") else {
                    throw reader.refusal(.storeURL, "must be \(allowedForms)")
                }
                return .postgresql(url: Secret(text))
            #else
                throw reader.refusal(
                    .storeURL, "the engine \(scheme) is not part of this build; allowed is \(allowedForms)")
            #endif
        default:
            throw reader.refusal(.storeURL, "must be \(allowedForms)")
        }
    }

    /// `sqlite:///x` means the file `/x`, as a URL would; `sqlite://x` would be a host, which there is none of.
    private static func sqlitePath(_ rest: Substring, _ reader: ConfigurationReader) throws(ConfigurationError)
        -> String
    {
        let path = rest.hasPrefix("///") ? rest.dropFirst(2) : rest
        guard !path.isEmpty, !path.hasPrefix("//"), !path.hasSuffix("/"), !path.contains("\0"), path != ":memory:"
        else {
            throw reader.refusal(
                .storeURL, "must name a file, such as sqlite:martlet.db or sqlite:/var/lib/martlet/martlet.db")
        }
        return String(path)
    }
}
