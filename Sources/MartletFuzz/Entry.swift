import MartletFuzzing

#if canImport(Glibc)
    import Glibc
#endif

/// The target that `FUZZ_TARGET` names.
private let target: FuzzTarget = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    guard let target = FuzzTarget.named(name) else {
        let names = FuzzTarget.all.map(\.name).joined(separator: ", ")
        fputs("FUZZ_TARGET must be one of \(names)\n", stderr)
        exit(2)
    }
    return target
}()

/// What libFuzzer calls with each input it makes up. A promise that is broken ends the process, which libFuzzer takes for a
/// crash: it keeps the input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    do throws(BrokenPromise) {
        try target.check(bytes)
    } catch {
        fputs("broken promise: \(error)\n", stderr)
        abort()
    }
    return 0
}
