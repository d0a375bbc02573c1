import ArgumentParser
import MartletClient

/// Follows a bulk replay to its end, telling how far it is.
struct ReplayWatch {
    let client: MartletClient
    let json: Bool

    private static let pause: Duration = .milliseconds(500)
    /// How long a server that does not answer is waited for: the job survives its restart.
    private static let silenceMax: Duration = .seconds(60)

    /// Returns when the job is finished.
    /// - parameter first: the job as it was last seen.
    /// - throws: `ExitCode.failure` when it was cancelled, or when messages could not be replayed.
    func follow(_ first: MartletClient.Answer<ReplayRecord>) async throws {
        let console = Surroundings.current.console
        let clock = ContinuousClock()
        var answer = first
        var heardAt = clock.now
        var told = ""
        if !json { console.line(first.value.id) }
        while true {
            let progress = Describe.progress(answer.value)
            if !json, progress != told { console.line(progress) }
            told = progress
            if answer.value.status != "running" { break }
            try await Task.sleep(for: Self.pause)
            do throws(ClientError) {
                answer = try await client.replay(first.value.id)
                heardAt = clock.now
            } catch {
                guard error.code == .unreachable, clock.now - heardAt < Self.silenceMax else { throw error }
            }
        }
        if json { console.line(String(decoding: answer.body, as: UTF8.self)) }
        if answer.value.status != "finished" || answer.value.failed > 0 { throw ExitCode.failure }
    }
}
