import GRDB
import Martlet

extension SQLiteStore {
    package func undecided(now: Timestamp, limit: Int) async throws(StoreError) -> [Undecided] {
        guard limit > 0 else { return [] }
        let due = try await read { database in
            try database.all(Statements.undecidedJobs, [now, limit], StoredMessage.init)
        }
        var undecided: [Undecided] = []
        for stored in due {
            let message = try stored.decoded()
            undecided.append(
                Undecided(
                    message: message, echoMessageID: try await echo(of: message, stored.job),
                    since: stored.job?.since ?? message.updatedAt))
        }
        return undecided
    }

    private func echo(of message: Message, _ job: Job?) async throws(StoreError) -> String? {
        guard let question = EchoQuestion(about: message, job: job) else { return nil }
        let fingerprint = EchoFingerprint.of(question.text)
        let (echoes, unbound) = try await read { database in
            let echoes = try database.all(
                Statements.fittingEchoes,
                [message.channelID, message.recipient, fingerprint.blob, question.earliest]
            ) { $0[0] as String }
            guard echoes.count == 1 else { return (echoes, [StoredMessage]()) }
            let unbound = try database.all(
                Statements.unboundMessages,
                [message.recipient, message.tenantID, message.channelID, EchoQuestion.unboundLimit], StoredMessage.init)
            return (echoes, unbound)
        }
        return question.answer(echoes: echoes, unbound: try unbound.decoded())
    }
}
