import MartletTestSupport

/// One mistake in the house, put there on purpose, to see that the judge notices. Each stands around the core or in the store
/// of the tests: nothing in the product can be switched so.
package enum Mutation: String, Sendable, CaseIterable {
    // In the queue.
    case claimIsNotKept
    case sentIsWrittenBeforeSending
    case tokenIsNotChecked
    case leaseIsIgnored
    case lostClaimsAreNotTakenOver
    case holdCountsAsAttempt
    case priorityIsIgnored
    case expiryIsIgnored
    case recipientPaceIsForgotten

    // In acceptance and the inbox.
    case acceptedBeforeStored
    case jobIsWrittenApart
    case idempotencyKeyIsDropped
    case webhookAnsweredBeforeStored
    case webhookRemovedBeforeApplied

    // In what is known of messages.
    case acknowledgementsGoBack
    case earlyAcknowledgementsAreDropped
    case unknownTakenForTransient
    case holdIsSentAgain
    case duplicateRiskIsForgotten
    case countersDrift

    // In the throttle.
    case bucketIsFilledTwice
    case windowsAreForgottenAtRestart
    case answersFreeThePlaceAtOnce
    case penaltyIsIgnored
    case unusedPermissionsAreKept

    // In what workers share.
    case registerIsNotShared
    case registerWritesBlindly
}

extension Mutation {
    /// Those that sit in the store of the tests.
    var storeFlaws: Set<MemoryStore.Flaw> {
        switch self {
        case .tokenIsNotChecked: [.takesAnyToken]
        case .priorityIsIgnored: [.ignoresPriority]
        case .expiryIsIgnored: [.ignoresExpiry]
        case .recipientPaceIsForgotten: [.forgetsRecipients]
        case .jobIsWrittenApart: [.writesJobsApart]
        case .acknowledgementsGoBack: [.letsStatusGoBack]
        case .earlyAcknowledgementsAreDropped: [.parksNothing]
        case .duplicateRiskIsForgotten: [.forgetsDuplicateRisk]
        case .countersDrift: [.miscounts]
        default: []
        }
    }
}
