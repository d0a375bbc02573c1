extension MessageChange {
    /// Applies what a look-up found, all but the state by the provider: that comes after what webhooks have told, who know
    /// when each step happened, by ``acknowledge(_:at:detail:)``.
    /// - Parameters:
    ///   - tries: how often it was asked.
    ///   - attemptStartedAt: when the attempt in question began.
    package mutating func settle(_ settlement: LookUpSettlement, tries: Int, attemptStartedAt: Timestamp) {
        if settlement.isWorthAnEntry { note(.lookedUp, detail: settlement.detail) }
        let isKnown = settlement.submissionID != nil || settlement.messageID != nil || settlement.level != nil
        if before.message.status == .queued, isKnown {
            becomeSent(submissionID: settlement.submissionID, messageID: settlement.messageID)
        } else {
            bind(submissionID: settlement.submissionID, messageID: settlement.messageID)
        }
        // Set before a level is applied: a final status removes the look-up whatever comes next.
        lookUp = .remove
        if let next = settlement.next {
            lookUp = .schedule(
                next.purpose, at: next.at, tries: next.purpose == settlement.purpose ? tries : 0,
                attemptStartedAt: attemptStartedAt)
        }
    }
}
