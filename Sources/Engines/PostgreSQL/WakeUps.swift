#if PostgreSQL
    import Martlet

    /// What the process that dispatches is told by those that accept, so that it need not wait for its next look. It may get
    /// lost; the look is what counts.
    package enum WakeUp: Sendable, Equatable {
        /// A message of the channel is due.
        case due(ChannelID)
        /// A webhook was stored.
        case inbox

        private static let inboxText = "inbox"

        var text: String {
            switch self {
            case .due(let channel): channel.text
            case .inbox: Self.inboxText
            }
        }

        init?(text: String) {
            if text == Self.inboxText {
                self = .inbox
            } else if let channel = ChannelID(text) {
                self = .due(channel)
            } else {
                return nil
            }
        }

        /// The name under which processes on one schema are told.
        static let topic = "'martlet_' || current_schema()::text::regnamespace::oid"
    }

    extension WriteTransaction {
        /// Tells who dispatches, when the transaction is committed.
        func tell(_ wakeUps: [WakeUp]) throws {
            guard !wakeUps.isEmpty else { return }
            try session.send(
                "SELECT pg_notify(\(WakeUp.topic), text) FROM unnest($1::text[]) AS u (text)",
                [SQLArray(wakeUps) { $0.text }])
        }
    }
#endif
