import Foundation
import Martlet
import MartletTestSupport
import Testing

@testable import MartletCommands

@Suite struct InstallationSecretsTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "martlet-test-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    private func configuration(_ settings: [String: String] = [:]) throws -> NodeConfiguration {
        let path = folder.appending(path: "martlet.db").path
        return try NodeConfiguration(
            ConfigurationReader(options: settings.merging(["store.url": "sqlite:\(path)"]) { $1 }, environment: [:]))
    }

    @Test func `the key file is made once, for its owner alone`() throws {
        defer { remove() }
        let file = SecretsKeyFile(databasePath: folder.appending(path: "martlet.db").path)
        let made = try file.readOrMake()
        #expect(made.exposed.count == 32)
        #expect(try file.readOrMake() == made)
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(file.path.hasSuffix("martlet.db.key"))
    }

    @Test func `a key file with something else in it is refused`() throws {
        defer { remove() }
        let file = SecretsKeyFile(databasePath: folder.appending(path: "martlet.db").path)
        try "too short".write(toFile: file.path, atomically: true, encoding: .utf8)
        let error = #expect(throws: ConfigurationError.self) { try file.readOrMake() }
        #expect(error?.description.contains(file.path) == true)
        #expect(error?.description.contains("too short") == false)
    }

    @Test func `a folder that is not there is named`() {
        defer { remove() }
        let file = SecretsKeyFile(databasePath: folder.appending(path: "nowhere/martlet.db").path)
        let error = #expect(throws: ConfigurationError.self) { try file.readOrMake() }
        #expect(error?.description.contains("nowhere") == true)
    }

    @Test func `the operator's token is made at the first start and shown once`() async throws {
        defer { remove() }
        let store = MemoryStore()
        let first = try await InstallationSecrets.establish(try configuration(), store: store)
        let token = try #require(first.newAdminToken)
        #expect(token.exposed.utf8.count > 40)
        #expect(first.adminTokenHash == InstallationSecrets.hash(token.exposed))
        let second = try await InstallationSecrets.establish(try configuration(), store: store)
        #expect(second.newAdminToken == nil)
        #expect(second.adminTokenHash == first.adminTokenHash)
    }

    @Test func `a configured token stands above the made one`() async throws {
        defer { remove() }
        let store = MemoryStore()
        let made = try await InstallationSecrets.establish(try configuration(), store: store)
        let set = try await InstallationSecrets.establish(try configuration(["admin.token": "chosen"]), store: store)
        #expect(set.adminTokenHash == InstallationSecrets.hash("chosen"))
        #expect(set.newAdminToken == nil)
        let again = try await InstallationSecrets.establish(try configuration(), store: store)
        #expect(again.adminTokenHash == made.adminTokenHash)
    }

    @Test func `another key than the database's is refused at the start`() async throws {
        defer { remove() }
        let store = MemoryStore()
        _ = try await InstallationSecrets.establish(try configuration(), store: store)
        let other = Data(repeating: 1, count: 32).base64EncodedString()
        let wrong = try configuration(["secrets.key": other])
        let error = await #expect(throws: ConfigurationError.self) {
            try await InstallationSecrets.establish(wrong, store: store)
        }
        #expect(error?.description.contains("secrets.key") == true)
        #expect(error?.description.contains(other) == false)
    }
}
