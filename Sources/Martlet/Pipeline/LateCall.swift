import Synchronization

/// A call whose target is made later than its caller: for parts that wake each other.
package final class LateCall<Argument: Sendable>: Sendable {
    /// A bare function as a mutex's value is wrapped once more whenever it is read, so that each call would cost more
    /// than the one before, and some ten thousand of them the stack. In a structure it stays as it is.
    private struct Target: Sendable {
        var function: @Sendable (Argument) -> Void
    }

    private let target = Mutex<Target?>(nil)

    package init() {}

    package func set(_ target: @escaping @Sendable (Argument) -> Void) {
        self.target.withLock { $0 = Target(function: target) }
    }

    package func call(_ argument: Argument) { target.withLock { $0 }?.function(argument) }
}
