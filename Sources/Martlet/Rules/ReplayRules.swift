extension ReplayJob {
    /// Decides on one dead letter.
    /// - Parameters:
    ///   - channel: the letter's channel; nil when it was deleted.
    ///   - provider: the module of the channel, which checks what it can carry.
    package func decision(
        on letter: Message, channel: Channel?, provider: (any Provider)?, now: Timestamp
    ) -> ReplayStep.Decision {
        let isExpired = letter.expiresAt.map { $0 <= now } ?? false
        if isExpired, !includeExpired { return .skip }
        guard channel != nil else { return .fail("its channel was deleted") }
        var changes = Correction()
        if isExpired { changes.expiresAt = .some(nil) }
        if let prefix = correction.numberPrefix, letter.recipient.text.hasPrefix(prefix.wrong) {
            guard let number = PhoneNumber(prefix.right + letter.recipient.text.dropFirst(prefix.wrong.count)) else {
                return .fail("the corrected number is not in E.164")
            }
            changes.recipient = number
        }
        if let members = correction.payload {
            let kind = letter.payload.kind
            let content = letter.payload.content.merging(members)
            switch Payload.read(kind, content, pointer: "/\(kind.rawValue)").flatMap({ Self.check($0, provider) }) {
            case .success(let payload): changes.payload = payload
            case .failure(let failure): return .fail("the corrected payload is refused: \(failure.summary)")
            }
        } else if letter.payload.content.isEmpty {
            return .fail("its content was redacted")
        }
        return .replay(changes)
    }

    private static func check(_ payload: Payload, _ provider: (any Provider)?) -> Result<Payload, FieldErrors> {
        let refusals = provider?.validate(payload) ?? []
        return refusals.isEmpty ? .success(payload) : .failure(FieldErrors(refusals))
    }
}

extension FieldErrors {
    /// The first error in one line.
    fileprivate var summary: String { errors.first.map { "\($0.pointer) \($0.message)" } ?? "unknown" }
}
