#if Kafka
    import Martlet

    /// Where a log is: `kafka://[USER:PASSWORD@]HOST:PORT[,HOST:PORT…][/TOPIC][?sasl=…&tls=…&group=…]`.
    ///
    /// Its description has the brokers and the topic, never the user or the password.
    package struct KafkaAddress: Sendable, Equatable, CustomStringConvertible {
        /// How a client proves who it is (RFC 4616, RFC 5802 and RFC 7677).
        package enum Mechanism: String, Sendable, CaseIterable {
            case plain
            case scramSHA256 = "scram-sha-256"
            case scramSHA512 = "scram-sha-512"
        }

        /// A user and how it proves to be that.
        package struct Credentials: Sendable, Equatable {
            package var mechanism: Mechanism
            package var user: String
            package var password: Secret<String>
        }

        package static let bytesMax = 4096
        package static let brokersMax = 64
        package static let defaultTopic = "martlet-inbox"

        /// `HOST:PORT`, in the order they were given.
        package let brokers: [String]
        package let topic: String
        /// The consumer group, when the URL names one.
        package let group: String?
        package let credentials: Credentials?
        package let usesTLS: Bool

        /// Reads what an operator wrote.
        /// - throws: ``StoreError/Code/unusable`` when it is no such URL; what was written is not repeated.
        package init(url: String) throws(StoreError) {
            guard url.utf8.count <= Self.bytesMax else { throw Self.refusal("is longer than \(Self.bytesMax) bytes") }
            guard url.hasPrefix(Self.scheme) else { throw Self.refusal("does not begin with \(Self.scheme)") }
            var rest = url.dropFirst(Self.scheme.count)
            let query = Self.cut(&rest, at: "?").map { $0.split(separator: "&", omittingEmptySubsequences: false) }
            let path = Self.cut(&rest, at: "/")
            var user: Substring?
            if let at = rest.lastIndex(of: "@") {
                user = rest[..<at]
                rest = rest[rest.index(after: at)...]
            }

            let brokers = rest.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard brokers.count <= Self.brokersMax, brokers.allSatisfy(Self.isBroker) else {
                throw Self.refusal("needs 1 to \(Self.brokersMax) brokers, each HOST:PORT")
            }
            self.brokers = brokers
            topic = path.flatMap { $0.isEmpty ? nil : String($0) } ?? Self.defaultTopic
            guard Self.isName(topic) else {
                throw Self.refusal("names no topic: 1 to 249 letters, digits, dots, dashes and underscores")
            }

            var parameters: [Substring: Substring] = [:]
            for parameter in query ?? [] {
                let parts = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2, ["sasl", "tls", "group"].contains(parts[0]),
                    parameters.updateValue(parts[1], forKey: parts[0]) == nil
                else { throw Self.refusal("takes sasl=, tls= and group= after the question mark, each once") }
            }
            guard ["true", "false", nil].contains(parameters["tls"]) else {
                throw Self.refusal("needs true or false after tls=")
            }
            usesTLS = parameters["tls"] == "true"
            group = parameters["group"].map(String.init)
            guard group.map(Self.isName) ?? true else {
                throw Self.refusal("names no group: 1 to 249 letters, digits, dots, dashes and underscores")
            }
            credentials = try Self.credentials(user, mechanism: parameters["sasl"])
        }

        package var description: String { "\(Self.scheme)\(brokers.joined(separator: ","))/\(topic)" }

        private static let scheme = "kafka://"

        private static func refusal(_ reason: String) -> StoreError {
            StoreError(
                .unusable, "the URL \(reason)",
                remedy: "write it as kafka://HOST:PORT,HOST:PORT/TOPIC, with USER:PASSWORD@ before the hosts and "
                    + "?sasl=scram-sha-512&tls=true behind the topic where the brokers want it")
        }

        /// Takes what is behind the first such character, and the character, off the text.
        private static func cut(_ text: inout Substring, at character: Character) -> Substring? {
            guard let index = text.firstIndex(of: character) else { return nil }
            defer { text = text[..<index] }
            return text[text.index(after: index)...]
        }

        private static func credentials(_ user: Substring?, mechanism: Substring?) throws(StoreError) -> Credentials? {
            guard let mechanism else {
                guard user == nil else { throw refusal("names a user, and not with sasl= how it proves to be that") }
                return nil
            }
            guard let known = Mechanism(rawValue: String(mechanism)) else {
                throw refusal("needs plain, scram-sha-256 or scram-sha-512 after sasl=")
            }
            let parts = user?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false) ?? []
            guard parts.count == 2, let name = decoded(parts[0]), let password = decoded(parts[1]), !name.isEmpty,
                !password.isEmpty
            else { throw refusal("needs USER:PASSWORD@ before the hosts for sasl=, other characters as %XX") }
            return Credentials(mechanism: known, user: name, password: Secret(password))
        }

        /// Percent-decodes (RFC 3986, section 2.1); nil when that leaves no text that can be handed to C.
        private static func decoded(_ text: Substring) -> String? {
            var bytes: [UInt8] = []
            var rest = text.utf8[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "%") else {
                    bytes.append(byte)
                    continue
                }
                let digits = rest.prefix(2)
                guard digits.count == 2, digits.allSatisfy({ isDigit($0) || isLetter($0) }),
                    let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
                else { return nil }
                bytes.append(value)
                rest = rest.dropFirst(2)
            }
            return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
        }

        /// What Kafka takes for a topic's name.
        private static func isName(_ text: String) -> Bool {
            (1...249).contains(text.utf8.count) && text != "." && text != ".."
                && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || Array("._-".utf8).contains($0) }
        }

        /// A host's name, an IPv4 address or an IPv6 address in brackets, then a port.
        private static func isBroker(_ text: String) -> Bool {
            guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")) else { return false }
            let port = text.utf8[text.utf8.index(after: colon)...]
            guard (1...5).contains(port.count), port.allSatisfy(isDigit),
                (1...65_535).contains(port.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) })
            else { return false }
            var host = text.utf8[..<colon]
            if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
                host = host.dropFirst().dropLast()
                return host.contains(UInt8(ascii: ":"))
                    && host.allSatisfy { isDigit($0) || (0x61...0x66).contains($0 | 0x20) || $0 == UInt8(ascii: ":") }
            }
            return (1...253).contains(host.count)
                && host.allSatisfy { isLetter($0) || isDigit($0) || Array("._-".utf8).contains($0) }
        }

        private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
        private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    }
#endif
