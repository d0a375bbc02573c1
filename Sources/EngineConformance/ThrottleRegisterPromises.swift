import Martlet
import Testing

/// A register that holds nothing, and a way to what another process sees of the same data.
package struct ThrottleRegisterFixture: Sendable {
    package let register: any ThrottleRegister
    /// Opens a register of its own on the same data, with connections of its own. Whoever made the fixture closes it.
    package let another: @Sendable () async throws -> any ThrottleRegister

    package init(_ register: any ThrottleRegister, another: @escaping @Sendable () async throws -> any ThrottleRegister)
    {
        self.register = register
        self.another = another
    }
}

/// What ``ThrottleRegister`` promises.
package enum ThrottleRegisterPromises {
    private static func bytes(_ number: Int64) -> [UInt8] { Array("\(number)".utf8) }

    private static func number(_ state: [UInt8]?) -> Int64 {
        state.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    private static func read(_ keys: [String], from register: any ThrottleRegister) async throws -> [[UInt8]?] {
        try await register.update(keys) { states, _ in states }
    }

    private static func write(_ values: [String: [UInt8]?], to register: any ThrottleRegister) async throws {
        let keys = Array(values.keys)
        try await register.update(keys) { states, _ in
            for (index, key) in keys.enumerated() { states[index] = values[key] ?? nil }
        }
    }

    package static let all: [Promise<ThrottleRegisterFixture>] = states + atomicity + clock

    private static let states: [Promise<ThrottleRegisterFixture>] = [
        Promise("a state that was never written is missing") { fixture async throws in
            #expect(try await read(["one", "two"], from: fixture.register) == [nil, nil])
            #expect(try await read([], from: fixture.register).isEmpty)
        },
        Promise("a state that was written is seen whole by every process") { fixture in
            let state = (0..<4096).map { UInt8(truncatingIfNeeded: $0) }
            try await write(["whole": state], to: fixture.register)
            #expect(try await read(["whole"], from: fixture.register) == [state])
            #expect(try await read(["whole"], from: try await fixture.another()) == [state])
        },
        Promise("a state without a byte is not a missing one") { fixture in
            try await write(["empty": [], "other": [0]], to: fixture.register)
            #expect(try await read(["empty", "missing", "other"], from: fixture.register) == [[], nil, [0]])
            try await write(["empty": [1]], to: fixture.register)
            #expect(try await read(["empty"], from: fixture.register) == [[1]])
        },
        Promise("a state that is taken away is missing") { fixture in
            try await write(["gone": [1], "kept": [2]], to: fixture.register)
            try await write(["gone": nil], to: fixture.register)
            #expect(try await read(["gone", "kept"], from: try await fixture.another()) == [nil, [2]])
        },
        Promise("states are given in the order of the keys, whatever characters these have") { fixture in
            let keys = ["b", "a", "chn_1/high", "ten 2:\u{1F426}", "{x}"]
            for (index, key) in keys.enumerated() {
                try await write([key: [UInt8(index)]], to: fixture.register)
            }
            #expect(try await read(keys, from: fixture.register) == [[0], [1], [2], [3], [4]])
            #expect(try await read(keys.reversed(), from: fixture.register) == [[4], [3], [2], [1], [0]])
        },
        Promise("what the change answers is handed back") { fixture in
            let answer = try await fixture.register.update(["answer"]) { states, _ in
                states[0] = [7]
                return "written"
            }
            #expect(answer == "written")
        },
        Promise("what one change leaves as it was stays") { fixture in
            try await write(["first": [1], "second": [2]], to: fixture.register)
            try await fixture.register.update(["first", "second"]) { states, _ in states[1] = [3] }
            #expect(try await read(["first", "second"], from: fixture.register) == [[1], [3]])
        },
        Promise("it can be read and written now") { fixture in try await fixture.register.check() },
        Promise("states outlive the process that wrote them") { fixture in
            let other = try await fixture.another()
            try await write(["left": [9]], to: other)
            await other.close()
            #expect(try await read(["left"], from: fixture.register) == [[9]])
        },
    ]

    private static let atomicity: [Promise<ThrottleRegisterFixture>] = [
        Promise("of increments from two processes none is lost") { fixture in
            let registers = [fixture.register, try await fixture.another()]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        for _ in 0..<25 {
                            try await registers[task % 2].update(["count"]) { states, _ in
                                states[0] = bytes(number(states[0]) + 1)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(number(try await read(["count"], from: fixture.register)[0]) == 200)
        },
        Promise("several keys change all or none, in whatever order they are named") { fixture in
            let registers = [fixture.register, try await fixture.another()]
            try await write(["left": bytes(1000), "right": bytes(1000)], to: fixture.register)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<6 {
                    let keys = task % 3 == 0 ? ["right", "left"] : ["left", "right"]
                    group.addTask {
                        for step in 0..<20 {
                            let amount = Int64(task + step)
                            let sum = try await registers[task % 2].update(keys) { states, _ in
                                let sum = number(states[0]) + number(states[1])
                                states[0] = bytes(number(states[0]) - amount)
                                states[1] = bytes(number(states[1]) + amount)
                                return sum
                            }
                            #expect(sum == 2000)
                        }
                    }
                }
                for _ in 0..<2 {
                    group.addTask {
                        for _ in 0..<20 {
                            let states = try await read(["left", "right"], from: registers[1])
                            #expect(number(states[0]) + number(states[1]) == 2000)
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
        Promise("changes of different keys do not lose each other") { fixture in
            let registers = [fixture.register, try await fixture.another()]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<8 {
                    group.addTask {
                        for _ in 0..<10 {
                            try await registers[task % 2].update(["shared", "own-\(task)"]) { states, _ in
                                states[0] = bytes(number(states[0]) + 1)
                                states[1] = bytes(number(states[1]) + 1)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            let keys = ["shared"] + (0..<8).map { "own-\($0)" }
            #expect(try await read(keys, from: fixture.register).map(number) == [80] + Array(repeating: 10, count: 8))
        },
        Promise("what counts is what the last call of the change answered") { fixture in
            let registers = [fixture.register, try await fixture.another()]
            let answers = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for task in 0..<6 {
                    group.addTask {
                        var given: [Int64] = []
                        for _ in 0..<10 {
                            given.append(
                                try await registers[task % 2].update(["ticket"]) { states, _ in
                                    let next = number(states[0]) + 1
                                    states[0] = bytes(next)
                                    return next
                                })
                        }
                        return given
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(answers.sorted() == Array(1...60))
        },
    ]

    private static let clock: [Promise<ThrottleRegisterFixture>] = [
        Promise("the clock does not go back from one change of a state to the next, whoever makes them") { fixture in
            let registers = [fixture.register, try await fixture.another()]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for task in 0..<6 {
                    group.addTask {
                        for _ in 0..<20 {
                            let wentBack = try await registers[task % 2].update(["clock"]) { states, now in
                                let earlier = number(states[0])
                                states[0] = bytes(now.nanoseconds)
                                return now.nanoseconds < earlier
                            }
                            #expect(!wentBack)
                        }
                    }
                }
                try await group.waitForAll()
            }
        },
        Promise("the clock counts nanoseconds since 1970, and goes on") { fixture in
            let first = try await fixture.register.update(["any"]) { _, now in now }
            // Any moment after this was written, in a century in which 64 bits suffice.
            #expect(first.nanoseconds > 1_700_000_000_000_000_000)
            #expect(first.nanoseconds < 4_000_000_000_000_000_000)
            var last = first
            for _ in 0..<1000 where last == first {
                last = try await fixture.register.update(["any"]) { _, now in now }
            }
            #expect(last > first)
        },
    ]
}
