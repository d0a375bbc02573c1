#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Whether a process like this one could listen at an address.
enum ListeningProbe: Sendable, Equatable {
    case possible
    /// Something listens there.
    case taken
    /// The address is none of this machine's.
    case foreignAddress
    /// The port wants a right that this user does not have.
    case forbidden
    /// Why the name or the address cannot be used, in the system's words.
    case unusable(String)

    /// Binds to the address for a moment. Nobody can connect meanwhile: nothing listens.
    static func of(host: String, port: Int) -> ListeningProbe {
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0, let first = list else { return .unusable(String(cString: gai_strerror(result))) }
        defer { freeaddrinfo(list) }
        let descriptor = socket(first.pointee.ai_family, first.pointee.ai_socktype, first.pointee.ai_protocol)
        guard descriptor >= 0 else { return .unusable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        // As the server does it: connections of an earlier process that still linger are no obstacle.
        var on: CInt = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<CInt>.size))
        if bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0 { return .possible }
        switch errno {
        case EADDRINUSE: return .taken
        case EADDRNOTAVAIL: return .foreignAddress
        case EACCES: return .forbidden
        default: return .unusable(String(cString: strerror(errno)))
        }
    }
}
