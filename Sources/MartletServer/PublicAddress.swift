import Synchronization

/// How the outside reaches this server. Known from the configuration, or else once it listens.
final class PublicAddress: Sendable {
    private let current: Mutex<String>
    private let isConfigured: Bool

    /// - parameter configured: the operator's word, which then stands.
    init(configured: String?, fallback: String) {
        isConfigured = configured != nil
        var url = configured ?? fallback
        while url.hasSuffix("/") { url.removeLast() }
        current = Mutex(url)
    }

    /// Without a slash at its end.
    var url: String { current.withLock { $0 } }

    /// Takes over where the server listens, unless the operator has said otherwise.
    func listening(at url: String) {
        guard !isConfigured else { return }
        current.withLock { $0 = url }
    }
}
