import Martlet
import Synchronization

/// What happened in a run, as lines for a reader: the last ones are kept, and all of them make the fingerprint by which two
/// runs of one seed are compared.
final class Trace: Sendable {
    private struct State {
        var lines: [String] = []
        var next = 0
        var count = 0
        /// FNV-1a, 64 bits.
        var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let linesMax: Int

    init(time: any TimeSource, linesMax: Int) {
        self.time = time
        self.linesMax = linesMax
    }

    func note(_ text: String) {
        let microseconds = time.monotonicNow().nanoseconds / 1000
        let line = "\(microseconds / 1_000_000).\(Self.padded(microseconds % 1_000_000)) \(text)"
        state.withLock { state in
            for byte in line.utf8 {
                state.fingerprint = (state.fingerprint ^ UInt64(byte)) &* 0x100_0000_01B3
            }
            state.count += 1
            if state.lines.count < linesMax {
                state.lines.append(line)
            } else {
                state.lines[state.next] = line
                state.next = (state.next + 1) % linesMax
            }
        }
    }

    private static func padded(_ microseconds: Int64) -> String {
        let digits = String(microseconds)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }

    var fingerprint: UInt64 { state.withLock { $0.fingerprint } }
    var count: Int { state.withLock { $0.count } }

    /// The last lines, oldest first, that hold the text.
    func lines(containing text: String? = nil) -> [String] {
        let all = state.withLock { state in Array(state.lines[state.next...] + state.lines[..<state.next]) }
        guard let text else { return all }
        return all.filter { $0.contains(text) }
    }
}

extension MessageID {
    /// The end of the id, which tells the messages of a run apart.
    var short: String { String(text.suffix(6)) }
}

extension ChannelID {
    var short: String { String(text.suffix(4)) }
}
