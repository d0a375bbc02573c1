import NIOCore
import Synchronization

/// Requests that a fault holds open without an answer.
final class HeldRequests: Sendable {
    private struct Held: Sendable {
        let fault: Int
        let release: EventLoopPromise<Void>
    }

    private struct State: Sendable {
        var nextID = 0
        var held: [Int: Held] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Waits until the fault is ended, the time is over, or the sandbox stops.
    ///
    /// - Parameters:
    ///   - fault: the number of the fault that holds the request.
    ///   - eventLoop: the connection's.
    func wait(fault: Int, upTo limit: Duration, on eventLoop: any EventLoop) async {
        let release = eventLoop.makePromise(of: Void.self)
        let id: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.nextID += 1
            state.held[state.nextID] = Held(fault: fault, release: release)
            return state.nextID
        }
        guard let id else { return release.succeed() }
        let timer = eventLoop.scheduleTask(in: .nanoseconds(limit.nanosecondsRounded)) {
            self.state.withLock { $0.held.removeValue(forKey: id) }?.release.succeed()
        }
        try? await release.futureResult.get()
        timer.cancel()
    }

    /// Lets the requests of one fault go, or all.
    func release(fault: Int? = nil) {
        let released = state.withLock { state in
            let released = state.held.filter { fault == nil || $0.value.fault == fault }
            for id in released.keys { state.held[id] = nil }
            return released
        }
        for held in released.values { held.release.succeed() }
    }

    /// Lets all go, and holds none from now on.
    func close() {
        state.withLock { $0.isClosed = true }
        release()
    }
}
