import Synchronization

/// A call whose target is made later than its caller: for parts that wake each other.
package final class LateCall<Argument: Sendable>: Sendable {
    private let target = Mutex<(@Sendable (Argument) -> Void)?>(nil)

    package init() {}

    package func set(_ target: @escaping @Sendable (Argument) -> Void) { self.target.withLock { $0 = target } }

    package func call(_ argument: Argument) { target.withLock { $0 }?(argument) }
}
