import Logging
import ServiceLifecycle

/// Keeps a directory in step with what other processes on the same store change.
package struct DirectoryRefresher: Service {
    /// How long a change elsewhere may go unnoticed.
    package static let interval: Duration = .seconds(2)

    private let directory: Directory
    private let time: any TimeSource
    private let logger: Logger

    package init(directory: Directory, time: any TimeSource, logger: Logger) {
        self.directory = directory
        self.time = time
        self.logger = logger
    }

    package func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await time.sleep(for: Self.interval)
                do { try await directory.refresh() } catch is CancellationError { return } catch {
                    logger.warning("tenants and channels could not be read again", metadata: ["error": "\(error)"])
                }
            }
        }
    }
}
