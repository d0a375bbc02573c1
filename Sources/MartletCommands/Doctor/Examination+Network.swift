import Martlet

extension Examination {
    /// Whether the address to listen on can be had, who listens there, and who dispatches from the store.
    mutating func examineAddress(_ configuration: NodeConfiguration) async {
        let http = configuration.http
        let place = "\(http.host.contains(":") ? "[\(http.host)]" : http.host):\(http.port)"
        let holder = composition.workerHolder(configuration)
        guard http.port != 0 else {
            add("address", .ok, "any free port of \(http.host)")
            return addWorker(holder, configuration, place: place)
        }
        switch ListeningProbe.of(host: http.host, port: http.port) {
        case .possible: add("address", .ok, "\(place) is free")
        case .taken: await examineListener(configuration, place: place, holder: holder)
        case .foreignAddress:
            add(
                "address", .failed, "\(http.host) is no address of this machine",
                remedy: "set http.host to 0.0.0.0, or to an address that `ip address` shows")
        case .forbidden:
            add(
                "address", .failed, "this user may not listen on port \(http.port)",
                remedy: "set http.port above 1023 and put a proxy in front, or give the service CAP_NET_BIND_SERVICE")
        case .unusable(let reason):
            add(
                "address", .failed, "\(place) cannot be used: \(reason)",
                remedy: "set http.host to an address of this machine")
        }
        addWorker(holder, configuration, place: place)
    }

    private mutating func examineListener(
        _ configuration: NodeConfiguration, place: String, holder: WorkerHolder?
    ) async {
        let isTLS = configuration.http.tls != nil
        let url = "\(isTLS ? "https" : "http")://\(Self.reachable(configuration.http.host)):\(configuration.http.port)"
        let isWorkerKnown = if case .process? = holder { true } else { false }
        switch await Reach.who(at: url) {
        case .martlet:
            isServing = true
            add("address", .ok, "a Martlet listens on \(place)")
            for part in await Reach.unwell(at: url) ?? [] {
                add(
                    "running service", .failed, "its \(part.name) is not well: \(part.detail)",
                    remedy: "see its log; what it says there about the \(part.name) names the cause")
            }
        case .nothing(let reason) where isTLS && isWorkerKnown:
            // A certificate for the public name is none for this address, so who answers cannot be told; the worker is.
            isServing = true
            add("address", .ok, "something listens on \(place); who it is cannot be told over TLS (\(reason))")
        case .other(let what), .nothing(let what):
            add(
                "address", .failed, "something that is not Martlet listens on \(place) (\(what))",
                remedy: "end it, or set http.port to another port")
        }
    }

    /// The address under which a server that listens on all of them is reached from here.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "[::1]"
        default: host.contains(":") ? "[\(host)]" : host
        }
    }

    private mutating func addWorker(_ holder: WorkerHolder?, _ configuration: NodeConfiguration, place: String) {
        guard configuration.roles.contains(.worker), let holder else { return }
        switch holder {
        case .nobody where isServing:
            add(
                "worker", .failed, "the Martlet on \(place) does not dispatch from this database",
                remedy: "run doctor with the configuration that service has, or end that service")
        case .nobody: add("worker", .ok, "nobody dispatches from this database now")
        case .process(let id):
            let who = id.map { "process \($0)" } ?? "another process"
            if isServing {
                add("worker", .ok, "\(who) dispatches from this database")
            } else {
                add(
                    "worker", .failed, "\(who) dispatches from this database, and no Martlet answers on \(place)",
                    remedy: "end \(who) before you start another, or run doctor with the configuration it has")
            }
        }
    }

    /// Whether providers can call back.
    /// - parameter callers: channels whose provider is somewhere on the Internet.
    mutating func examinePublicURL(_ configuration: NodeConfiguration, callers: [Channel]) async {
        let name = "public URL"
        let example = "set http.public_url to the address that reaches this service, such as https://notify.example.com"
        guard let url = configuration.http.publicURL else {
            guard let caller = callers.first else {
                return add(name, .ok, "none is set, and no channel's provider is outside of this network")
            }
            return add(
                name, .failed, "none is set, so the provider of channel \(caller.name) cannot send webhooks here",
                remedy: example)
        }
        if let caller = callers.first, NetworkPlace.of(url: url) != .public {
            return add(
                name, .failed,
                "\(url) is not reachable from the Internet, where the provider of channel \(caller.name) is",
                remedy: example)
        }
        guard isServing || configuration.http.port == 0 else {
            return add(name, .ok, "\(url); it is tried when the service runs")
        }
        switch await Reach.who(at: url) {
        case .martlet where url.hasPrefix("http:") && !callers.isEmpty:
            add(
                name, .warning, "\(url) leads here, but without TLS: webhook secrets can be read on the way",
                remedy: "put a proxy with a certificate in front and set http.public_url to its https address")
        case .martlet: add(name, .ok, "\(url) leads here")
        case .other(let what):
            add(
                name, .failed, "\(url) leads to something that is not Martlet (\(what))",
                remedy: "let the proxy there pass /webhooks/ on to this service, or correct http.public_url")
        case .nothing(let reason):
            add(
                name, .failed, "\(url) cannot be reached: \(reason)",
                remedy: "check the name, the proxy and the firewall, or correct http.public_url")
        }
    }

    /// How far this machine's clock and a provider's may differ.
    static let clockLeadMax: Duration = .seconds(60)

    /// Compares the clock with that of each provider that channels use.
    mutating func examineClock(providers urls: Set<String>) async {
        for url in urls.sorted() {
            guard let lead = await Reach.clockLead(at: url) else { continue }
            let host = url.split(separator: "/").dropFirst().first.map(String.init) ?? url
            let seconds = Int(abs(lead.seconds))
            if seconds > Int(Self.clockLeadMax.seconds) {
                add(
                    "clock", .failed,
                    "this machine's clock is \(seconds) s \(lead > .zero ? "behind" : "ahead of") that of \(host)",
                    remedy: "set it by the network: timedatectl set-ntp true")
            } else {
                add("clock", .ok, "agrees with that of \(host)")
            }
        }
    }
}
