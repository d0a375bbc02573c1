import Logging
import Martlet

/// Writes log lines to standard error, as text for people or as one JSON object a line for machines.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let format: LogFormat
    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - write: takes a line with its line feed, in one piece.
    ///   - now: the time a line carries.
    package init(
        label: String, format: LogFormat, level: Logger.Level, write: @escaping @Sendable (String) -> Void,
        now: @escaping @Sendable () -> Timestamp = { SystemTimeSource().now() }
    ) {
        self.label = label
        self.format = format
        self.write = write
        self.now = now
        logLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
        if let own = event.metadata { all.merge(own) { $1 } }
        let members = all.sorted { $0.key < $1.key }
        switch format {
        case .text: write(text(event, members))
        case .json: write(json(event, members))
        }
    }

    private func text(_ event: LogEvent, _ members: [(key: String, value: Logger.MetadataValue)]) -> String {
        var line = "\(now()) \(event.level.rawValue) \(label): \(TextTable.printable("\(event.message)"))"
        for (key, value) in members { line += " \(key)=\(Self.quoted(TextTable.printable("\(value)")))" }
        if let error = event.error { line += " error=\(Self.quoted(TextTable.printable("\(error)")))" }
        return line + "\n"
    }

    /// A value with spaces or quotes in it is put in quotes, so that a line can be taken apart again.
    private static func quoted(_ text: String) -> String {
        guard text.isEmpty || text.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else { return text }
        return JSONValue.string(text).encodedText
    }

    private func json(_ event: LogEvent, _ members: [(key: String, value: Logger.MetadataValue)]) -> String {
        var object: JSONObject = [
            "time": .string(now().description), "level": .string(event.level.rawValue), "logger": .string(label),
            "message": .string("\(event.message)"),
        ]
        if let error = event.error { object["error"] = .string("\(error)") }
        for (key, value) in members {
            // The line's own members win over metadata of the same name, which goes by another one then.
            object[object[key] == nil ? key : "metadata.\(key)"] = Self.value(value)
        }
        return object.encodedText + "\n"
    }

    private static func value(_ value: Logger.MetadataValue) -> JSONValue {
        switch value {
        case .string(let text): .string(text)
        case .stringConvertible(let convertible): .string("\(convertible)")
        case .array(let elements): .array(elements.map(Self.value))
        case .dictionary(let members):
            .object(JSONObject(pairs: members.sorted { $0.key < $1.key }.map { ($0.key, Self.value($0.value)) }))
        }
    }
}
