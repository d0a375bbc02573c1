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

    /// The most a configuration file may hold, in bytes.
    package static let bytesMax = 1 << 20

    /// Reads the file; a name that ends in `.json` means JSON, every other YAML.
    package init(path: String) throws(ConfigurationError) {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
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
            throw ConfigurationError("\(name) (\(entry.origin)): there is no such setting\(Self.suggestion(for: name))")
        }
    }

    private mutating func add(_ name: String, _ text: String, origin: String) throws(ConfigurationError) {
        guard entries[name] == nil else { throw ConfigurationError("\(name) (\(origin)): is set twice") }
        entries[name] = Entry(text: text, origin: origin)
    }

    // MARK: YAML

    private mutating func readYAML(_ bytes: [UInt8]) throws(ConfigurationError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError("file \(path): is not UTF-8")
        }
        let root: Node?
        do { root = try Parser(yaml: text).singleRoot() } catch {
            let line = "\(error)".split(separator: "\n").joined(separator: " ")
            throw ConfigurationError("file \(path): is not YAML: \(ConfigurationError.printable(line))")
        }
        // An empty file sets nothing, and one with comments only has a root without a value.
        guard let root, !Self.isNull(root) else { return }
        guard let mapping = root.mapping else {
            throw ConfigurationError("file \(path): must be a mapping of settings to values")
        }
        try read(mapping, prefix: "")
    }

    private mutating func read(_ mapping: Node.Mapping, prefix: String) throws(ConfigurationError) {
        for (nameNode, value) in mapping {
            let origin = origin(line: nameNode.mark?.line)
            guard let member = nameNode.scalar?.string else {
                throw ConfigurationError("\(prefix.isEmpty ? "a name" : prefix) (\(origin)): must be a plain word")
            }
            let name = prefix.isEmpty ? member : "\(prefix).\(member)"
            switch value {
            case .mapping(let nested): try read(nested, prefix: name)
            case .sequence(let elements):
                var texts: [String] = []
                for element in elements {
                    guard let text = element.scalar?.string, !Self.isNull(element) else {
                        throw ConfigurationError("\(name) (\(origin)): must be a list of single values")
                    }
                    texts.append(text)
                }
                try add(name, texts.joined(separator: ","), origin: origin)
            case .scalar(let scalar):
                guard !Self.isNull(value) else {
                    throw ConfigurationError(
                        "\(name) (\(origin)): has no value; leave the line out to take the default")
                }
                try add(name, scalar.string, origin: origin)
            case .alias:
                throw ConfigurationError("\(name) (\(origin)): aliases are not supported")
            }
        }
    }

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
                        throw ConfigurationError("\(name) (\(origin)): must be a list of single values")
                    }
                    texts.append(text)
                }
                try add(name, texts.joined(separator: ","), origin: origin)
            default:
                guard let text = Self.text(of: member.value) else {
                    throw ConfigurationError("\(name) (\(origin)): has no value; leave it out to take the default")
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
