import ArgumentParser
import Foundation
import MartletClient

/// Follows a message to its final status, telling each entry of its timeline as it comes.
struct MessageWatch {
    let client: MartletClient
    let json: Bool
    /// Gives up after this long.
    let limit: Duration

    /// How often the message is asked for: quickly while things happen, then less and less.
    private static let pauses: ClosedRange<Int> = 200...2000

    /// Returns when the message is delivered or read.
    /// - throws: `ExitCode.failure` when it failed; ``CommandFailure`` when the time is up.
    func follow(_ id: String) async throws {
        let console = Surroundings.current.console
        let clock = ContinuousClock()
        let end = clock.now + limit
        var told: Set<String> = []
        var pause = Self.pauses.lowerBound
        while true {
            // The message first: an entry that comes between the two questions is told in the next round, none is lost.
            let message = try await client.message(id)
            let timeline = try await client.timeline(id).value.data
            let fresh = timeline.filter { !told.contains($0.id) }
            for entry in fresh {
                told.insert(entry.id)
                if !json { console.line(Describe.line(entry)) }
            }
            if message.value.isFinal {
                if json {
                    console.line(String(decoding: message.body, as: UTF8.self))
                } else if let reason = message.value.errorReason {
                    console.line("\(message.value.status): \(TextTable.printable(reason))")
                } else {
                    console.line(message.value.status)
                }
                if message.value.status == "failed" { throw ExitCode.failure }
                return
            }
            guard clock.now < end else {
                throw CommandFailure("\(id) is still \(message.value.status) after \(limit.components.seconds) s")
            }
            pause = fresh.isEmpty ? min(pause * 5 / 4, Self.pauses.upperBound) : Self.pauses.lowerBound
            try await Task.sleep(for: .milliseconds(pause))
        }
    }
}
