#if Redis
    import Foundation
    import Synchronization

    @testable import RedisEngine

    /// A server of one test's own, which it may restart, freeze and flush.
    final class PrivateServer: Sendable {
        let port: Int
        private let folder: URL
        private let options: [String]
        private let process = Mutex<Process?>(nil)

        var url: String { "redis://127.0.0.1:\(port)" }

        init(_ options: [String]) throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "martlet-redis-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            port = try Self.freePort()
            self.options = options
        }

        /// Returns when the server answers.
        func start() async throws {
            let process = Process()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments =
                ["redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""]
                + options
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            self.process.withLock { $0 = process }
            var options = RedisOptions()
            options.pauseMax = .milliseconds(50)
            let link = RedisLink(try RedisAddress(url: url), name: "test", options: options)
            _ = try await eventually("the server answers") {
                do {
                    return try await link.perform([Array("PING".utf8)])
                } catch RedisFailure.notSent(let error)
                    where error.code == .unavailable && error.message.contains("efused")
                {
                    return nil
                } catch {
                    // It is there, whatever else it says.
                    return RedisAnswer(reply: .none, serverRun: "")
                }
            }
            await link.close()
        }

        /// Ends the server as a crash does, and returns when it has ended.
        func kill() async throws {
            guard let process = process.withLock({ $0 }) else { return }
            // Not SIGTERM: a child inherits the signals that the thread which starts it blocks, and here that is one of them.
            signal(SIGKILL)
            _ = try await eventually("the server has ended") { process.isRunning ? nil : true }
            self.process.withLock { $0 = nil }
        }

        /// Keeps the connections, and answers none: as a machine does that is gone without a word.
        func freeze() { signal(SIGSTOP) }

        func thaw() { signal(SIGCONT) }

        func remove() async throws {
            try await kill()
            try FileManager.default.removeItem(at: folder)
        }

        private func signal(_ number: Int32) {
            process.withLock { process in
                if let process, process.isRunning { _ = Foundation.kill(process.processIdentifier, number) }
            }
        }

        /// A port that is free, and to which a server of a cluster can add ten thousand for its second one.
        private static func freePort() throws -> Int {
            for _ in 0..<1000 {
                let port = try anyFreePort()
                if port <= 55_000 { return port }
            }
            throw NeverHappened(description: "no port is free")
        }

        private static func anyFreePort() throws -> Int {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(descriptor) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isKnown = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
                }
            }
            guard isKnown else { throw NeverHappened(description: "no port is free") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
    }

    /// Runs the body with a server of its own, which is gone afterwards.
    func withPrivateServer(
        _ options: [String] = ["--appendonly", "yes", "--appendfsync", "always"],
        _ body: (PrivateServer) async throws -> Void
    ) async throws {
        let server = try PrivateServer(options)
        do {
            try await server.start()
            try await body(server)
        } catch {
            try await server.remove()
            throw error
        }
        try await server.remove()
    }
#endif
