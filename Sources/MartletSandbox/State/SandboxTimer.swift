/// Something the sandbox does later.
struct SandboxTimer: Sendable {
    enum Purpose: Sendable {
        /// The next stage of a message is due.
        case message(Int)
        /// A fault may be over.
        case faults
        /// A session that waits for its QR code, or restarts, becomes connected.
        case link(session: Int)
    }

    let purpose: Purpose
    /// When, in nanoseconds of the monotonic clock.
    let due: Int64
    /// Which life of the sandbox it belongs to: a reset begins a new one, and timers of the old are void.
    let generation: Int
}
