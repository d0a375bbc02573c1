import Foundation
import MartletSandbox
import Testing

/// The provider's published Python SDK, unchanged, against the sandbox.
@Suite struct PythonSDKTests {
    /// The interpreter that has the SDK: the environment names it, else it is the project's own.
    private static var interpreter: String {
        ProcessInfo.processInfo.environment["MARTLET_TEST_PYTHON"]
            ?? packageRoot.appending(path: ".venv/bin/python").path
    }

    private static var packageRoot: URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    }

    @Test(.timeLimit(.minutes(2)), arguments: ["docs", "sdk"])
    func `the SDK does all it can do`(style: String) async throws {
        try #require(
            FileManager.default.isExecutableFile(atPath: Self.interpreter),
            "\(Self.interpreter) is missing: run `make test`, which makes it, or set MARTLET_TEST_PYTHON")
        let configure: @Sendable (inout SandboxConfiguration) -> Void = { configuration in
            // Long enough to ask for the QR code before it is scanned.
            configuration.linkDelay = .seconds(3)
            if style == "sdk" {
                configuration.webhookStyle.updateData = .array
                configuration.webhookStyle.upsertMessages = .object
                configuration.webhookStyle.status = .string
            }
        }
        try await withSandbox(configure) { running async throws in
            let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Python/sdk_check.py")
            let (status, output) = try await Self.execute([script.path, "\(running.base)/api", style])
            #expect(status == 0, "\(output)")
        }
    }

    /// Runs the interpreter and gathers what it writes.
    private static func execute(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: interpreter)
        process.arguments = arguments
        let file = FileManager.default.temporaryDirectory.appending(path: "sdk-check-\(UUID().uuidString).txt")
        _ = FileManager.default.createFile(atPath: file.path, contents: nil)
        defer { try? FileManager.default.removeItem(at: file) }
        let handle = try FileHandle(forWritingTo: file)
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        let status: Int32 = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
                do { try process.run() } catch { continuation.resume(throwing: error) }
            }
        } onCancel: {
            process.terminate()
        }
        return (status, try String(contentsOf: file, encoding: .utf8))
    }
}
