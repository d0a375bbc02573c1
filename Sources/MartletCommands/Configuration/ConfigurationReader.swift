import Configuration
import Martlet

/// The settings from all places, the first one that has a setting winning: command line, environment, file, default.
///
/// Every place holds text; what a text means, and whether it is allowed, is decided by the typed readers alone. So nothing
/// that does not parse can turn into a default on the way.
package struct ConfigurationReader: Sendable {
    private let reader: ConfigReader
    private let options: [String: String]
    private let environment: [String: String]
    private let file: ConfigurationFile?

    /// Environment variables that look like settings and are none; worth a warning.
    package let unknownEnvironmentNames: [String]

    /// - Parameters:
    ///   - options: what the command line sets, by the setting's name.
    ///   - environment: all variables.
    ///   - file: what the file named by `--config` sets.
    package init(options: [String: String], environment: [String: String], file: ConfigurationFile? = nil) {
        self.options = options
        self.file = file
        let known = Dictionary(uniqueKeysWithValues: ConfigurationKey.all.map { ($0.environmentName, $0) })
        self.environment = environment.filter { known[$0.key] != nil }
        unknownEnvironmentNames = environment.keys.filter { name in
            name.hasPrefix("MARTLET_") && known[name] == nil && !ConfigurationKey.otherEnvironmentNames.contains(name)
                && !ConfigurationKey.otherEnvironmentPrefixes.contains { name.hasPrefix($0) }
        }.sorted()
        let secretNames = Set(ConfigurationKey.all.filter(\.isSecret).map(\.environmentName))
        let defaults = ConfigurationKey.all.compactMap { key in key.defaultText.map { (key.name, $0) } }
        reader = ConfigReader(providers: [
            Self.provider("command line", options),
            EnvironmentVariablesProvider(
                environmentVariables: self.environment, secretsSpecifier: .specific(secretNames)
            ).prefixKeys(with: "martlet"),
            Self.provider("file", file?.entries.mapValues(\.text) ?? [:]),
            Self.provider("defaults", Dictionary(uniqueKeysWithValues: defaults)),
        ])
    }

    private static func provider(_ name: String, _ texts: [String: String]) -> InMemoryProvider {
        let secretNames = Set(ConfigurationKey.all.filter(\.isSecret).map(\.name))
        return InMemoryProvider(
            name: name,
            values: Dictionary(
                uniqueKeysWithValues: texts.map { name, text in
                    (
                        AbsoluteConfigKey(ConfigKey(name)),
                        ConfigValue(.string(text), isSecret: secretNames.contains(name))
                    )
                }))
    }

    /// The text of a setting; nil when nobody sets it and there is no default.
    package func text(_ key: ConfigurationKey) -> String? {
        reader.string(forKey: ConfigKey(key.name), isSecret: key.isSecret)
    }

    /// Where the text of a setting comes from, in words.
    package func origin(_ key: ConfigurationKey) -> String {
        if options[key.name] != nil { return "option --\(key.optionName)" }
        if environment[key.environmentName] != nil { return "environment variable \(key.environmentName)" }
        return file?.entries[key.name]?.origin ?? "default"
    }

    /// The error that says what is wrong with a setting's value.
    package func refusal(_ key: ConfigurationKey, _ rule: String) -> ConfigurationError {
        ConfigurationError(key, value: text(key) ?? "", origin: origin(key), rule: rule)
    }

    // MARK: Typed readers

    /// A text that is not empty; nil when nobody sets it.
    package func string(_ key: ConfigurationKey) throws(ConfigurationError) -> String? {
        guard let text = text(key) else { return nil }
        guard !text.isEmpty else { throw refusal(key, "must not be empty; leave it out to take the default") }
        return text
    }

    package func requiredString(_ key: ConfigurationKey) throws(ConfigurationError) -> String {
        guard let text = try string(key) else { throw refusal(key, "is required") }
        return text
    }

    /// A whole number in that range.
    package func integer(_ key: ConfigurationKey, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
        let text = try requiredString(key)
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
            range.contains(number)
        else { throw refusal(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)") }
        return number
    }

    package func bool(_ key: ConfigurationKey) throws(ConfigurationError) -> Bool {
        switch try requiredString(key) {
        case "true": return true
        case "false": return false
        default: throw refusal(key, "must be true or false")
        }
    }

    /// A number in that range, in digits with at most one decimal point.
    package func number(_ key: ConfigurationKey, in range: ClosedRange<Double>, unit: String = "")
        throws(ConfigurationError) -> Double
    {
        guard let number = Self.decimal(try requiredString(key)), range.contains(number) else {
            throw refusal(
                key, "must be a number from \(Self.plain(range.lowerBound)) to \(Self.plain(range.upperBound))\(unit)")
        }
        return number
    }

    /// A duration given in seconds.
    package func seconds(_ key: ConfigurationKey, in range: ClosedRange<Double>) throws(ConfigurationError) -> Duration
    {
        Self.duration(try number(key, in: range, unit: " (seconds)"))
    }

    /// A list of durations given in seconds.
    package func secondsList(_ key: ConfigurationKey, in range: ClosedRange<Double>, count: ClosedRange<Int>)
        throws(ConfigurationError) -> [Duration]
    {
        let rule =
            "must be \(count.lowerBound) to \(count.upperBound) numbers of seconds from \(Self.plain(range.lowerBound)) to "
            + "\(Self.plain(range.upperBound)) with commas between them"
        let parts = Self.list(try requiredString(key))
        guard count.contains(parts.count) else { throw refusal(key, rule) }
        var durations: [Duration] = []
        for part in parts {
            guard let number = Self.decimal(part), range.contains(number) else { throw refusal(key, rule) }
            durations.append(Self.duration(number))
        }
        return durations
    }

    /// One of the names of an enumeration.
    package func choice<Choice>(_ key: ConfigurationKey, among names: [String], _ make: (String) -> Choice?)
        throws(ConfigurationError) -> Choice
    {
        guard let choice = make(try requiredString(key)) else {
            throw refusal(key, "must be one of \(names.joined(separator: ", "))")
        }
        return choice
    }

    /// Any of the names of an enumeration, at least one.
    package func choices<Choice: Hashable>(_ key: ConfigurationKey, among names: [String], _ make: (String) -> Choice?)
        throws(ConfigurationError) -> Set<Choice>
    {
        var choices: Set<Choice> = []
        for part in Self.list(try requiredString(key)) {
            guard let choice = make(part) else {
                throw refusal(key, "must be any of \(names.joined(separator: ", ")) with commas between them")
            }
            choices.insert(choice)
        }
        return choices
    }

    static func list(_ text: String) -> [String] {
        text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
    }

    private static func decimal(_ text: String) -> Double? {
        guard !text.isEmpty, text.utf8.count <= 20,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: ".") })
        else { return nil }
        return Double(text)
    }

    private static func plain(_ number: Double) -> String { JSONValue.double(number).encodedText }

    /// Rounded to microseconds, so that 0.3 s is what it says.
    private static func duration(_ seconds: Double) -> Duration { .microseconds(Int64((seconds * 1e6).rounded())) }
}
