import Foundation

/// Where a host is, as far as its name or address tells.
enum NetworkPlace: Sendable, Equatable {
    /// This machine.
    case loopback
    /// A private network: reachable from there alone.
    case privateNetwork
    case `public`

    /// Nothing is resolved: a name counts as public unless its form says otherwise.
    static func of(host: String) -> NetworkPlace {
        let host = host.lowercased().trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || host == "::" { return .loopback }
        let octets = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        if octets.count == 4, let a = octets[0], let b = octets[1], octets.allSatisfy({ $0 != nil }) {
            switch (a, b) {
            case (127, _), (0, _): return .loopback
            case (10, _), (172, 16...31), (192, 168), (169, 254), (100, 64...127): return .privateNetwork
            default: return .public
            }
        }
        if host.contains(":") {
            return ["fc", "fd", "fe8", "fe9", "fea", "feb"].contains { host.hasPrefix($0) } ? .privateNetwork : .public
        }
        let privateEndings = [".local", ".internal", ".lan", ".home.arpa"]
        return !host.contains(".") || privateEndings.contains { host.hasSuffix($0) } ? .privateNetwork : .public
    }

    /// The same of a URL's host; nil where there is none.
    static func of(url: String) -> NetworkPlace? {
        URLComponents(string: url)?.host.map(of(host:))
    }
}
