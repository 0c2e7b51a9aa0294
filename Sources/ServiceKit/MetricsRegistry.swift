/// All metrics of a process, rendered as Prometheus text.
///
/// Make metrics once, at the start, and keep them. The same name with the same labels twice, or with another kind, is a
/// bug and stops the program. Names are `[a-zA-Z_:][a-zA-Z0-9_:]*`, in base units: seconds, bytes.
public final class MetricsRegistry: Sendable {
    private enum Metric: Sendable {
        case counter(Counter)
        case gauge(@Sendable () -> Double)
        case histogram(Histogram)

        var kind: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    private struct Family: Sendable {
        var kind: String
        var help: String
        var series: [(labels: String, metric: Metric)] = []
    }

    private let families = Locked([String: Family]())

    public init() {}

    public func counter(_ name: String, help: String, labels: [String: String] = [:]) -> Counter {
        let counter = Counter()
        self.register(.counter(counter), name, help, labels)
        return counter
    }

    public func gauge(_ name: String, help: String, labels: [String: String] = [:]) -> Gauge {
        let gauge = Gauge()
        self.register(.gauge { gauge.value }, name, help, labels)
        return gauge
    }

    /// A gauge whose value is asked for when the metrics are rendered. `read` is quick and does not block.
    public func gauge(
        _ name: String,
        help: String,
        labels: [String: String] = [:],
        read: @escaping @Sendable () -> Double
    ) {
        self.register(.gauge(read), name, help, labels)
    }

    /// - Parameter buckets: Upper bounds, ascending. Defaults to ``Histogram/latency``, in seconds.
    public func histogram(
        _ name: String,
        help: String,
        labels: [String: String] = [:],
        buckets: [Double] = Histogram.latency
    ) -> Histogram {
        let histogram = Histogram(bounds: buckets)
        self.register(.histogram(histogram), name, help, labels)
        return histogram
    }

    /// The text for a scrape, families by name.
    public func render() -> String {
        let families = self.families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            text += "# HELP \(name) \(Self.escape(family.help, quotes: false))\n# TYPE \(name) \(family.kind)\n"
            for (labels, metric) in family.series { Self.render(metric, name, labels, into: &text) }
        }
        return text
    }

    private func register(_ metric: Metric, _ name: String, _ help: String, _ labels: [String: String]) {
        let rendered = labels.sorted { $0.key < $1.key }.map { "\($0)=\"\(Self.escape($1, quotes: true))\"" }
            .joined(separator: ",")
        self.families.withLock { families in
            var family = families[name] ?? Family(kind: metric.kind, help: help)
            precondition(family.kind == metric.kind, "metric \(name) is a \(family.kind) already")
            precondition(
                !family.series.contains { $0.labels == rendered },
                "metric \(name){\(rendered)} exists already"
            )
            family.series.append((rendered, metric))
            families[name] = family
        }
    }

    private static func render(_ metric: Metric, _ name: String, _ labels: String, into text: inout String) {
        let suffix = labels.isEmpty ? "" : "{\(labels)}"
        switch metric {
        case .counter(let counter): text += "\(name)\(suffix) \(counter.value)\n"
        case .gauge(let read): text += "\(name)\(suffix) \(Self.number(read()))\n"
        case .histogram(let histogram):
            let (counts, sum) = histogram.snapshot
            let prefix = labels.isEmpty ? "" : "\(labels),"
            var total: UInt64 = 0
            for (index, count) in counts.enumerated() {
                total += count
                let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
                text += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(total)\n"
            }
            text += "\(name)_sum\(suffix) \(Self.number(sum))\n\(name)_count\(suffix) \(total)\n"
        }
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && value.magnitude < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
