#if SQS
    import Crypto
    import Martlet

    /// AWS Signature Version 4, as far as it is text and hashes: the same input always gives the same signature.
    ///
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    struct SignatureV4: Sendable {
        var credentials: SQSCredentials
        var region: String
        var service = "sqs"

        /// What is signed. All headers given are.
        struct Input: Sendable {
            var method: String
            /// As it is sent.
            var path = "/"
            /// Names and values before they are percent-encoded.
            var query: [(name: String, value: String)] = []
            /// With `host` and `x-amz-date` among them.
            var headers: [(name: String, value: String)]
            var body: [UInt8]
        }

        private static let algorithm = "AWS4-HMAC-SHA256"

        /// The value of the `Authorization` header.
        func authorization(for input: Input, at moment: Timestamp) -> String {
            "\(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope(at: moment)), "
                + "SignedHeaders=\(Self.signedHeaders(input)), Signature=\(signature(for: input, at: moment))"
        }

        func signature(for input: Input, at moment: Timestamp) -> String {
            let key = signingKey(at: moment)
            return Self.hexadecimal(
                HMAC<SHA256>.authenticationCode(for: Array(stringToSign(input, at: moment).utf8), using: key))
        }

        func stringToSign(_ input: Input, at moment: Timestamp) -> String {
            let request = SHA256.hash(data: Array(Self.canonicalRequest(input).utf8))
            return [Self.algorithm, Self.dateTime(moment), scope(at: moment), Self.hexadecimal(request)]
                .joined(separator: "\n")
        }

        /// A key for one day, region and service.
        func signingKey(at moment: Timestamp) -> SymmetricKey {
            var key = SymmetricKey(data: Array(("AWS4" + credentials.secretAccessKey.exposed).utf8))
            for part in [String(Self.date(moment)), region, service, "aws4_request"] {
                key = SymmetricKey(data: HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: key))
            }
            return key
        }

        private func scope(at moment: Timestamp) -> String { "\(Self.date(moment))/\(region)/\(service)/aws4_request" }

        static func canonicalRequest(_ input: Input) -> String {
            let query = input.query
                .map { (percentEncoded($0.name), percentEncoded($0.value)) }
                .sorted { $0 < $1 }
                .map { "\($0)=\($1)" }
                .joined(separator: "&")
            let headers = canonicalHeaders(input).map { "\($0.name):\($0.value)\n" }.joined()
            return [
                input.method, percentEncoded(input.path, keepsSlash: true), query, headers, signedHeaders(input),
                hexadecimal(SHA256.hash(data: input.body)),
            ].joined(separator: "\n")
        }

        private static func signedHeaders(_ input: Input) -> String {
            canonicalHeaders(input).map(\.name).joined(separator: ";")
        }

        /// Lower-case names in order, values without spaces around them and with single ones inside.
        private static func canonicalHeaders(_ input: Input) -> [(name: String, value: String)] {
            input.headers
                .map { ($0.name.lowercased(), $0.value.split(separator: " ").joined(separator: " ")) }
                .sorted { $0.0 < $1.0 }
        }

        /// Everything but the unreserved characters of RFC 3986 becomes `%XX`, with capital digits.
        static func percentEncoded(_ text: String, keepsSlash: Bool = false) -> String {
            let digits = Array("0123456789ABCDEF".utf8)
            var output: [UInt8] = []
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                    UInt8(ascii: "~"):
                    output.append(byte)
                case UInt8(ascii: "/") where keepsSlash: output.append(byte)
                default: output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
                }
            }
            return String(decoding: output, as: UTF8.self)
        }

        /// `20150830T123600Z`, as the header `x-amz-date` has it.
        static func dateTime(_ moment: Timestamp) -> String {
            moment.description.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        }

        private static func date(_ moment: Timestamp) -> Substring { dateTime(moment).prefix(8) }

        static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
            let digits = Array("0123456789abcdef".utf8)
            return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        }
    }
#endif
