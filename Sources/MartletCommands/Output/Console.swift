#if canImport(Glibc)
    import Glibc
#endif

/// Where a command writes: standard output for what was asked for, standard error for what went wrong.
package struct Console: Sendable {
    /// Whether standard output is a terminal that understands control sequences.
    package var isTerminal: Bool
    /// Whether colours are wanted: on a terminal, unless `NO_COLOR` says otherwise (https://no-color.org).
    package var hasColor: Bool
    private let writeOutput: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void

    package init(
        isTerminal: Bool, hasColor: Bool, output: @escaping @Sendable (String) -> Void,
        error: @escaping @Sendable (String) -> Void
    ) {
        self.isTerminal = isTerminal
        self.hasColor = hasColor
        writeOutput = output
        writeError = error
    }

    /// The process's own streams. Every write goes out at once, so that a reader at the other end of a pipe sees a line when
    /// it is written.
    package static func process(environment: [String: String]) -> Console {
        let isTerminal = isatty(STDOUT_FILENO) == 1 && environment["TERM"] != "dumb"
        return Console(
            isTerminal: isTerminal, hasColor: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty,
            output: { Self.write($0, to: STDOUT_FILENO) }, error: { Self.write($0, to: STDERR_FILENO) })
    }

    /// Writes a text as it is to standard output.
    package func put(_ text: String) { writeOutput(text) }
    /// Writes a line to standard output.
    package func line(_ text: String = "") { writeOutput(text + "\n") }
    /// Writes a text as it is to standard error.
    package func putError(_ text: String) { writeError(text) }
    /// Writes a line to standard error.
    package func errorLine(_ text: String) { writeError(text + "\n") }

    /// Columns of the terminal; 80 where that cannot be told.
    package var width: Int {
        var size = winsize()
        guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 else { return 80 }
        return Int(size.ws_col)
    }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while let start = bytes.baseAddress, written < bytes.count {
                let count = Glibc.write(descriptor, start + written, bytes.count - written)
                if count < 0, errno == EINTR { continue }
                // A reader that is gone takes nothing more; there is nobody left to tell.
                guard count > 0 else { return }
                written += count
            }
        }
    }
}
