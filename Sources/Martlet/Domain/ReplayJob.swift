/// Which dead letters are meant; what is nil does not matter.
package struct DeadLetterFilter: Sendable, Equatable {
    package var recipient: PhoneNumber?
    /// Matches the WhatsApp id or the submission id.
    package var providerMessageID: String?
    package var channel: ChannelID?
    /// Created at or after.
    package var since: Timestamp?
    /// Created before.
    package var until: Timestamp?
    /// How the code of `error_reason` begins.
    package var reason: String?

    package init() {}
}

/// How many dead letters a filter meets.
package struct DeadLetterCount: Sendable, Equatable {
    package var matched: Int
    /// Those among them that are past their expiry.
    package var expired: Int

    package init(matched: Int, expired: Int) {
        self.matched = matched
        self.expired = expired
    }
}

/// What a bulk replay changes in every message it takes.
package struct BulkCorrection: Sendable, Equatable {
    /// How numbers that are wrong in the same way are put right.
    package struct NumberPrefix: Sendable, Equatable {
        /// What a number begins with, plus sign included; one that begins otherwise stays as it is.
        package var wrong: String
        /// What it is to begin with instead.
        package var right: String

        package init(wrong: String, right: String) {
            self.wrong = wrong
            self.right = right
        }
    }

    package var numberPrefix: NumberPrefix?
    /// Members laid over the content there is; null removes one.
    package var payload: JSONObject?

    package init(numberPrefix: NumberPrefix? = nil, payload: JSONObject? = nil) {
        self.numberPrefix = numberPrefix
        self.payload = payload
    }

    /// Reads what is stored of a job's: each part in a column of its own, the payload as JSON.
    /// - throws: ``StoreError/Code/unusable`` when the stored JSON is none.
    package init(of job: ReplayID, wrongPrefix: String?, rightPrefix: String?, payload: String?) throws(StoreError) {
        if let wrongPrefix, let rightPrefix {
            numberPrefix = NumberPrefix(wrong: wrongPrefix, right: rightPrefix)
        }
        self.payload = try payload.map { (text) throws(StoreError) in
            try JSONObject(stored: text, of: "bulk replay \(job)")
        }
    }
}

/// A bulk replay: the dead letters that met a filter when it began are queued again, paced, each at most once.
package struct ReplayJob: Sendable, Equatable {
    package enum Status: String, Sendable, CaseIterable {
        case running, finished, cancelled
    }

    package var id: ReplayID
    package var tenantID: TenantID
    package var filter: DeadLetterFilter
    /// Messages queued again in a second, at most.
    package var perSecond: Double
    /// Whether what is past its expiry is sent all the same, its expiry taken away.
    package var includeExpired: Bool
    package var correction: BulkCorrection
    package var status = Status.running
    /// How many met the filter when the job began.
    package var matched: Int
    package var replayed = 0
    /// Expired, or no longer in the dead-letter queue when their turn came.
    package var skipped = 0
    /// Could not be replayed, by ``lastFailure``'s kind; they stay in the dead-letter queue.
    package var failed = 0
    /// The last message that could not be replayed, and why.
    package var lastFailure: String?
    /// Messages that were dead-lettered later are none of this job's.
    package var createdAt: Timestamp
    package var finishedAt: Timestamp?
    /// The last message that had its turn.
    package var cursor: MessageID?

    /// What a job aims at when it is not told.
    package static let perSecondDefault: Double = 50
    /// What may be asked for.
    package static let perSecondRange: ClosedRange<Double> = 0.1...1000
    /// Jobs of one tenant that may run at a time.
    package static let runningMax = 10

    package init(
        id: ReplayID, tenantID: TenantID, filter: DeadLetterFilter, perSecond: Double = ReplayJob.perSecondDefault,
        includeExpired: Bool = false, correction: BulkCorrection = BulkCorrection(), matched: Int, createdAt: Timestamp
    ) {
        self.id = id
        self.tenantID = tenantID
        self.filter = filter
        self.perSecond = perSecond
        self.includeExpired = includeExpired
        self.correction = correction
        self.matched = matched
        self.createdAt = createdAt
    }

    /// Whether a message is in the job's hands: in the dead-letter queue, and since before the job began.
    package func takes(_ message: Message) -> Bool {
        message.tenantID == tenantID && message.deadLetteredAt.map { $0 <= createdAt } ?? false
    }

    /// Counts a message that could not be replayed.
    mutating func countFailure(of message: MessageID, _ reason: String) {
        failed += 1
        lastFailure = "\(message): \(reason)"
    }

    /// Every message had its turn. What matched and was not met on the way had left the dead-letter queue by then.
    package mutating func finish(at now: Timestamp) {
        status = .finished
        finishedAt = now
        skipped = max(skipped, matched - replayed - failed)
        // One whose dead-lettering was being stored while the job's were counted was taken, too.
        matched = replayed + skipped + failed
    }

    /// Nothing more is taken; what is queued stays queued.
    package mutating func cancel(at now: Timestamp) {
        status = .cancelled
        finishedAt = now
    }
}
