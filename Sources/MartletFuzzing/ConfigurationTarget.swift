import Martlet
import MartletCommands

/// A configuration file, read as YAML and as JSON.
enum ConfigurationTarget {
    static func check(_ bytes: [UInt8]) throws(BrokenPromise) {
        for name in ["martlet.yaml", "martlet.json"] {
            let file: ConfigurationFile
            do throws(ConfigurationError) { file = try ConfigurationFile(path: name, bytes: bytes) } catch {
                try hold(error)
                continue
            }
            try read(file)
        }
    }

    private static func read(_ file: ConfigurationFile) throws(BrokenPromise) {
        let known = Set(ConfigurationKey.all.map(\.name))
        for (name, entry) in file.entries {
            try promise(known.contains(name), "a setting that there is not")
            try promise(entry.origin.hasPrefix("file "), "a setting from nowhere")
        }
        let configuration: NodeConfiguration
        do {
            configuration = try NodeConfiguration(
                ConfigurationReader(options: [:], environment: [:], file: file))
        } catch {
            try hold(error)
            for key in ConfigurationKey.all where key.isSecret {
                guard let secret = file.entries[key.name]?.text, secret.utf8.count >= 12 else { continue }
                // What is written into a setting that is no secret, or is the name of one, may be shown.
                let isShownElsewhere = ConfigurationKey.all.contains { other in
                    other.name.holds(secret) || !other.isSecret && file.entries[other.name]?.text.holds(secret) == true
                }
                guard !isShownElsewhere else { continue }
                try promise(!error.description.holds(secret), "an error shows \(key.name)")
            }
            return
        }
        try promise((0...65_535).contains(configuration.http.port), "a port of \(configuration.http.port)")
        try promise(!configuration.roles.isEmpty, "a node without a role")
        try promise(configuration.pipeline.contradiction == nil, "settings that contradict each other")
        try schedule(configuration.pipeline.retry)
    }

    /// Waits are at least what is planned, and at most with the whole jitter on top.
    static func schedule(_ schedule: RetrySchedule) throws(BrokenPromise) {
        for attempts in 1...schedule.attemptsMax {
            guard let wait = schedule.delay(afterAttempts: attempts, retryAfter: nil, chance: 0.999) else {
                try promise(attempts == schedule.attemptsMax, "attempts end after \(attempts)")
                continue
            }
            let planned = schedule.delays[attempts - 1]
            try promise(wait >= planned && wait <= planned * 2, "a wait of \(wait) where \(planned) was planned")
        }
    }

    /// One line an operator can read.
    private static func hold(_ error: ConfigurationError) throws(BrokenPromise) {
        let text = error.description
        try promise(!text.isEmpty, "an error without words")
        try promise(text.unicodeScalars.count <= 1000, "an error of \(text.unicodeScalars.count) characters")
        try promise(
            text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control },
            "an error with control characters")
    }
}
