import Synchronization

/// The loops of a worker and when each last came round, so that one that hangs or has ended is seen from outside.
package final class Heartbeats: Sendable {
    /// What goes round. The names are those of the checks in `/health/ready`.
    package enum Loop: String, Sendable, CaseIterable {
        case dispatcher, inbox, receiver, reconciler, relay, replays, sessions, sweeper, upkeep
        /// The store's own inbox, where webhooks land elsewhere.
        case storeInbox = "store_inbox"

        /// What every worker does, whether it leads or not.
        package static let ofEveryWorker: Set<Loop> = [.dispatcher, .inbox, .upkeep]
        /// What one worker does for all.
        package static let ofTheLeader: Set<Loop> = [.reconciler, .replays, .sessions, .sweeper]
    }

    /// How long a loop may stay away. The longest honest turn waits for a provider's time-out and a slow disk.
    package static let silenceMax: Duration = .seconds(60)

    private let time: any TimeSource
    private let silenceMax: Duration
    private let beats = Mutex<[Loop: MonotonicInstant]>([:])

    /// - parameter turnMax: the longest a turn may wait for somebody else, on top of ``silenceMax``.
    package init(time: any TimeSource, turnMax: Duration = .zero) {
        self.time = time
        silenceMax = Self.silenceMax + turnMax
    }

    /// Loops begin. Before that nobody misses them.
    package func begin(_ loops: Set<Loop>) {
        let now = time.monotonicNow()
        beats.withLock { beats in for loop in loops { beats[loop] = now } }
    }

    /// Loops have ended as they should.
    package func end(_ loops: Set<Loop>) { beats.withLock { beats in for loop in loops { beats[loop] = nil } } }

    /// A loop has come round. One that has not begun, or has ended, is passed over.
    package func beat(_ loop: Loop) {
        let now = time.monotonicNow()
        beats.withLock { beats in if beats[loop] != nil { beats[loop] = now } }
    }

    /// One check for each loop, as of now.
    package var checks: [HealthRegister.Check] {
        let now = time.monotonicNow()
        return beats.withLock { $0 }.map { loop, last in
            let silence = now - last
            guard silence > silenceMax else { return HealthRegister.Check(name: loop.rawValue, isOK: true) }
            return HealthRegister.Check(
                name: loop.rawValue, isOK: false,
                detail: "has not come round for \(Int(silence.seconds)) s: it hangs or has ended; restart the process")
        }
    }
}
