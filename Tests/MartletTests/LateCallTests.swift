import Martlet
import MartletTestSupport
import Testing

@Suite struct LateCallTests {
    /// Each call once wrapped the target anew: a node fell over its own stack after some hundred thousand messages.
    @Test func `a million calls cost no more stack than one`() {
        let call = LateCall<Void>()
        let calls = Recorder<Bool>()
        call.call(())
        call.set { calls.append(true) }
        for _ in 0..<1_000_000 { call.call(()) }
        #expect(calls.all.count == 1_000_000)
    }
}
