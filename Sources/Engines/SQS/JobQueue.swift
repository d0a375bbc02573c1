#if SQS
    import Martlet

    /// One of the queues the notices are in.
    enum JobQueue: Sendable, Hashable, CaseIterable {
        case high, normal, low
        /// What could not be read, what was received too often, and word of messages that failed for good.
        case deadLetters

        init(_ priority: Priority) {
            switch priority {
            case .high: self = .high
            case .normal: self = .normal
            case .low: self = .low
            }
        }

        /// Those with notices, high priority first.
        static let byPriority = Priority.allCases.map(JobQueue.init)

        /// The queue's name, after what the names begin with.
        func name(in address: SQSAddress) -> String {
            switch self {
            case .high: "\(address.queue)-high"
            case .normal: "\(address.queue)-normal"
            case .low: "\(address.queue)-low"
            case .deadLetters: "\(address.queue)-dead-letters"
            }
        }
    }

    /// The limits that SQS sets and the attributes that are chosen within them.
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-quotas.html>
    enum JobQueueRules {
        /// The longest that a message may wait before it can be received.
        static let delayMax: Duration = .seconds(900)
        /// Messages of one request.
        static let batchMax = 10
        /// How long a notice stays with its receiver. A minute is promised; the rest is for the way there and for waiting here.
        static let visibility: Duration = .seconds(90)
        static let visibilityPromised: Duration = .seconds(60)
        /// What the way of an answer may take off the visibility.
        static let visibilityMargin: Duration = .seconds(5)
        /// Received so often and still there: it does no good.
        static let receivesMax = 20
        /// The store has every job; a notice that is four days old is of no use.
        static let retention: Duration = .seconds(4 * 86_400)
        /// The longest that SQS keeps anything.
        static let deadLetterRetention: Duration = .seconds(14 * 86_400)
        /// A notice has about 150 bytes.
        static let messageBytesMax = 4096
        /// A dead letter, in Unicode scalars: a message may have 256 KiB, a scalar four bytes.
        static let deadLetterScalarsMax = 60_000

        /// As CreateQueue takes them.
        /// - parameter deadLetters: the ARN of the queue for dead letters; nil for that one itself.
        static func attributes(deadLetters: String?) -> JSONObject {
            guard let deadLetters else {
                return ["MessageRetentionPeriod": .string(String(deadLetterRetention.components.seconds))]
            }
            let redrive: JSONObject = [
                "deadLetterTargetArn": .string(deadLetters), "maxReceiveCount": .integer(Int64(receivesMax)),
            ]
            return [
                "MessageRetentionPeriod": .string(String(retention.components.seconds)),
                "MaximumMessageSize": .string(String(messageBytesMax)),
                "VisibilityTimeout": .string(String(visibility.components.seconds)),
                "RedrivePolicy": .string(redrive.encodedText),
            ]
        }
    }
#endif
