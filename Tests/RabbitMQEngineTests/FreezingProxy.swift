#if RabbitMQ
    import Foundation
    import Synchronization

    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// Passes connections on to a port of this machine, until it is frozen: then those that are there stay open, and nothing
    /// passes on them any more, as when a machine between the two is gone. Later connections pass.
    final class FreezingProxy: Sendable {
        /// Two ends of one connection, and whether it is frozen.
        private final class Link: Sendable {
            let ends: (Int32, Int32)
            let isFrozen = Mutex(false)
            init(_ ends: (Int32, Int32)) { self.ends = ends }
        }

        let port: Int
        private let listener: Int32
        private let links = Mutex<[Link]>([])

        init(to target: Int) throws {
            let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            self.listener = listener
            var address = Self.address(port: 0)
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isListening = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener, $0, length) == 0 && listen(listener, 16) == 0
                        && getsockname(listener, $0, &length) == 0
                }
            }
            guard isListening else { throw TestServer.Failure(description: "no port to listen on") }
            port = Int(UInt16(bigEndian: address.sin_port))
            Thread.detachNewThread { [self] in
                while case let near = accept(listener, nil, nil), near >= 0 { link(near, to: target) }
            }
        }

        func freeze() {
            for link in links.withLock({ $0 }) { link.isFrozen.withLock { $0 = true } }
        }

        func close() {
            shutdown(listener, Int32(SHUT_RDWR))
            for link in links.withLock({ $0 }) {
                shutdown(link.ends.0, Int32(SHUT_RDWR))
                shutdown(link.ends.1, Int32(SHUT_RDWR))
            }
        }

        private func link(_ near: Int32, to target: Int) {
            let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = Self.address(port: target)
            _ = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            let link = Link((near, far))
            links.withLock { $0.append(link) }
            for (from, to) in [(near, far), (far, near)] {
                Thread.detachNewThread {
                    var bytes = [UInt8](repeating: 0, count: 16_384)
                    while case let count = read(from, &bytes, bytes.count), count > 0 {
                        if link.isFrozen.withLock(\.self) { continue }
                        guard send(to, &bytes, count, Int32(MSG_NOSIGNAL)) == count else { break }
                    }
                    // Frozen, neither side learns that the other has gone.
                    if !link.isFrozen.withLock(\.self) { shutdown(to, Int32(SHUT_RDWR)) }
                }
            }
        }

        private static func address(port: Int) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return address
        }
    }
#endif
