import Foundation
import MartletFuzzing
import Testing

/// Runs the fuzz targets without libFuzzer: on every input of the corpus, and on damaged copies of each.
@Suite struct CorpusTests {
    /// An input of the corpus, named as its file is.
    struct Input: Sendable, CustomTestStringConvertible {
        var target: FuzzTarget
        var file: URL
        var testDescription: String { "\(target.name)/\(file.lastPathComponent)" }

        func bytes() throws -> [UInt8] { try Array(Data(contentsOf: file)) }
    }

    static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(components: "..", "Fuzz", "corpus")

    static func inputs(of target: FuzzTarget) -> [Input] {
        let folder = corpus.appending(component: target.name)
        let files = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return (files ?? []).sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { Input(target: target, file: $0) }
    }

    static let inputs = FuzzTarget.all.flatMap { inputs(of: $0) }

    @Test(arguments: FuzzTarget.all) func `every target has a corpus`(_ target: FuzzTarget) {
        #expect(Self.inputs(of: target).count >= 10)
    }

    @Test(.timeLimit(.minutes(1)), arguments: inputs)
    func `every input of the corpus keeps the promises`(_ input: Input) throws {
        try input.target.check(input.bytes())
    }

    @Test(.timeLimit(.minutes(3)), arguments: inputs)
    func `damaged copies of it keep them, too`(_ input: Input) throws {
        let bytes = try input.bytes()
        var damage = Damage(seed: input.testDescription.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) })
        for _ in 0..<30 {
            let damaged = damage.apply(to: bytes)
            #expect(throws: Never.self, "\(String(decoding: damaged, as: UTF8.self).debugDescription)") {
                try input.target.check(damaged)
            }
        }
    }
}

/// Changes a few bytes, always the same ones for one seed.
private struct Damage {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    private mutating func next(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(bound))
    }

    private static let signs = Array("{}[]\":,\\/~&*|>-+0e.\n \0".utf8) + [0xCC, 0x81, 0xED, 0xA0, 0x80, 0xFF]

    mutating func apply(to bytes: [UInt8]) -> [UInt8] {
        var damaged = bytes
        for _ in 0...next(below: 3) {
            guard !damaged.isEmpty else { return damaged }
            let place = next(below: damaged.count)
            switch next(below: 5) {
            case 0: damaged[place] = Self.signs[next(below: Self.signs.count)]
            case 1: damaged.insert(Self.signs[next(below: Self.signs.count)], at: place)
            case 2: damaged.remove(at: place)
            case 3: damaged.removeSubrange(place...)
            default:
                let length = min(next(below: 40) + 1, damaged.count - place)
                damaged.insert(contentsOf: damaged[place..<place + length], at: next(below: damaged.count))
            }
        }
        return damaged
    }
}
