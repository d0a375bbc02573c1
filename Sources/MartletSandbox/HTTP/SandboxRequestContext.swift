import Foundation
import Hummingbird
import NIOCore

/// The context of a request, with the channel it came in on, so that faults can break the connection.
struct SandboxRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// Larger than any field that matters here, uploads apart, which do not go through it.
    var maxUploadSize: Int { 1 << 20 }
}

/// Thrown by a handler whose connection was closed on purpose: nothing can be answered any more.
struct ConnectionClosed: Error {}

extension Channel {
    /// Closes the connection at once. With a reset when the system allows: the peer then sees `ECONNRESET`, as from a
    /// provider that crashed, not an orderly end.
    func abort() async {
        if let socket = self as? any SocketOptionProvider {
            try? await socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        }
        try? await close().get()
    }
}
