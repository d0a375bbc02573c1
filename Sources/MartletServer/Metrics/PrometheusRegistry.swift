import Metrics
import Synchronization

/// Holds what the process measures and renders it for Prometheus.
///
/// It is a backend of swift-metrics: make one, hand it to `MetricsSystem.bootstrap(_:)` before anything is measured,
/// and to ``buildServer(gateway:configuration:metrics:logger:onReady:)`` for `/metrics`.
package final class PrometheusRegistry: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])

    /// An empty registry.
    package init() {
        // A counter that is there at zero can be alerted on from the first scrape.
        _ = series("martlet_messages_accepted_total", [], otherwise: .counter)
    }

    /// All that was measured, in the text exposition format 0.0.4.
    package func render() -> String {
        var writer = ExpositionWriter()
        write(to: &writer)
        return writer.text
    }

    /// Appends all that was measured.
    func write(to writer: inout ExpositionWriter) {
        for family in families.withLock({ $0.values.sorted { $0.name < $1.name } }) { family.write(to: &writer) }
    }

    /// - parameter kind: what the metric is when the catalogue does not know it.
    func series(_ label: String, _ labels: [MetricFamily.Label], otherwise kind: MetricFamily.Kind) -> MetricSeries {
        family(label, otherwise: kind).series(labels)
    }

    private func family(_ label: String, otherwise kind: MetricFamily.Kind) -> MetricFamily {
        families.withLock { families in
            if let known = families[label] { return known }
            let entry = MetricCatalogue.byName[label]
            let made = MetricFamily(
                name: ExpositionWriter.metricName(label), help: entry?.help ?? "A measurement of a library in use.",
                kind: entry?.kind ?? kind, buckets: entry?.buckets ?? MetricCatalogue.lagBuckets)
            families[label] = made
            return made
        }
    }

    fileprivate func handler(
        _ label: String, _ dimensions: [(String, String)], otherwise kind: MetricFamily.Kind
    ) -> SeriesHandler {
        let labels = dimensions.map { MetricFamily.Label(name: $0.0, value: $0.1) }
        return SeriesHandler(series: series(label, labels, otherwise: kind))
    }
}

extension PrometheusRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        handler(label, dimensions, otherwise: .counter)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        handler(label, dimensions, otherwise: .counter)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        handler(label, dimensions, otherwise: .gauge)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        handler(label, dimensions, otherwise: aggregate ? .histogram : .gauge)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        handler(label, dimensions, otherwise: .histogram)
    }

    package func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    package func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    package func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    package func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    private func forget(_ handler: any Sendable) {
        guard let handler = handler as? SeriesHandler else { return }
        for family in families.withLock({ Array($0.values) }) { family.remove(handler.series) }
    }
}

/// What swift-metrics holds of one series, whatever kind of instrument it is.
private final class SeriesHandler: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler,
    TimerHandler
{
    let series: MetricSeries

    init(series: MetricSeries) { self.series = series }

    func increment(by amount: Int64) { series.add(Double(amount)) }
    func increment(by amount: Double) { series.add(amount) }
    func decrement(by amount: Double) { series.add(-amount) }
    func set(_ value: Int64) { series.set(Double(value)) }
    func set(_ value: Double) { series.set(value) }
    func record(_ value: Int64) { series.observe(Double(value)) }
    func record(_ value: Double) { series.observe(value) }
    /// Prometheus counts time in seconds.
    func recordNanoseconds(_ duration: Int64) { series.observe(Double(duration) / 1e9) }
    func reset() { series.reset() }
}
