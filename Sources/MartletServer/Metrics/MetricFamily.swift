import Synchronization

/// One metric with all its label sets, as Prometheus calls it.
final class MetricFamily: Sendable {
    /// As the exposition format names it.
    enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    /// Label sets of one metric at most. The labels of this program are bounded by design; this keeps a mistake from
    /// filling the memory: whatever comes after is counted nowhere.
    static let seriesMax = 512

    let name: String
    let help: String
    let kind: Kind
    /// Upper bounds of a histogram's buckets, ascending; empty for the other kinds.
    let buckets: [Double]
    private let series = Mutex<[[Label]: MetricSeries]>([:])

    /// A label's name and value.
    struct Label: Sendable, Hashable {
        var name: String
        var value: String
    }

    init(name: String, help: String, kind: Kind, buckets: [Double] = []) {
        self.name = name
        self.help = help
        self.kind = kind
        self.buckets = buckets
    }

    /// The series with those labels, made at first use.
    func series(_ labels: [Label]) -> MetricSeries {
        series.withLock { series in
            if let known = series[labels] { return known }
            let made = MetricSeries(buckets: kind == .histogram ? buckets : nil)
            if series.count < Self.seriesMax { series[labels] = made }
            return made
        }
    }

    /// Forgets a series.
    func remove(_ removed: MetricSeries) {
        series.withLock { series in series = series.filter { $0.value !== removed } }
    }

    /// Appends the family in the text exposition format, series in the order of their labels.
    func write(to output: inout ExpositionWriter) {
        let series = series.withLock { $0 }.sorted { left, right in
            left.key.lexicographicallyPrecedes(right.key) { ($0.name, $0.value) < ($1.name, $1.value) }
        }
        guard !series.isEmpty else { return }
        output.head(name: name, help: help, kind: kind.rawValue)
        for (labels, values) in series {
            switch values.snapshot {
            case .value(let value): output.sample(name, labels, value)
            case .distribution(let counts, let sum):
                var cumulative: UInt64 = 0
                for (bound, count) in zip(buckets, counts) {
                    cumulative += count
                    output.sample(
                        name + "_bucket", labels + [Label(name: "le", value: ExpositionWriter.number(bound))],
                        Double(cumulative))
                }
                let total = cumulative + (counts.last ?? 0)
                output.sample(name + "_bucket", labels + [Label(name: "le", value: "+Inf")], Double(total))
                output.sample(name + "_sum", labels, sum)
                output.sample(name + "_count", labels, Double(total))
            }
        }
    }
}

/// The values under one label set: a number, or a distribution over buckets.
final class MetricSeries: Sendable {
    /// What a series holds at a moment.
    enum Snapshot: Sendable {
        case value(Double)
        /// One count for each bucket, then one for what is beyond the last.
        case distribution(counts: [UInt64], sum: Double)
    }

    private struct State: Sendable {
        var value = 0.0
        var counts: [UInt64]
    }

    private let bounds: [Double]?
    private let state: Mutex<State>

    init(buckets: [Double]?) {
        bounds = buckets
        state = Mutex(State(counts: Array(repeating: 0, count: (buckets?.count ?? 0) + 1)))
    }

    /// What it holds now.
    var snapshot: Snapshot {
        state.withLock { bounds == nil ? .value($0.value) : .distribution(counts: $0.counts, sum: $0.value) }
    }

    /// Counts up, or down.
    func add(_ amount: Double) { state.withLock { $0.value += amount } }

    /// Replaces the value.
    func set(_ value: Double) { state.withLock { $0.value = value } }

    /// Counts an observation into its bucket, or, for a plain series, replaces the value.
    func observe(_ value: Double) {
        guard let bounds else { return set(value) }
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] += 1
            state.value += value
        }
    }

    /// Back to zero.
    func reset() {
        state.withLock { state in
            state.value = 0
            for index in state.counts.indices { state.counts[index] = 0 }
        }
    }
}
