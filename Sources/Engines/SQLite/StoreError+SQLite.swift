import GRDB
import Martlet

extension StoreError {
    /// Says in the ports' terms what SQLite answered. Carries neither the statement nor its arguments: those hold
    /// message bodies. Result codes: https://www.sqlite.org/rescode.html
    init(sqlite error: any Error, path: String) {
        switch error {
        case let error as StoreError: self = error
        case is CancellationError: self.init(.unavailable, "the call was cancelled")
        case let error as DatabaseError: self.init(error, path: path)
        default: self.init(.unavailable, "\(path): \(error)")
        }
    }

    private init(_ error: DatabaseError, path: String) {
        let words = error.message ?? error.resultCode.description
        switch error.resultCode {
        case .SQLITE_FULL: self.init(.full, "no room on the disk for \(path)", remedy: "make room on its file system")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                .unavailable, "\(path) is locked by another process (\(words))",
                remedy: "end the other program that writes to it")
        case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN:
            self.init(
                .unavailable, "\(path) cannot be written (\(words))",
                remedy: "give the file and its folder to the user martlet runs as")
        case .SQLITE_IOERR:
            self.init(.unavailable, "reading or writing \(path) failed (\(error.extendedResultCode): \(words))")
        case .SQLITE_NOTADB:
            self.init(
                .unusable, "\(path) is not a SQLite database", remedy: "name another file in store.url")
        case .SQLITE_CORRUPT:
            self.init(
                .unusable, "\(path) is damaged (\(words))", remedy: "put back the latest backup; keep the damaged file")
        case .SQLITE_CONSTRAINT
        where [.SQLITE_CONSTRAINT_UNIQUE, .SQLITE_CONSTRAINT_PRIMARYKEY].contains(error.extendedResultCode):
            self.init(.conflict, words)
        case .SQLITE_ERROR, .SQLITE_SCHEMA, .SQLITE_CONSTRAINT, .SQLITE_MISMATCH:
            self.init(.unusable, "\(path) does not have the expected schema (\(words))")
        default: self.init(.unavailable, "\(path): \(words)")
        }
    }
}
