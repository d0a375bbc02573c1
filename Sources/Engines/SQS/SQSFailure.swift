#if SQS
    import Martlet

    /// Why a request, or one entry of it, was not carried out.
    struct SQSFailure: Error, Sendable {
        enum Kind: Sendable, Equatable {
            /// Away, overloaded, or too busy for us: the same request may succeed in a moment.
            case transient
            /// The clocks differ: the signature is too old, or of the future.
            case skewed
            /// There is no such queue.
            case missingQueue
            /// There is a queue of that name with other attributes.
            case queueExists
            /// The keys are wrong, or not allowed to do this.
            case denied
            /// The service does not take the request as it is.
            case refused
        }

        var kind: Kind
        /// The service's own code, or what happened in a word or two.
        var code: String
        /// The service's own words, cut short; empty where they might repeat what is secret.
        var detail: String
        /// What was asked for, such as `CreateQueue`, where that was a request of its own.
        var action: String?
        /// Whether the clock was set by the answer, so that the same request may succeed at once.
        var isClockSet = false

        static let detailScalarsMax = 300

        init(_ kind: Kind, code: String, detail: String = "") {
            self.kind = kind
            self.code = code
            self.detail = String(detail.prefix { !$0.isNewline }).cut(to: Self.detailScalarsMax)
        }

        /// Reads an answer that is no success. The code comes in several spellings: the JSON protocol's own, and the older one
        /// in a header of its own. <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html>
        init(status: Int, code: String?, detail: String) {
            let code = code.map(Self.shortened) ?? "HTTP \(status)"
            let kind: Kind =
                if Self.missingQueueCodes.contains(code) {
                    .missingQueue
                } else if Self.queueExistsCodes.contains(code) {
                    .queueExists
                } else if Self.clockCodes.contains(code) {
                    .skewed
                } else if Self.transientCodes.contains(code) || status >= 500 || status == 429 || status == 408 {
                    .transient
                } else if Self.deniedCodes.contains(code) || status == 401 || status == 403 {
                    .denied
                } else {
                    .refused
                }
            // What the service says of a signature repeats the signed headers, with the session token among them.
            self.init(kind, code: code, detail: Self.clockCodes.contains(code) ? "" : detail)
        }

        /// `com.amazonaws.sqs#QueueDoesNotExist` and `AWS.SimpleQueueService.NonExistentQueue;Sender` without what stands
        /// around the name.
        static func shortened(_ code: String) -> String {
            let name = code.prefix { $0 != ";" && $0 != ":" }.split(separator: "#").last ?? ""
            return String(name.split(separator: ".").last ?? "unknown").cut(to: 80)
        }

        private static let missingQueueCodes: Set<String> = ["QueueDoesNotExist", "NonExistentQueue"]
        private static let queueExistsCodes: Set<String> = ["QueueNameExists", "QueueAlreadyExists"]
        private static let clockCodes: Set<String> = [
            "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException",
            "SignatureDoesNotMatch",
        ]
        /// A queue's name is free a minute after it was deleted.
        private static let transientCodes: Set<String> = [
            "RequestThrottled", "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
            "TooManyRequestsException", "KmsThrottled", "RequestTimeout", "RequestTimeoutException", "InternalError",
            "InternalFailure", "ServiceUnavailable", "OverLimit", "QueueDeletedRecently", "SlowDown",
        ]
        private static let deniedCodes: Set<String> = [
            "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException",
            "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSecurity",
            "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "UnrecognizedClientException",
        ]

        /// Whether the keys were good until they ended.
        var areKeysOver: Bool { code == "ExpiredToken" || code == "ExpiredTokenException" }

        /// As the port tells it. Everything may pass once somebody has acted, or by itself.
        /// - parameter step: what was to be done, for a failure that does not tell.
        func storeError(doing step: String) -> StoreError {
            let action = action ?? step
            let reason = detail.isEmpty ? code : "\(code): \(detail)"
            let remedy: String? =
                switch kind {
                case .transient: nil
                case .skewed: "check the machine's clock, AWS_SECRET_ACCESS_KEY and the region in queue.url"
                case .denied:
                    "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, and that they allow sqs:\(action)"
                case .missingQueue: "create the queues as docs/sqs.md says, or allow sqs:CreateQueue"
                case .queueExists, .refused: "see what docs/sqs.md says of the queues"
                }
            return StoreError(.unavailable, "\(action) failed, \(reason)", remedy: remedy)
        }
    }
#endif
