import Foundation
import Logging
import Martlet

/// Looks at everything a node needs and says what is wrong and how to mend it. Changes nothing but what a check of the disk
/// needs.
struct Examination {
    /// What was found out about one thing.
    struct Finding: Sendable, Equatable {
        enum State: String, Sendable { case ok, warning, failed }

        var name: String
        var state: State
        var detail: String
        /// What to do about it; nil when there is nothing to do.
        var remedy: String?
    }

    let composition: any NodeComposition
    let logger: Logger
    private(set) var findings: [Finding] = []

    /// The longest a provider may take to answer here.
    private static let providerTimeout: Duration = .seconds(10)

    init(composition: any NodeComposition, logger: Logger) {
        self.composition = composition
        self.logger = logger
    }

    var hasFailures: Bool { findings.contains { $0.state == .failed } }

    private mutating func add(_ name: String, _ state: Finding.State, _ detail: String, remedy: String? = nil) {
        findings.append(Finding(name: name, state: state, detail: detail, remedy: remedy))
    }

    /// Adds that the configuration cannot be used.
    mutating func addConfiguration(_ error: ConfigurationError) {
        add("configuration", .failed, error.description, remedy: "correct that setting")
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
        switch configuration.store {
        case .sqlite(let path):
            guard FileManager.default.fileExists(atPath: path) else { return examineNewDatabase(path) }
            examineKeyFile(configuration, databasePath: path)
        }
        do {
            let store = try await composition.openStore(configuration, migrate: false, logger: logger)
            try await store.check()
            add("store", .ok, "can be read and written")
            try await examineQueue(store)
            try await examineInbox(store)
            add("throttle", .ok, "in process; one process at a time may dispatch from this store")
            await examineChannels(configuration, store: store)
        } catch let error as StoreError where error.code == .unusable {
            add(
                "store", .failed, error.message,
                remedy: "run martlet migrate; if it is of a later version, run that version")
        } catch let error as StoreError {
            add("store", .failed, error.message, remedy: "check the path, its permissions and the room on the disk")
        } catch {
            add("store", .failed, "\(error)")
        }
    }

    private mutating func examineNewDatabase(_ path: String) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if FileManager.default.isWritableFile(atPath: folder) {
            add("store", .ok, "there is no database at \(path) yet; martlet serve makes it")
        } else {
            add(
                "store", .failed, "there is no database at \(path), and \(folder) cannot be written",
                remedy: "make the folder and give it to the user martlet runs as, or change store.url")
        }
    }

    private mutating func examineKeyFile(_ configuration: NodeConfiguration, databasePath: String) {
        guard configuration.secretsKey == nil else { return }
        let path = SecretsKeyFile(databasePath: databasePath).path
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: path) else {
            return add(
                "secrets key", .failed, "there is no key file \(path) beside the database",
                remedy:
                    "put it back from your backup, or set secrets.key; without it no channel's credentials can be read")
        }
        let permissions = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        if permissions & 0o077 != 0 {
            add("secrets key", .warning, "others can read \(path)", remedy: "chmod 600 \(path)")
        } else {
            add("secrets key", .ok, "kept in \(path); back it up apart from the database")
        }
    }

    private mutating func examineQueue(_ store: any Store & Inbox) async throws {
        let due = try await store.nextDue()
        let now = SystemTimeSource().now()
        guard let oldest = due.values.min(), oldest < now else {
            return add("queue", .ok, due.isEmpty ? "nothing waits" : "nothing is overdue")
        }
        let age = (now - oldest).seconds
        if age > 300 {
            add(
                "queue", .warning, "messages have been due for \(Int(age)) s",
                remedy: "see that martlet serve runs with the role worker and that the channels below can send")
        } else {
            add("queue", .ok, "messages wait, the oldest due \(Int(age)) s ago")
        }
    }

    private mutating func examineInbox(_ store: any Store & Inbox) async throws {
        let depth = try await store.depth()
        let age = depth.oldestReceivedAt.map { (SystemTimeSource().now() - $0).seconds } ?? 0
        if depth.waiting > 0, age > 60 {
            add(
                "inbox", .warning, "\(depth.waiting) webhooks wait, the oldest for \(Int(age)) s",
                remedy: "see that martlet serve runs with the role worker")
        } else {
            add("inbox", .ok, depth.waiting == 0 ? "nothing waits" : "\(depth.waiting) webhooks wait")
        }
    }

    private mutating func examineChannels(_ configuration: NodeConfiguration, store: any Store & Inbox) async {
        let directory: Directory
        do {
            let box = try InstallationSecrets.box(configuration)
            if let fingerprint = try await store.setting(InstallationSecrets.keyFingerprintSetting),
                fingerprint != box.fingerprint
            {
                return add(
                    "secrets key", .failed, "it is not the one this database was made with",
                    remedy: "put the old key file back beside the database, or set secrets.key to the old key")
            }
            directory = Directory(
                store: store, providers: composition.providers(), secretBox: box, time: SystemTimeSource(),
                identifiers: IdentifierGenerator())
            try await directory.load()
        } catch {
            return add("channels", .failed, "they cannot be read: \(error)")
        }
        let channels = directory.channels()
        guard !channels.isEmpty else { return add("channels", .ok, "there are none yet") }
        for channel in channels { await examine(channel, directory: directory, configuration: configuration) }
    }

    private mutating func examine(_ channel: Channel, directory: Directory, configuration: NodeConfiguration) async {
        let name = "channel \(channel.name) (\(channel.id))"
        guard directory.providers[channel.provider] != nil else {
            return add(
                name, .failed, "its provider \(channel.provider) is not part of this build",
                remedy: "run a build that has it, or delete the channel")
        }
        if channel.status == .paused {
            add(name, .warning, "is paused", remedy: "martlet channels resume \(channel.id)")
        }
        if channel.webhookSecret == nil {
            add(
                name, .warning, "has no webhook secret, so no webhook is taken",
                remedy: "martlet channels update \(channel.id) --webhook-secret …")
        }
        let sessions = SessionControl(directory: directory, timeout: Self.providerTimeout)
        switch await sessions.status(of: channel) {
        case .up: add(name, .ok, "the provider knows it, and its session is up")
        case .down(let detail):
            add(name, .failed, "its session is down: \(detail)", remedy: "martlet channels connect \(channel.id)")
        case .unauthorized(let detail):
            add(
                name, .failed, "the provider refuses its credentials: \(detail)",
                remedy: "martlet channels update \(channel.id) --credential api_key=…")
        case .failed(let detail):
            add(name, .failed, "the provider cannot be asked: \(detail)", remedy: "check its base URL and the network")
        }
    }
}
