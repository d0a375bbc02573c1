#if Kafka
    import EngineConformance
    import Foundation

    /// Brokers of a test's own, which can be taken away from it.
    final class MockCluster {
        private let process = Process()
        private let input = Pipe()
        private let output = Pipe()
        let url: String

        init() throws {
            // Beside the tests' own program.
            let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
                .appendingPathComponent("MartletKafkaMock")
            let built = [program, URL(fileURLWithPath: ".build/debug/MartletKafkaMock")].first {
                FileManager.default.isExecutableFile(atPath: $0.path)
            }
            guard let built else { throw Broken("MartletKafkaMock is not built: swift build --traits AllEngines") }
            process.executableURL = built
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            url = "kafka://\(try Self.line(from: output))"
        }

        /// Gives a command and waits until it is carried out.
        func tell(_ command: String) throws {
            try input.fileHandleForWriting.write(contentsOf: Data("\(command)\n".utf8))
            let answer = try Self.line(from: output)
            guard answer == "ok" else { throw Broken("the brokers answered \(command) with \(answer)") }
        }

        func end() {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
        }

        private static func line(from pipe: Pipe) throws -> String {
            var bytes: [UInt8] = []
            while let byte = try pipe.fileHandleForReading.read(upToCount: 1)?.first, byte != UInt8(ascii: "\n") {
                bytes.append(byte)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// Runs the body with brokers and a topic of its own.
    func withMockCluster(_ body: (MockCluster, TestTopic) async throws -> Void) async throws {
        let cluster = try MockCluster()
        defer { cluster.end() }
        try await withTestTopic(on: cluster.url) { topic in try await body(cluster, topic) }
    }
#endif
