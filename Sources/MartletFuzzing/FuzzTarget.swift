/// One kind of input from outside, and what must hold whatever its bytes are.
///
/// `make fuzz` gives a target bytes that libFuzzer makes up; `make test` gives it the corpus in `Tests/Fuzz/corpus`.
package struct FuzzTarget: Sendable, CustomStringConvertible {
    /// The name of the corpus' folder, and of the target on the command line.
    package let name: String
    /// Reads the bytes as the service would and compares what came of it with what is promised.
    package let check: @Sendable ([UInt8]) throws(BrokenPromise) -> Void

    package var description: String { name }

    /// Every target there is.
    package static let all: [FuzzTarget] = [
        FuzzTarget(name: "messages", check: MessagesTarget.check),
        FuzzTarget(name: "requests", check: RequestsTarget.check),
        FuzzTarget(name: "webhooks", check: WebhooksTarget.check),
        FuzzTarget(name: "responses", check: ResponsesTarget.check),
        FuzzTarget(name: "configuration", check: ConfigurationTarget.check),
        FuzzTarget(name: "texts", check: TextsTarget.check),
    ]

    /// The target of that name; nil when there is none.
    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Some input that made a reader do what it must not.
package struct BrokenPromise: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Goes on only when the condition holds.
func promise(_ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String) throws(BrokenPromise) {
    guard condition() else { throw BrokenPromise(message()) }
}
