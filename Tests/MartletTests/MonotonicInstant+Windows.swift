import Martlet

extension Array where Element == MonotonicInstant {
    /// The most of these moments, which are in order, that lie in any window of that length.
    func highest(in window: Duration) -> Int {
        var highest = 0
        var first = 0
        for (index, moment) in enumerated() {
            while moment - self[first] >= window { first += 1 }
            highest = Swift.max(highest, index - first + 1)
        }
        return highest
    }
}
