#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The room on a file system.
struct DiskRoom: Sendable, Equatable {
    /// Bytes that a process without special rights may still write.
    var free: UInt64
    var total: UInt64

    /// Below this, a busy hour may be the last.
    static let failsBelow: UInt64 = 100 << 20
    /// Below this or a twentieth of the whole, whichever is less, it is time to do something.
    static let warnsBelow: UInt64 = 1 << 30

    init(free: UInt64, total: UInt64) {
        self.free = free
        self.total = total
    }

    /// Looks at the file system that holds the path; nil when it cannot be asked.
    init?(path: String) {
        var information = statvfs()
        guard statvfs(path, &information) == 0, information.f_blocks > 0 else { return nil }
        free = UInt64(information.f_bavail) * UInt64(information.f_frsize)
        total = UInt64(information.f_blocks) * UInt64(information.f_frsize)
    }

    /// What to make of it.
    var state: Finding.State {
        if free < Self.failsBelow { return .failed }
        return free < min(Self.warnsBelow, max(Self.failsBelow, total / 20)) ? .warning : .ok
    }

    /// The free room for people.
    var freeText: String {
        free >= 10 << 30 ? "\(free >> 30) GiB" : "\(free >> 20) MiB"
    }
}
