import Foundation
import Martlet

/// One stream of chance out of a run's seed. Every part of a run has its own, so that one more throw in one part leaves the
/// throws of all others as they were.
final class Chance: RandomSource {
    private let source: SeededRandomSource

    init(seed: UInt64, for part: String) {
        var mixed = seed &* 0x9E37_79B9_7F4A_7C15
        for byte in part.utf8 { mixed = (mixed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        source = SeededRandomSource(seed: mixed)
    }

    func next() -> UInt64 { source.next() }

    /// True that often.
    func happens(_ probability: Double) -> Bool { probability > 0 && unitInterval() < probability }

    func integer(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// Any duration of the range, to the millisecond.
    func duration(_ range: ClosedRange<Duration>) -> Duration {
        .milliseconds(integer(Int(range.lowerBound.milliseconds)...Int(range.upperBound.milliseconds)))
    }

    /// Mostly about that long, now and then much longer, never longer than the most.
    func latency(about typical: Duration, most: Duration) -> Duration {
        let factor = -log(max(1e-9, 1 - unitInterval()))
        return min(most, .microseconds(Int64(Double(typical.microseconds) * factor)))
    }

    func pick<Element>(_ elements: [Element]) -> Element { elements[integer(0...elements.count - 1)] }
}
