import Synchronization

/// How far the messages that this process has sent are known to be.
///
/// The news of a message come several at once as often as one by one, and a message tells where it is, not what has just
/// changed: what was counted of it already is remembered here. What is never heard of is forgotten in the end.
package final class FollowedMessages: Sendable {
    /// What a change of a message brings that is to be counted beside its status.
    package struct News: Sendable, Equatable {
        /// It is heard of for the first time since it was sent.
        package var isFirstSign: Bool
        /// It was found read without having been found delivered.
        package var skipsDelivered: Bool

        package init(isFirstSign: Bool = false, skipsDelivered: Bool = false) {
            self.isFirstSign = isFirstSign
            self.skipsDelivered = skipsDelivered
        }
    }

    private struct Place: Sendable {
        var isHeardOf = false
        var isDelivered = false
    }

    /// Two generations of so many are kept, the younger being filled.
    private let generationMax: Int
    private let generations = Mutex<(young: [MessageID: Place], old: [MessageID: Place])>(([:], [:]))

    package init(generationMax: Int = 50_000) { self.generationMax = generationMax }

    /// The message was sent.
    package func sent(_ id: MessageID) {
        generations.withLock { generations in
            if generations.young.count >= generationMax { generations = ([:], generations.young) }
            generations.young[id] = Place()
        }
    }

    /// The message has changed to this.
    package func changed(_ message: Message) -> News {
        generations.withLock { generations in
            guard let place = generations.young[message.id] ?? generations.old[message.id] else { return News() }
            let now = Place(
                isHeardOf: message.acknowledgedAt != nil,
                isDelivered: [.delivered, .read].contains(message.status))
            // A message that waits again, or for nothing more, is not followed.
            let next: Place? = message.status == .sent || message.status == .delivered ? now : nil
            if generations.young[message.id] != nil {
                generations.young[message.id] = next
            } else {
                generations.old[message.id] = next
            }
            return News(
                isFirstSign: now.isHeardOf && !place.isHeardOf,
                skipsDelivered: message.status == .read && !place.isDelivered)
        }
    }
}
