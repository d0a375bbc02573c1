/// An operator's hand on the session behind a channel.
package struct SessionControl: Sendable {
    private let directory: Directory
    private let timeout: Duration

    package init(directory: Directory, timeout: Duration) {
        self.directory = directory
        self.timeout = timeout
    }

    /// Carries out a command at the channel's provider.
    package func perform(_ command: SessionCommand, on channel: Channel) async -> SessionControlAnswer {
        guard let provider = directory.providers[channel.provider] else {
            return .unsupported(detail: "the provider \(channel.provider) is not part of this build")
        }
        return await provider.control(command, of: channel, timeout: timeout)
    }

    /// Asks the provider whether the session is up.
    package func status(of channel: Channel) async -> SessionAnswer {
        guard let provider = directory.providers[channel.provider] else {
            return .failed(detail: "the provider \(channel.provider) is not part of this build")
        }
        return await provider.session(of: channel, timeout: timeout)
    }
}
