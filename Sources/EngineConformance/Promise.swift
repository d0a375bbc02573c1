import Testing

/// One sentence of a port's documentation, and a check that an engine keeps it.
///
/// The lists of promises know no engine. An engine's tests run each promise against a fresh subject of its own, as one
/// case of a parameterised test.
package struct Promise<Subject: Sendable>: Sendable, CustomTestStringConvertible {
    package let testDescription: String
    /// Records an issue, or throws, when the promise is broken.
    package let check: @Sendable (Subject) async throws -> Void

    package init(_ description: String, check: @escaping @Sendable (Subject) async throws -> Void) {
        testDescription = description
        self.check = check
    }
}
