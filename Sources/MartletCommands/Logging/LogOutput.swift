import Logging
import Synchronization

/// Sets up the process's logging.
enum LogOutput {
    private static let isBootstrapped = Mutex(false)

    /// A logger that writes to standard error in the configured way. The libraries' loggers follow the first call of a
    /// process, as they can be set up once only.
    static func start(level: Logger.Level, format: LogFormat, console: Console) -> Logger {
        let write: @Sendable (String) -> Void = { console.putError($0) }
        let isFirst = isBootstrapped.withLock { isBootstrapped in
            defer { isBootstrapped = true }
            return !isBootstrapped
        }
        if isFirst {
            LoggingSystem.bootstrap { label in
                // What a library says is of use when something is wrong with it, and noise else.
                LineLogHandler(label: label, format: format, level: max(level, .notice), write: write)
            }
        }
        return Logger(label: "martlet") { label in
            LineLogHandler(label: label, format: format, level: level, write: write)
        }
    }
}
