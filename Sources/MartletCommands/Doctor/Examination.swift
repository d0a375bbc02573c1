import Logging
import Martlet

/// Looks at everything a node needs and says what is wrong and how to mend it. Changes nothing but a row of the store that
/// shows whether it can be written.
struct Examination {
    let composition: any NodeComposition
    let logger: Logger
    private(set) var findings: [Finding] = []
    /// Whether a Martlet answers where this configuration listens, as far as that is known.
    var isServing = false

    init(composition: any NodeComposition, logger: Logger) {
        self.composition = composition
        self.logger = logger
    }

    var hasFailures: Bool { findings.contains { $0.state == .failed } }

    mutating func add(_ name: String, _ state: Finding.State, _ detail: String, remedy: String? = nil) {
        findings.append(Finding(name: name, state: state, detail: detail, remedy: remedy))
    }

    /// Adds that the configuration cannot be used.
    mutating func addConfiguration(_ error: ConfigurationError) {
        add(
            "configuration", .failed, error.description,
            remedy: "correct that setting; martlet serve does not start with it")
    }

    /// Examines everything behind a configuration that could be read.
    mutating func examine(_ configuration: NodeConfiguration, unknownEnvironmentNames: [String]) async {
        add("configuration", .ok, "every setting can be used")
        for name in unknownEnvironmentNames {
            add("configuration", .warning, "\(name) looks like a setting and is none", remedy: "correct or remove it")
        }
        if let token = configuration.adminToken, token.exposed.utf8.count < 16 {
            add(
                "admin token", .warning, "it is shorter than 16 characters",
                remedy: "set admin.token to a long random text")
        }
        await examineAddress(configuration)
        let store = await examineStore(configuration)
        guard let store else { return }
        await examineChannels(configuration, store: store)
    }
}
