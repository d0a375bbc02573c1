import Martlet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The right to dispatch from one database file. The kernel gives it back when the process ends, however that happens.
package final class WorkerLock: Sendable {
    private let descriptor: CInt

    /// Locks `PATH.worker-lock`, which is created when absent and left in place.
    init(databasePath: String) throws(StoreError) {
        let lockPath = databasePath + ".worker-lock"
        let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(.unavailable, "cannot open \(lockPath): \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw StoreError(.unavailable, "cannot lock \(lockPath): \(String(cString: strerror(reason)))")
            }
            throw StoreError(
                .conflict,
                "another process is already the worker of \(databasePath): a SQLite file has one, which keeps the rates"
            )
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Who has the right to dispatch from a database file, without taking it.
    package enum Holder: Sendable, Equatable {
        case nobody
        /// The process's number, where the system tells it.
        case process(Int32?)
    }

    /// Looks who holds the lock of a database. What cannot be looked at counts as held by nobody.
    package static func holder(databasePath: String) -> Holder {
        let descriptor = open(databasePath + ".worker-lock", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .nobody }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return .nobody }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { return .process(nil) }
        return .process(LockTable.current.holder(inode: UInt64(information.st_ino)))
    }
}

/// The kernel's list of file locks, `/proc/locks` (https://man7.org/linux/man-pages/man5/proc_locks.5.html).
struct LockTable {
    let text: String

    static var current: LockTable {
        guard let file = fopen("/proc/locks", "re") else { return LockTable(text: "") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < 1 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return LockTable(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The process that holds a lock on a whole file by `flock`; nil when the list does not tell. The device is not compared:
    /// stacked file systems show another one here than `stat` does.
    func holder(inode: UInt64) -> Int32? {
        for line in text.split(separator: "\n") {
            // 1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF
            let fields = line.split(separator: " ")
            guard fields.count >= 6, fields[1] == "FLOCK", fields[3] == "WRITE",
                fields[5].split(separator: ":").last.flatMap({ UInt64($0) }) == inode
            else { continue }
            return Int32(fields[4]).flatMap { $0 > 0 ? $0 : nil }
        }
        return nil
    }
}
