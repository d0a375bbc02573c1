import Testing

/// Reads the text exposition format strictly: each sample belongs to a family that was introduced before it.
struct Exposition {
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    var types: [String: String] = [:]
    /// By name and labels, as written.
    var samples: [String: Double] = [:]

    init(_ text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Malformed(description: "the last line has no end") }
        var helps: Set<String> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, helps.insert(String(words[2])).inserted else {
                    throw Malformed(description: String(line))
                }
            } else if line.hasPrefix("# TYPE ") {
                let name = String(words[2])
                guard helps.contains(name), types.updateValue(String(words[3]), forKey: name) == nil else {
                    throw Malformed(description: String(line))
                }
            } else {
                try sample(line)
            }
        }
    }

    private mutating func sample(_ line: Substring) throws {
        let pattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*",?)+\})? (\S+)$/
        guard let match = line.wholeMatch(of: pattern), let value = Double(match.3) else {
            throw Malformed(description: String(line))
        }
        var family = String(match.1)
        for suffix in ["_bucket", "_sum", "_count"] where family.hasSuffix(suffix) {
            let base = String(family.dropLast(suffix.count))
            if types[base] == "histogram" { family = base }
        }
        guard types[family] != nil else { throw Malformed(description: "\(family) was not introduced") }
        guard samples.updateValue(value, forKey: String(match.1) + (match.2.map(String.init) ?? "")) == nil else {
            throw Malformed(description: "twice: \(line)")
        }
    }
}
