#if PostgreSQL
    import Foundation
    import Martlet
    import Synchronization

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

    /// Listens for wake-ups on a connection and a thread of its own, for as long as it is told to.
    package final class WakeUpListener: Sendable {
        private let settings: ConnectionSettings
        private let isOver = Mutex(false)
        private let receive: @Sendable (WakeUp) -> Void

        /// How long a wait for news may be before a look at whether to go on.
        private static let waitMilliseconds: Int32 = 500

        package init(_ store: PostgreSQLStore, _ receive: @escaping @Sendable (WakeUp) -> Void) {
            settings = store.settings
            self.receive = receive
        }

        /// Begins to listen.
        package func start() {
            let thread = Thread { [self] in
                while !isOver.withLock(\.self) {
                    // What breaks the connection is the store's to tell; here it is made anew after a while.
                    try? listen()
                    if !isOver.withLock(\.self) { Thread.sleep(forTimeInterval: .random(in: 0.5...2)) }
                }
            }
            thread.name = "postgresql-listen"
            thread.stackSize = 1 << 20
            thread.start()
        }

        /// Ends listening, within half a second.
        package func stop() { isOver.withLock { $0 = true } }

        private func listen() throws {
            let session = try Session(settings)
            let topic = try session.query("SELECT \(WakeUp.topic)").first { $0.next(String.self) } ?? ""
            // The topic is a name of ours and a number.
            try session.query("LISTEN \"\(topic)\"")
            while !isOver.withLock(\.self) {
                for text in try session.notifications(waitingMilliseconds: Self.waitMilliseconds) {
                    if let wakeUp = WakeUp(text: text) { receive(wakeUp) }
                }
            }
        }
    }
#endif
