/// Keeps the throttle's states where all workers see them, under one clock for all.
///
/// States are small (a few kilobytes at most), and may be lost: who finds one missing forms it anew from the store's claims.
/// A state is lost only together with all others that were written before it.
package protocol ThrottleRegister: SeparateEngine {
    /// Reads the states under the keys (nil where there is none), lets `change` decide, and keeps what it made of them; nobody
    /// else reads or writes any of these keys in between. A state that `change` leaves as it was need not be written. `change`
    /// may be called several times, with newer states; what its last call answered counts.
    /// - parameter change: is given the states in the order of the keys, and the register's own clock: nanoseconds since 1970
    ///   that are read after the states are held, the same clock for all processes.
    /// - throws: when the register cannot be asked, or nobody knows whether the change was kept.
    func update<Answer: Sendable>(
        _ keys: [String],
        _ change: @escaping @Sendable (_ states: inout [[UInt8]?], _ now: MonotonicInstant) -> Answer
    ) async throws(StoreError) -> Answer
}
