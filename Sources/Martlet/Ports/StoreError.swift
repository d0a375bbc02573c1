/// Why a store, queue or inbox could not do what it was asked. Nothing of the failed call is stored.
package struct StoreError: Error, Sendable, CustomStringConvertible {
    package struct Code: Sendable, Hashable {
        package let name: String
        /// Too much is waiting to be written; try again in a moment.
        package static let overloaded = Code(name: "overloaded")
        /// No room on the disk.
        package static let full = Code(name: "full")
        /// Cannot be reached, or cannot be written now.
        package static let unavailable = Code(name: "unavailable")
        /// A name or key that must be unique is taken.
        package static let conflict = Code(name: "conflict")
        /// It was written by a later version, or it is damaged.
        package static let unusable = Code(name: "unusable")
    }

    package var code: Code
    package var message: String
    /// What an operator can do about it, where the engine knows.
    package var remedy: String?
    /// What the engine is there for that failed; nil where it is the store, or where that goes without saying.
    package var part: SeparatePart?

    package init(_ code: Code, _ message: String, remedy: String? = nil) {
        self.code = code
        self.message = message
        self.remedy = remedy
    }

    /// The same, of an engine besides the store.
    package func of(_ part: SeparatePart) -> StoreError {
        var error = self
        error.part = part
        return error
    }

    package var description: String { "\(code.name): \(message)" }
    /// Whether the same call may succeed later without anybody's doing.
    package var isRetriable: Bool { [.overloaded, .full, .unavailable].contains(code) }
}
