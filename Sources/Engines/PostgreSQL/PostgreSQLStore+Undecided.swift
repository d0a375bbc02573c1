#if PostgreSQL
    import Martlet

    extension PostgreSQLStore {
        package func undecided(now: Timestamp, limit: Int) async throws(StoreError) -> [Undecided] {
            guard limit > 0 else { return [] }
            let due = try await read { session in
                try session.query(Statements.undecidedJobs, [now, limit]).map { try StoredMessage(&$0) }
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
            let fingerprint = Blob(EchoFingerprint.of(question.text))
            let (echoes, unbound): ([String], [StoredMessage]) = try await read { session in
                let echoes = try session.query(
                    Statements.fittingEchoes, [message.channelID, message.recipient, fingerprint, question.earliest]
                ).map { $0.next(String.self) }
                guard echoes.count == 1 else { return (echoes, []) }
                let unbound = try session.query(
                    Statements.unboundMessages,
                    [message.recipient, message.tenantID, message.channelID, EchoQuestion.unboundLimit]
                ).map { try StoredMessage(&$0) }
                return (echoes, unbound)
            }
            return question.answer(echoes: echoes, unbound: try unbound.decoded())
        }
    }
#endif
