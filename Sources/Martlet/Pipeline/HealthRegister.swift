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

    private let checks = Mutex<[String: Check]>([:])

    package init() {}

    /// Sets what a part says. A part that never said anything is not asked about.
    package func report(_ name: String, isOK: Bool, detail: String? = nil) {
        checks.withLock { $0[name] = Check(name: name, isOK: isOK, detail: detail) }
    }

    package var all: [Check] { checks.withLock { $0.values.sorted { $0.name < $1.name } } }
    package var isReady: Bool { checks.withLock { $0.values.allSatisfy(\.isOK) } }
}
