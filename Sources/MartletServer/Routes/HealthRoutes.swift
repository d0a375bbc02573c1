import Hummingbird
import Martlet
import Synchronization

/// Whether the process lives, and whether it can do its work.
final class HealthRoutes: Sendable {
    /// How long one check of the store answers for: anybody may ask, and each check is a durable write.
    static let checkedFor: Duration = .seconds(1)

    private let gateway: Gateway
    private let latest = Mutex<(at: MonotonicInstant, check: HealthRegister.Check)?>(nil)

    init(gateway: Gateway) { self.gateway = gateway }

    /// What is served.
    var routes: [Route] {
        [
            .get("/health/live", .anybody, { _ in .json(["status": "live"]) }),
            .get("/health/ready", .anybody, { _ in await self.ready() }),
        ]
    }

    private func ready() async -> Response {
        let store = await storeCheck()
        let checks = gateway.health.all.filter { $0.name != store.name } + [store]
        let isReady = checks.allSatisfy(\.isOK)
        let rendered = checks.sorted { $0.name < $1.name }.map { check -> JSONValue in
            var object: JSONObject = ["name": .string(check.name), "ok": .bool(check.isOK)]
            object["detail"] = check.detail.map { .string($0) }
            return .object(object)
        }
        return .json(
            ["status": .string(isReady ? "ready" : "not_ready"), "checks": .array(rendered)],
            status: isReady ? .ok : .serviceUnavailable, headers: isReady ? [:] : [.retryAfter: "1"])
    }

    private func storeCheck() async -> HealthRegister.Check {
        let now = gateway.time.monotonicNow()
        if let latest = latest.withLock({ $0 }), now - latest.at < Self.checkedFor { return latest.check }
        let check: HealthRegister.Check
        do throws(StoreError) {
            try await gateway.store.check()
            // A part that has said so itself keeps its words.
            check =
                gateway.health.all.first { $0.name == "store" } ?? HealthRegister.Check(name: "store", isOK: true)
        } catch {
            check = HealthRegister.Check(name: "store", isOK: false, detail: error.description)
        }
        latest.withLock { $0 = (now, check) }
        return check
    }
}
