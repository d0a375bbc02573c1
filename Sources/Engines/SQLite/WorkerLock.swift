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
}
