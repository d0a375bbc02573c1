import Synchronization

/// What the parts of a process say of themselves, for `/health/ready`.
package final class HealthRegister: Sendable {
    package struct Check: Sendable, Equatable {
        package var name: String
        package var isOK: Bool
        package var detail: String?

        package init(name: String, isOK: Bool, detail: String? = nil) {
            self.name = name
            self.isOK = isOK
            self.detail = detail
        }
    }

    /// Answers for parts that cannot be relied on to say that they are not well.
    package typealias Probe = @Sendable () -> [Check]

    private struct State: Sendable {
        var reported: [String: Check] = [:]
        var probes: [Probe] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Sets what a part says. A part that never said anything is not asked about.
    package func report(_ name: String, isOK: Bool, detail: String? = nil) {
        state.withLock { $0.reported[name] = Check(name: name, isOK: isOK, detail: detail) }
    }

    /// Asks the probe whenever somebody wants to know.
    package func watch(_ probe: @escaping Probe) { state.withLock { $0.probes.append(probe) } }

    /// Every check, by name. Where a part is spoken of twice, what is wrong wins.
    package var all: [Check] {
        let state = state.withLock { $0 }
        var checks = state.reported
        for check in state.probes.flatMap({ $0() }) where checks[check.name]?.isOK != false {
            checks[check.name] = check
        }
        return checks.values.sorted { $0.name < $1.name }
    }

    package var isReady: Bool { all.allSatisfy(\.isOK) }
}
