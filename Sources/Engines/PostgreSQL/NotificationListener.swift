#if PostgreSQL
    import Foundation
    import Martlet
    import Synchronization

    /// Listens for what processes on one schema tell one another (`NOTIFY`), on a connection and a thread of its own, for as
    /// long as it is told to.
    package final class NotificationListener: PeerBroadcast {
        private struct Receivers: Sendable {
            var wakeUps: [WakeUpReceiver] = []
            var peers: [any PeerReceiver] = []
        }

        private struct WakeUpReceiver: Sendable {
            var receive: @Sendable (WakeUp) -> Void
        }

        private let store: PostgreSQLStore
        private let isOver = Mutex(false)
        private let receivers = Mutex(Receivers())

        /// How long a wait for news may be before a look at whether to go on.
        private static let waitMilliseconds: Int32 = 500
        /// The name under which processes on one schema broadcast.
        private static let peerTopic = "'martlet_peers_' || current_schema()::text::regnamespace::oid"

        package init(_ store: PostgreSQLStore) { self.store = store }

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

        /// From now on, that is called with every wake-up.
        package func onWakeUp(_ receive: @escaping @Sendable (WakeUp) -> Void) {
            receivers.withLock { $0.wakeUps.append(WakeUpReceiver(receive: receive)) }
        }

        package func deliver(to receiver: any PeerReceiver) { receivers.withLock { $0.peers.append(receiver) } }

        package func broadcast(_ texts: [String]) async throws(StoreError) {
            try await store.withWriter { session in
                try session.query(
                    "SELECT pg_notify(\(Self.peerTopic), text) FROM unnest($1::text[]) AS u (text)", [SQLArray(texts)]
                ).map { _ in () }
            }
        }

        private func listen() throws {
            let session = try Session(store.settings)
            let topics = try session.query("SELECT \(WakeUp.topic), \(Self.peerTopic)").first { row in
                (wakeUps: row.next(String.self), peers: row.next(String.self))
            }
            guard let topics else { return }
            // The topics are names of ours and a number.
            try session.query("LISTEN \"\(topics.wakeUps)\"")
            try session.query("LISTEN \"\(topics.peers)\"")
            for peer in receivers.withLock(\.peers) { peer.connected() }
            while !isOver.withLock(\.self) {
                for notification in try session.notifications(waitingMilliseconds: Self.waitMilliseconds) {
                    let receivers = receivers.withLock(\.self)
                    if notification.topic == topics.peers {
                        for peer in receivers.peers { peer.received(notification.text) }
                    } else if let wakeUp = WakeUp(text: notification.text) {
                        for receiver in receivers.wakeUps { receiver.receive(wakeUp) }
                    }
                }
            }
        }
    }
#endif
