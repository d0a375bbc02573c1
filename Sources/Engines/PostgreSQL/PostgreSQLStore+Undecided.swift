#if PostgreSQL
    import Martlet

    extension PostgreSQLStore {
        /// An echo may come a little before the attempt began, by clocks that differ.
        private static let echoClockTolerance: Duration = .seconds(5)
        /// Messages to one recipient that are compared, at most; with more, no echo is trusted.
        private static let rivalsMax = 200

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
                        message: message, echoMessageID: try await echo(of: message, stored),
                        since: stored.job?.since ?? message.updatedAt))
            }
            return undecided
        }

        /// The id in the one unbound echo that says what the message says to whom it was sent, if no other message that has
        /// no id says the same to the same recipient.
        private func echo(of message: Message, _ stored: StoredMessage) async throws(StoreError) -> String? {
            guard let text = message.payload.visibleText, let startedAt = stored.job?.attemptStartedAt else {
                return nil
            }
            let fingerprint = Blob(EchoFingerprint.of(text))
            let (echoes, rivals): ([String], [StoredMessage]) = try await read { session in
                let echoes = try session.query(
                    Statements.fittingEchoes,
                    [message.channelID, message.recipient, fingerprint, startedAt - Self.echoClockTolerance]
                ).map { $0.next(String.self) }
                guard echoes.count == 1 else { return (echoes, []) }
                let rivals = try session.query(
                    Statements.unboundMessages,
                    [message.recipient, message.tenantID, message.channelID, Self.rivalsMax + 1]
                ).map { try StoredMessage(&$0) }
                return (echoes, rivals)
            }
            guard echoes.count == 1, rivals.count <= Self.rivalsMax else { return nil }
            for rival in rivals where rival.message.id != message.id {
                // A rival whose text has been redacted may have said the same.
                if rival.payloadText == "{}" { return nil }
                if try rival.decoded().payload.visibleText == text { return nil }
            }
            return echoes[0]
        }
    }
#endif
