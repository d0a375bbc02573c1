#if SQS
    import Martlet

    /// The keys requests are signed with, from the variables that every AWS tool reads.
    package struct SQSCredentials: Sendable, Equatable {
        package let accessKeyID: String
        package let secretAccessKey: Secret<String>
        /// Only with temporary keys.
        package let sessionToken: Secret<String>?

        static let keyBytesMax = 512
        /// AWS says that a token's size is not fixed; those that are known stay below half of this.
        static let tokenBytesMax = 8192

        package init(accessKeyID: String, secretAccessKey: Secret<String>, sessionToken: Secret<String>? = nil) {
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
            self.sessionToken = sessionToken
        }

        /// - throws: ``StoreError/Code/unusable``, naming the variable that is missing or cannot be a key.
        package init(environment: [String: String]) throws(StoreError) {
            accessKeyID = try Self.required("AWS_ACCESS_KEY_ID", environment)
            secretAccessKey = Secret(try Self.required("AWS_SECRET_ACCESS_KEY", environment))
            sessionToken = try Self.optional("AWS_SESSION_TOKEN", environment, bytesMax: Self.tokenBytesMax)
                .map { Secret($0) }
        }

        private static func required(_ name: String, _ environment: [String: String]) throws(StoreError) -> String {
            guard let value = try optional(name, environment, bytesMax: keyBytesMax) else {
                throw StoreError(
                    .unusable, "\(name) is not set",
                    remedy: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN with temporary keys"
                )
            }
            return value
        }

        /// A key stands in a header line, or signs one: nothing that could end the line may be in it.
        private static func optional(
            _ name: String, _ environment: [String: String], bytesMax: Int
        ) throws(StoreError) -> String? {
            guard let value = environment[name], !value.isEmpty else { return nil }
            guard value.utf8.count <= bytesMax, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw StoreError(
                    .unusable, "\(name) is no key: up to \(bytesMax) printable ASCII characters without spaces",
                    remedy: "look for a line break or a quotation mark in \(name)")
            }
            return value
        }
    }
#endif
