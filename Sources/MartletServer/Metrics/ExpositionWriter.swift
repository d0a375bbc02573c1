/// Writes Prometheus' text exposition format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
struct ExpositionWriter {
    /// The format's own content type.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var text = ""

    /// Introduces a family.
    mutating func head(name: String, help: String, kind: String) {
        text += "# HELP \(name) \(help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n"
        text += "# TYPE \(name) \(kind)\n"
    }

    /// Writes one value of the family introduced last.
    mutating func sample(_ name: String, _ labels: [MetricFamily.Label], _ value: Double) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\(Self.labelName($0.name))=\"\(Self.labelValue($0.value))\"" }
            text += "{" + pairs.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// A whole number without a fraction, everything else as short as it reads back the same.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    /// A name the format allows: what it does not is replaced by an underscore.
    static func metricName(_ name: String) -> String { clean(name, allowingColon: true) }

    /// A label's name the format allows.
    static func labelName(_ name: String) -> String { clean(name, allowingColon: false) }

    private static func clean(_ name: String, allowingColon: Bool) -> String {
        let cleaned = name.unicodeScalars.map { scalar -> Character in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": Character(scalar)
            case ":" where allowingColon: ":"
            default: "_"
            }
        }
        guard let first = cleaned.first, !first.isNumber else { return "_" + String(cleaned) }
        return String(cleaned)
    }

    private static func labelValue(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
