extension ReplayJob {
    /// Whether a step goes on from where the job is.
    package func isReady(for step: ReplayStep) -> Bool { status == .running && cursor == step.cursor }

    /// Counts a message that has its turn, unless it is to be queued again: then the answer says with what changed, and
    /// ``count(_:wasQueued:)`` counts it.
    /// - parameter letter: the message as it is now, nil when it is gone.
    package mutating func count(_ item: ReplayStep.Item, of letter: Message?) -> Correction? {
        guard let letter, takes(letter) else {
            skipped += 1
            return nil
        }
        switch item.decision {
        case .replay(let correction): return correction
        case .skip: skipped += 1
        case .fail(let reason): countFailure(of: item.message, reason)
        }
        return nil
    }

    /// Counts a message that was to be queued again.
    /// - parameter wasQueued: false when nothing of it was left to send.
    package mutating func count(_ message: MessageID, wasQueued: Bool) {
        if wasQueued { replayed += 1 } else { countFailure(of: message, "its content was redacted") }
    }

    /// All of the step's messages had their turn.
    package mutating func finish(_ step: ReplayStep, at now: Timestamp) {
        cursor = step.items.last?.message ?? cursor
        if step.isLast { finish(at: now) }
    }
}
