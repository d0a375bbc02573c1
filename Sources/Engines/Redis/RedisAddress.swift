#if Redis
    import Foundation
    import Martlet

    /// Where a Redis server is and how to sign in: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`.
    ///
    /// Checks the form alone and asks nobody, so that the configuration can be read without a server.
    package struct RedisAddress: Sendable, Equatable {
        /// A name or an IP address, IPv6 without its brackets.
        package let host: String
        package let port: Int
        /// Nil for the server's default user.
        package let user: String?
        package let password: Secret<String>?
        /// The number of the logical database.
        package let database: Int

        package static let bytesMax = 2048
        private static let form = "write it as redis://:PASSWORD@HOST:PORT/DATABASE, percent-encoding what is special"

        /// - throws: ``StoreError/Code/unusable`` with what is wrong, which never quotes the URL: it may hold a password.
        package init(url: String) throws(StoreError) {
            guard url.utf8.count <= Self.bytesMax else {
                throw Self.wrong("is longer than \(Self.bytesMax) bytes")
            }
            let lowercase = url.prefix(9).lowercased()
            if lowercase.hasPrefix("rediss:") {
                throw StoreError(
                    .unusable, "the Redis URL asks for TLS (rediss://), which the client library does not have",
                    remedy:
                        "reach the server through a private network or a TLS tunnel, and name its near end as redis://")
            }
            guard lowercase.hasPrefix("redis://") else { throw Self.wrong("does not begin with redis://") }
            guard url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw Self.wrong("holds a space or another character that must be percent-encoded")
            }
            var rest = url.dropFirst("redis://".count)
            guard !rest.contains("?"), !rest.contains("#") else {
                throw Self.wrong("has a '?' or '#', but takes no options; in a password, percent-encode them")
            }
            var credentials: Substring?
            // The last one, so that what is before it is never taken for the host, and shown.
            if let at = rest.lastIndex(of: "@") {
                credentials = rest[..<at]
                rest = rest[rest.index(after: at)...]
            }
            (user, password) = try Self.credentials(credentials)
            let slash = rest.firstIndex(of: "/")
            database = try Self.database(slash.map { rest[rest.index(after: $0)...] } ?? "")
            (host, port) = try Self.place(slash.map { rest[..<$0] } ?? rest)
        }

        private static func wrong(_ what: String) -> StoreError {
            StoreError(.unusable, "the Redis URL \(what)", remedy: form)
        }

        private static func credentials(_ text: Substring?) throws(StoreError) -> (String?, Secret<String>?) {
            guard let text else { return (nil, nil) }
            guard !text.contains("/"), !text.contains("@") else {
                throw wrong("has a '/' or '@' in its user or password that is not percent-encoded")
            }
            guard let colon = text.firstIndex(of: ":") else {
                throw wrong("names a user without a password; a password alone follows a colon")
            }
            guard let user = text[..<colon].removingPercentEncoding,
                let password = text[text.index(after: colon)...].removingPercentEncoding
            else { throw wrong("has a percent sign in its user or password that begins no escape") }
            guard !password.isEmpty else { throw wrong("has an empty password") }
            return (user.isEmpty ? nil : user, Secret(password))
        }

        private static func database(_ text: Substring) throws(StoreError) -> Int {
            guard !text.isEmpty else { return 0 }
            guard text.utf8.count <= 4, text.utf8.allSatisfy(isDigit), let number = Int(text) else {
                throw wrong("names a database that is no number from 0 to 9999")
            }
            return number
        }

        private static func place(_ text: Substring) throws(StoreError) -> (String, Int) {
            let host: Substring
            var port: Substring?
            if text.hasPrefix("[") {
                guard let end = text.firstIndex(of: "]") else { throw wrong("has a '[' without a ']'") }
                host = text[text.index(after: text.startIndex)..<end]
                let rest = text[text.index(after: end)...]
                guard rest.isEmpty || rest.hasPrefix(":") else {
                    throw wrong("has something else than a port after ']'")
                }
                if !rest.isEmpty { port = rest.dropFirst() }
                guard host.contains(":"),
                    host.utf8.allSatisfy({ isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
                else { throw wrong("has no IPv6 address between its brackets") }
            } else {
                let colon = text.firstIndex(of: ":")
                host = colon.map { text[..<$0] } ?? text
                port = colon.map { text[text.index(after: $0)...] }
                guard host.utf8.allSatisfy({ isDigit($0) || isLetter($0) || "-._".utf8.contains($0) }) else {
                    throw wrong("has a character in its host that no host's name has")
                }
            }
            guard !host.isEmpty, host.utf8.count <= 255 else { throw wrong("names no host") }
            guard let port else { return (String(host), 6379) }
            guard (1...5).contains(port.utf8.count), port.utf8.allSatisfy(isDigit), let number = Int(port),
                (1...65_535).contains(number)
            else { throw wrong("has a port that is no number from 1 to 65535") }
            return (String(host), number)
        }

        private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

        private static func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }

        private static func isHexadecimal(_ byte: UInt8) -> Bool {
            isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
        }
    }
#endif
