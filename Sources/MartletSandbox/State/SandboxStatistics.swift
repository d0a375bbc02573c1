/// What the sandbox has counted since its start or the last reset.
package struct SandboxStatistics: Sendable, Equatable {
    /// What was counted for one API key.
    package struct Key: Sendable, Equatable {
        /// Sends accepted.
        package var accepted = 0
        /// Sends refused because they were over a limit.
        package var refusedByLimit = 0
        /// The highest count of accepted sends in any sliding second.
        package var highestInAnySecond = 0
    }

    /// How webhooks fared.
    package struct Webhooks: Sendable, Equatable {
        /// Answered 2xx by the receiver.
        package var delivered = 0
        /// Given up after the last attempt, or refused for good.
        package var failed = 0
        /// Not even tried: the queue was full.
        package var discarded = 0
        /// Waiting or under way.
        package var pending = 0
        /// Lost on purpose, by a `webhook_drop` fault.
        package var dropped = 0
    }

    /// Requests to send that were received.
    package var received = 0
    /// Sends accepted: the number of entries the ledger has had.
    package var accepted = 0
    /// Sends the limiter refused. A 429 that a fault answered counts as ``refusedByFault``.
    package var refusedByLimit = 0
    /// Sends that a fault kept from being accepted.
    package var refusedByFault = 0
    /// Sends without a key, or with one that is not known.
    package var refusedUnauthorized = 0
    /// Sends that broke a rule of the API, or had no existing recipient.
    package var refusedInvalid = 0
    /// Sends on a session that was disconnected through the session endpoints.
    package var refusedSessionDown = 0
    /// Accepted sends whose body means the same as an earlier one that the ledger still holds. The recipient is part
    /// of the body.
    package var duplicates = 0
    /// The highest count of accepted sends of one key in any sliding second.
    package var highestInAnySecond = 0
    /// Entries the ledger had to forget.
    package var forgotten = 0
    /// What was counted for each API key.
    package var keys: [String: Key] = [:]
    /// How webhooks fared.
    package var webhooks = Webhooks()

    /// Nothing counted yet.
    package init() {}
}
