#if RabbitMQ
    import Martlet

    /// Where a broker is and who asks there: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, or `amqps://` for TLS.
    ///
    /// Read as <https://www.rabbitmq.com/docs/uri-spec> has it, but that no virtual host means `/`. What is wrong is named
    /// without a word of the URL itself: wherever a sign is out of place, a piece of the password may be anywhere.
    package struct RabbitMQAddress: Sendable, Equatable {
        package let host: String
        package let port: Int
        package let user: String
        package let password: Secret<String>
        package let virtualHost: String
        /// Whether the connection is encrypted, and the broker's certificate held against its name.
        package let isEncrypted: Bool
        /// The file with the certificates that are trusted; nil: the system's.
        package let certificateAuthorities: String?

        private static let remedy =
            "write it as amqp://USER:PASSWORD@HOST:PORT/VHOST, with %XX for / : @ ? # % in the parts"
        private static let lengthMax = 2048

        /// - throws: ``StoreError/Code/unusable``.
        package init(url: String) throws(StoreError) {
            guard url.utf8.count <= Self.lengthMax else { throw Self.wrong("is longer than \(Self.lengthMax) bytes") }
            guard let schemeEnd = url.range(ofText: "://") else {
                throw Self.wrong("does not begin with amqp:// or amqps://")
            }
            switch url[..<schemeEnd.lowerBound].lowercased() {
            case "amqp": isEncrypted = false
            case "amqps": isEncrypted = true
            default: throw Self.wrong("does not begin with amqp:// or amqps://")
            }
            var rest = url[schemeEnd.upperBound...]
            guard !rest.contains("#") else { throw Self.wrong("has a # in it") }

            var query: Substring?
            if let mark = rest.firstIndex(of: "?") {
                query = rest[rest.index(after: mark)...]
                rest = rest[..<mark]
            }
            let slash = rest.firstIndex(of: "/") ?? rest.endIndex
            let path = rest[slash...].dropFirst()
            var authority = rest[..<slash]

            if let at = authority.lastIndex(of: "@") {
                let credentials = authority[..<at]
                authority = authority[authority.index(after: at)...]
                guard !credentials.contains("@") else { throw Self.wrong("has an @ in the user or password") }
                let parts = credentials.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, !parts[1].contains(":") else {
                    throw Self.wrong("has no USER:PASSWORD before its @")
                }
                user = try Self.decoded(parts[0])
                password = Secret(try Self.decoded(parts[1]))
                guard !user.isEmpty else { throw Self.wrong("has no user before its @") }
            } else {
                // What RabbitMQ itself has, and lets in from its own machine alone.
                user = "guest"
                password = Secret("guest")
            }
            (host, port) = try Self.endpoint(authority, standardPort: isEncrypted ? 5671 : 5672)

            guard !path.contains("/") else { throw Self.wrong("has a / in the virtual host") }
            virtualHost = path.isEmpty ? "/" : try Self.decoded(path)

            var authorities: String?
            for parameter in (query ?? "").split(separator: "&") {
                let parts = parameter.split(separator: "=", maxSplits: 1)
                guard parts.count == 2, parts[0] == "cacert", authorities == nil else {
                    throw Self.wrong("has a parameter that is not cacert=PATH")
                }
                authorities = try Self.decoded(parts[1])
            }
            guard authorities == nil || isEncrypted else { throw Self.wrong("has a cacert, but no amqps:// before it") }
            certificateAuthorities = authorities
        }

        private static func endpoint(_ text: Substring, standardPort: Int) throws(StoreError) -> (String, Int) {
            var host = text
            var port: Substring?
            if text.hasPrefix("[") {
                guard let bracket = text.firstIndex(of: "]") else { throw wrong("has no ] after its IPv6 address") }
                host = text[text.index(after: text.startIndex)..<bracket]
                let after = text[text.index(after: bracket)...]
                guard after.isEmpty || after.hasPrefix(":") else { throw wrong("has no port after its IPv6 address") }
                port = after.isEmpty ? nil : after.dropFirst()
            } else if let colon = text.firstIndex(of: ":") {
                host = text[..<colon]
                port = text[text.index(after: colon)...]
            }
            let name = try decoded(host)
            guard !name.isEmpty else { throw wrong("has no host") }
            guard let port else { return (name, standardPort) }
            guard port.count <= 5, port.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
                let number = Int(port), (1...65_535).contains(number)
            else { throw wrong("has a port that is no number from 1 to 65535") }
            return (name, number)
        }

        private static func decoded(_ text: Substring) throws(StoreError) -> String {
            var bytes: [UInt8] = []
            var rest = text.utf8[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "%") else {
                    bytes.append(byte)
                    continue
                }
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal)
                else {
                    throw wrong("has a % without two hexadecimal digits after it")
                }
                bytes.append(high << 4 | low)
            }
            // The client library takes texts up to a NUL.
            guard let decoded = String(validating: bytes, as: UTF8.self), bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw wrong("has control characters or bytes that are not UTF-8 in it") }
            return decoded
        }

        private static func hexadecimal(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }

        private static func wrong(_ what: String) -> StoreError {
            StoreError(.unusable, "queue.url \(what)", remedy: remedy)
        }
    }

    extension String {
        /// The first place of a text in this one.
        fileprivate func range(ofText text: String) -> Range<Index>? {
            var start = startIndex
            while start < endIndex {
                if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
                start = index(after: start)
            }
            return nil
        }
    }
#endif
