import Foundation
import Martlet

extension Examination {
    /// Examines the system of record. Answers it where it can be used.
    mutating func examineStore(_ configuration: NodeConfiguration) async -> (any Store & Inbox)? {
        switch configuration.store {
        case .sqlite(let path):
            examineDisk(databasePath: path)
            guard FileManager.default.fileExists(atPath: path) else {
                examineNewDatabase(path)
                return nil
            }
            examineKeyFile(configuration, databasePath: path)
        case .postgresql:
            if configuration.secretsKey == nil {
                add(
                    "secrets key", .failed, "secrets.key is not set",
                    remedy: "set it, the same for every process; `head -c 32 /dev/urandom | base64` makes a new one")
            }
        }
        do {
            let store = try await composition.openStore(configuration, migrate: false, logger: logger)
            try await store.check()
            add("store", .ok, "can be read and written")
            try await examineQueue(store)
            try await examineInbox(store)
            await examineSeparateEngines(configuration)
            return store
        } catch let error as StoreError {
            add("store", .failed, error.message, remedy: error.remedy ?? Self.remedy(for: error.code))
        } catch {
            add("store", .failed, "\(error)", remedy: Self.remedy(for: .unavailable))
        }
        return nil
    }

    /// Examines the engines besides the store, and says what the throttle is.
    private mutating func examineSeparateEngines(_ configuration: NodeConfiguration) async {
        if configuration.throttle == .store {
            if case .sqlite = configuration.store {
                add("throttle", .ok, "in process; one process at a time may dispatch from this store")
            } else {
                add("throttle", .ok, "in the store, for all processes on it")
            }
        }
        for state in await composition.examineSeparateEngines(configuration, logger: logger) {
            let name = "\(state.part.rawValue).url"
            if let failure = state.failure {
                add(
                    name, .failed, failure.message,
                    remedy: failure.remedy ?? "check \(name), and the state of the server behind it")
            } else {
                add(name, .ok, "can be used")
            }
            for warning in state.warnings {
                add(name, .warning, warning, remedy: "docs/redis.md says how a server is set up for this")
            }
        }
    }

    private static func remedy(for code: StoreError.Code) -> String {
        switch code {
        case .full: "make room on its file system"
        case .overloaded: "ask again when it is less busy"
        case .unusable: "put back the latest backup, or name another database in store.url"
        default: "check store.url, and the state of the disk or the server behind it"
        }
    }

    private mutating func examineDisk(databasePath: String) {
        let folder = URL(fileURLWithPath: databasePath).deletingLastPathComponent().path
        guard let room = DiskRoom(path: folder) else { return }
        let state = room.state
        add(
            "disk", state, "\(room.freeText) free for \(folder)\(state == .ok ? "" : ", which is nearly full")",
            remedy: state == .ok
                ? nil : "make room there, or lower retention.days; on a full disk messages are refused with 503")
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
}
