#if SQS
    import Martlet

    /// Where the queues are: `sqs://HOST[:PORT]/QUEUE?region=REGION[&tls=false]`.
    ///
    /// The host is AWS's (`sqs.eu-central-1.amazonaws.com`) or any service's that speaks the protocol. The names of the queues
    /// begin with QUEUE.
    package struct SQSAddress: Sendable, Equatable {
        /// The host, in brackets when it is an IPv6 address.
        package let host: String
        /// Nil for the scheme's own.
        package let port: Int?
        /// What the names of the queues begin with.
        package let queue: String
        /// As AWS names it, such as `eu-central-1`; part of every signature.
        package let region: String
        /// Whether the connection is encrypted and the host's certificate checked.
        package let usesTLS: Bool

        static let urlBytesMax = 2048
        static let regionBytesMax = 64
        /// A queue's name has 80 characters at most, and the longest that is added has 13.
        /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>
        static let queueBytesMax = 67

        private static let form = "write it as sqs://HOST[:PORT]/QUEUE?region=REGION[&tls=false]"

        /// - throws: ``StoreError/Code/unusable``, with what is wrong; the URL itself is not repeated.
        package init(url: String) throws(StoreError) {
            guard url.utf8.count <= Self.urlBytesMax else {
                throw Self.problem("is longer than \(Self.urlBytesMax) bytes")
            }
            let scheme = "sqs://"
            guard url.hasPrefix(scheme) else { throw Self.problem("does not begin with \(scheme)") }
            let rest = url.dropFirst(scheme.count)
            guard !rest.contains("#") else { throw Self.problem("has a fragment") }
            let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            let place = parts[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)

            let authority = String(place[0])
            guard !authority.contains("@") else {
                throw StoreError(
                    .unusable, "queue.url has a user in it",
                    remedy: "give the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead")
            }
            guard WebAddress("https://" + authority) != nil else { throw Self.problem("has no valid host") }
            let hostEnd = authority.lastIndex(of: "]").map { authority.index(after: $0) } ?? authority.startIndex
            if let colon = authority[hostEnd...].firstIndex(of: ":") {
                host = String(authority[..<colon])
                port = Int(authority[authority.index(after: colon)...])
            } else {
                host = authority
                port = nil
            }

            queue = place.count == 2 ? String(place[1]) : ""
            guard !queue.isEmpty else { throw Self.problem("names no queue") }
            guard queue.utf8.count <= Self.queueBytesMax, queue.utf8.allSatisfy({ Self.isNameByte($0) || $0 == 0x5F })
            else {
                throw Self.problem(
                    "has a queue that is not made of up to \(Self.queueBytesMax) letters, digits, hyphens and underscores"
                )
            }
            (region, usesTLS) = try Self.parameters(parts.count == 2 ? parts[1] : "")
        }

        private static func parameters(_ query: Substring) throws(StoreError) -> (region: String, usesTLS: Bool) {
            var region: String?
            var usesTLS: Bool?
            for parameter in query.split(separator: "&") {
                let pair = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let value = pair.count == 2 ? String(pair[1]) : ""
                switch pair[0] {
                case "region":
                    guard region == nil else { throw problem("names the region twice") }
                    guard (1...regionBytesMax).contains(value.utf8.count), value.utf8.allSatisfy(isNameByte) else {
                        throw problem("has a region that is not made of letters, digits and hyphens")
                    }
                    region = value
                case "tls":
                    guard usesTLS == nil else { throw problem("says twice whether to use TLS") }
                    guard value == "true" || value == "false" else {
                        throw problem("has a tls that is not true or false")
                    }
                    usesTLS = value == "true"
                default: throw problem("has a parameter that is not known; allowed are region and tls")
                }
            }
            guard let region else { throw problem("has no region") }
            return (region, usesTLS ?? true)
        }

        private static func problem(_ text: String) -> StoreError {
            StoreError(.unusable, "queue.url \(text)", remedy: form)
        }

        private static func isNameByte(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                true
            default: false
            }
        }

        /// Host and port as they stand in the `Host` header and in what is signed: a port that is the scheme's own is left out.
        var authority: String {
            guard let port, port != (usesTLS ? 443 : 80) else { return host }
            return "\(host):\(port)"
        }

        /// Where requests go. What queue they mean is said inside of them.
        var endpoint: String { "\(usesTLS ? "https" : "http")://\(authority)/" }
    }
#endif
