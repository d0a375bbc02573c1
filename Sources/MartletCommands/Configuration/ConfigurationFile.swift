import Foundation
import Martlet
import Yams

/// A configuration file, read strictly: a mapping of settings, nested or dotted, in YAML or JSON.
///
/// The file is read here rather than by a library's provider because those neither list the keys they hold (a misspelt one
/// would go unnoticed) nor tell a value that is missing from the text "null".
package struct ConfigurationFile: Sendable, Equatable {
    /// A setting as it is written. Lists are joined with commas, as the command line has them.
    package struct Entry: Sendable, Equatable {
        package var text: String
        /// The file and, where known, the line.
        package var origin: String
    }

    /// What the file sets, by the setting's name.
    package private(set) var entries: [String: Entry] = [:]
    private let path: String

    /// The most a configuration file may hold, in bytes: a hundred times what all settings need.
    package static let bytesMax = 1 << 18
    /// How often names and values may stand inside each other; the longest setting's name has three parts.
    private static let depthMax = 16
    /// What looks like an alias in YAML, at most. What the file holds is only known once it is put together, and while a
    /// mapping is, names that consist of aliases of aliases cost a power of their number.
    private static let aliasesMax = 8

    /// Reads the file; a name that ends in `.json` means JSON, every other YAML.
    package init(path: String) throws(ConfigurationError) {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            // Some files have no end; a byte too many is enough to know.
            bytes = try handle.read(upToCount: Self.bytesMax + 1) ?? Data()
        } catch {
            let reason = (error as NSError).userInfo[NSUnderlyingErrorKey].map { "\($0)" }
            let missing = !FileManager.default.fileExists(atPath: path)
            throw ConfigurationError(
                "--config \(path): \(missing ? "there is no such file" : "cannot be read\(reason.map { ": \($0)" } ?? "")")"
            )
        }
        guard bytes.count <= Self.bytesMax else {
            throw ConfigurationError("--config \(path): is larger than \(Self.bytesMax) bytes")
        }
        try self.init(path: path, bytes: Array(bytes))
    }

    /// Reads the bytes of a file of that name.
    package init(path: String, bytes: [UInt8]) throws(ConfigurationError) {
        self.path = path
        if path.lowercased().hasSuffix(".json") {
            try readJSON(bytes)
        } else {
            try readYAML(bytes)
        }
        let known = Set(ConfigurationKey.all.map(\.name))
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
            throw ConfigurationError(
                "\(Self.shown(name)) (\(entry.origin)): there is no such setting\(Self.suggestion(for: name))")
        }
    }

    private mutating func add(_ name: String, _ text: String, origin: String) throws(ConfigurationError) {
        guard entries[name] == nil else { throw ConfigurationError("\(Self.shown(name)) (\(origin)): is set twice") }
        entries[name] = Entry(text: text, origin: origin)
    }

    // MARK: YAML

    private mutating func readYAML(_ bytes: [UInt8]) throws(ConfigurationError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("file \(path): is not UTF-8")
        }
        if let line = Self.lineOfTooManyAliases(bytes) { throw Self.anchorRefusal(origin(line: line)) }
        let root: Node?
        let parser: Parser
        do {
            parser = try Parser(yaml: text)
            root = try parser.singleRoot()
        } catch {
            throw ConfigurationError("\(Self.place(of: error, path)): is not YAML: \(Self.problem(error))")
        }
        // An empty file sets nothing, and one with comments only has a root without a value.
        guard let root, !Self.isNull(root) else { return }
        guard let mapping = root.mapping else {
            throw ConfigurationError("file \(path): must be a mapping of settings to values")
        }
        // The nodes know their anchors for as long as the parser lives.
        defer { withExtendedLifetime(parser) {} }
        try refuseAnchor(on: root)
        try read(mapping, prefix: "", depth: 1)
    }

    /// An alias repeats what its anchor stands at, and aliases of aliases repeat it without bound; no setting needs one. What is
    /// repeated has the anchor, too, so that its first place is refused before anything is repeated.
    private func refuseAnchor(on node: Node) throws(ConfigurationError) {
        guard node.anchor == nil else { throw Self.anchorRefusal(origin(line: node.mark?.line)) }
    }

    private static func anchorRefusal(_ origin: String) -> ConfigurationError {
        ConfigurationError("\(origin): anchors and aliases are not supported; write the value out")
    }

    /// The line in which there is one asterisk too many before something an alias may be named; nil where there is none.
    private static func lineOfTooManyAliases(_ bytes: [UInt8]) -> Int? {
        var line = 1
        var count = 0
        for (byte, next) in zip(bytes, bytes.dropFirst()) {
            switch (byte, next) {
            case (UInt8(ascii: "\n"), _): line += 1
            case (UInt8(ascii: "*"), UInt8(ascii: "a")...UInt8(ascii: "z")),
                (UInt8(ascii: "*"), UInt8(ascii: "A")...UInt8(ascii: "Z")),
                (UInt8(ascii: "*"), UInt8(ascii: "0")...UInt8(ascii: "9")),
                (UInt8(ascii: "*"), UInt8(ascii: "_")), (UInt8(ascii: "*"), UInt8(ascii: "-")):
                count += 1
                if count > aliasesMax { return line }
            default: break
            }
        }
        return nil
    }

    /// What is wrong, in the parser's own words alone: its whole description repeats the line, and a secret may stand there.
    private static func problem(_ error: any Error) -> String {
        switch error as? YamlError {
        case .reader(let problem, _, _, _)?, .scanner(_, let problem, _, _)?, .parser(_, let problem, _, _)?,
            .composer(_, let problem, _, _)?:
            ConfigurationError.printable(problem)
        case .duplicatedKeysInMapping(let duplicates, _)?:
            "\(duplicates.min().map(shown) ?? "a name") stands in it twice"
        default: "it cannot be read"
        }
    }

    private static func place(of error: any Error, _ path: String) -> String {
        switch error as? YamlError {
        case .scanner(_, _, let mark, _)?, .parser(_, _, let mark, _)?, .composer(_, _, let mark, _)?:
            "file \(path), line \(mark.line)"
        case .duplicatedKeysInMapping(_, let context)?: "file \(path), line \(context.mark.line)"
        default: "file \(path)"
        }
    }

    private mutating func read(_ mapping: Node.Mapping, prefix: String, depth: Int) throws(ConfigurationError) {
        for (nameNode, value) in mapping {
            let origin = origin(line: nameNode.mark?.line)
            try refuseAnchor(on: nameNode)
            try refuseAnchor(on: value)
            guard depth <= Self.depthMax else {
                throw ConfigurationError("\(Self.shown(prefix)) (\(origin)): is nested too deeply")
            }
            guard let member = nameNode.scalar?.string else {
                throw ConfigurationError(
                    "\(prefix.isEmpty ? "a name" : Self.shown(prefix)) (\(origin)): must be a plain word")
            }
            let name = prefix.isEmpty ? member : "\(prefix).\(member)"
            switch value {
            case .mapping(let nested): try read(nested, prefix: name, depth: depth + 1)
            case .sequence(let elements):
                var texts: [String] = []
                for element in elements {
                    try refuseAnchor(on: element)
                    guard let text = element.scalar?.string, !Self.isNull(element) else {
                        throw ConfigurationError("\(Self.shown(name)) (\(origin)): must be a list of single values")
                    }
                    texts.append(text)
                }
                try add(name, texts.joined(separator: ","), origin: origin)
            case .scalar(let scalar):
                guard !Self.isNull(value) else {
                    throw ConfigurationError(
                        "\(Self.shown(name)) (\(origin)): has no value; leave the line out to take the default")
                }
                try add(name, scalar.string, origin: origin)
            case .alias:
                throw ConfigurationError("\(Self.shown(name)) (\(origin)): aliases are not supported")
            }
        }
    }

    /// A name as it stands in an error: on one line, and no longer than one can read.
    private static func shown(_ name: String) -> String { ConfigurationError.printable(name.cut(to: 100)) }

    private func origin(line: Int?) -> String { "file \(path)" + (line.map { ", line \($0)" } ?? "") }

    /// Whether the node is YAML's null: nothing at all, `~` or `null`, not in quotes.
    private static func isNull(_ node: Node) -> Bool {
        guard let scalar = node.scalar, scalar.style == .any || scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    // MARK: JSON

    private mutating func readJSON(_ bytes: [UInt8]) throws(ConfigurationError) {
        let value: JSONValue
        do { value = try JSONParser.value(bytes) } catch {
            throw ConfigurationError("file \(path): \(error)")
        }
        guard let object = value.objectValue else {
            throw ConfigurationError("file \(path): must be an object of settings")
        }
        try read(object, prefix: "")
    }

    private mutating func read(_ object: JSONObject, prefix: String) throws(ConfigurationError) {
        let origin = origin(line: nil)
        for member in object.members {
            let name = prefix.isEmpty ? member.name : "\(prefix).\(member.name)"
            switch member.value {
            case .object(let nested): try read(nested, prefix: name)
            case .array(let elements):
                var texts: [String] = []
                for element in elements {
                    guard let text = Self.text(of: element) else {
                        throw ConfigurationError("\(Self.shown(name)) (\(origin)): must be a list of single values")
                    }
                    texts.append(text)
                }
                try add(name, texts.joined(separator: ","), origin: origin)
            default:
                guard let text = Self.text(of: member.value) else {
                    throw ConfigurationError(
                        "\(Self.shown(name)) (\(origin)): has no value; leave it out to take the default")
                }
                try add(name, text, origin: origin)
            }
        }
    }

    private static func text(of value: JSONValue) -> String? {
        if let text = value.stringValue { return text }
        if let flag = value.boolValue { return flag ? "true" : "false" }
        return value.doubleValue == nil ? nil : value.encodedText
    }

    // MARK: Suggestions

    /// " (did you mean http.port?)" where a setting's name is close, else nothing.
    package static func suggestion(for name: String) -> String {
        let nearest = ConfigurationKey.all.map { ($0.name, distance(name, $0.name)) }.min { $0.1 < $1.1 }
        guard let nearest, nearest.1 <= max(2, name.count / 4) else { return "" }
        return " (did you mean \(nearest.0)?)"
    }

    /// How many letters must be put in, left out or replaced to get from one word to the other.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (index, letter) in left.prefix(100).enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let replaced = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
