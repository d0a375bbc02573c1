import Martlet

/// Draws the demonstration: a picture for a terminal, a line for everything else. Pure: the same progress, the same text.
struct DemoScreen: Sendable {
    /// Columns there are.
    var width: Int
    var hasColor: Bool

    private static let colors = ["queued": "33", "sent": "36", "delivered": "34", "read": "32", "failed": "31"]
    private static let blocks: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    /// The picture, line by line, no line wider than the screen.
    func picture(_ progress: DemoProgress, elapsed: Duration) -> [String] {
        let counts = progress.counts
        let total = max(progress.accepted, 1)
        let room = max(10, min(60, width - 20))
        var lines = DemoProgress.statuses.map { status in
            let count = counts[status] ?? 0
            // What is there at all shows at least a sliver.
            let length = count == 0 ? 0 : max(1, count * room / total)
            let bar = String(repeating: "█", count: length) + String(repeating: "·", count: room - length)
            return Self.padded(status, 10) + " " + painted(bar, Self.colors[status]) + " "
                + Self.leftPadded("\(count)", 5)
        }
        let rates = progress.sentPerHalfSecond.suffix(room)
        lines.append(
            Self.padded("sent/s", 10) + " " + Self.padded(Self.sparkline(rates.map { $0 * 2 }, top: 50), room) + " "
                + Self.leftPadded("\(progress.rate)", 5))
        var latency = progress.latency
        lines.append(
            Self.padded("latency", 10) + " "
                + (latency.count == 0
                    ? "-"
                    : "to delivery  p50 \(Histogram.readable(latency.percentile(0.5)))  "
                        + "p99 \(Histogram.readable(latency.percentile(0.99)))"))
        lines.append(Self.padded("elapsed", 10) + " " + Self.seconds(elapsed))
        return lines
    }

    /// The same in one line.
    func line(_ progress: DemoProgress, elapsed: Duration) -> String {
        let counts = progress.counts
        let statuses = DemoProgress.statuses.map { "\($0) \(counts[$0] ?? 0)" }.joined(separator: "  ")
        return "\(Self.leftPadded(Self.seconds(elapsed), 7))  \(statuses)  \(progress.rate)/s"
    }

    /// What draws the picture over the one before it.
    /// - parameter previous: the lines the picture before has; 0 for the first.
    static func redraw(_ lines: [String], over previous: Int) -> String {
        let up = previous > 0 ? "\u{1B}[\(previous)A" : ""
        return up + lines.map { "\r\u{1B}[2K\($0)\n" }.joined()
    }

    /// A column for each value, full height at the top value.
    static func sparkline(_ values: [Int], top: Int) -> String {
        String(
            values.map { value in
                guard value > 0 else { return " " }
                return blocks[min(blocks.count - 1, (value * blocks.count - 1) / max(top, 1))]
            })
    }

    private func painted(_ text: String, _ color: String?) -> String {
        guard hasColor, let color else { return text }
        return "\u{1B}[\(color)m\(text)\u{1B}[0m"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func leftPadded(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }

    static func seconds(_ duration: Duration) -> String {
        let tenths = duration.milliseconds / 100
        return "\(tenths / 10).\(tenths % 10) s"
    }
}
