import Synchronization

/// A prefixed, time-ordered, opaque id such as `msg_01KAW…`. The kind keeps ids of different things apart at compile time.
package struct Identifier<Kind: IdentifierKind>: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let text: String

    /// Takes a stored or generated text as it is.
    package init(unchecked text: String) { self.text = text }

    /// Reads an id from outside: right prefix, then 26 characters of Crockford's base 32, else nil.
    package init?(_ text: String) {
        guard text.hasPrefix(Kind.prefix) else { return nil }
        let rest = text.utf8.dropFirst(Kind.prefix.utf8.count)
        guard rest.count == 26, rest.allSatisfy({ IdentifierGenerator.alphabet.contains($0) }) else { return nil }
        self.text = text
    }

    /// 48 bits of milliseconds, then an 80-bit number, in Crockford's base 32 (the layout of a ULID): text order is order by
    /// time, then by number.
    package init(milliseconds: UInt64, number: UInt128) {
        let prefixCount = Kind.prefix.utf8.count
        text = String(unsafeUninitializedCapacity: prefixCount + 26) { buffer in
            _ = buffer.update(fromContentsOf: Kind.prefix.utf8)
            for index in 0..<10 {
                buffer[prefixCount + index] =
                    IdentifierGenerator.alphabet[Int(milliseconds >> (5 * UInt64(9 - index)) & 31)]
            }
            for index in 0..<16 {
                buffer[prefixCount + 10 + index] =
                    IdentifierGenerator.alphabet[Int(truncatingIfNeeded: number >> (5 * (15 - index)) & 31)]
            }
            return prefixCount + 26
        }
    }

    /// When the id was made, as it tells itself.
    package var madeAt: Timestamp {
        var milliseconds: Int64 = 0
        for digit in text.utf8.dropFirst(Kind.prefix.utf8.count).prefix(10) {
            milliseconds = milliseconds << 5 | Int64(IdentifierGenerator.alphabet.firstIndex(of: digit) ?? 0)
        }
        return Timestamp(milliseconds: min(milliseconds, 1 << 48))
    }

    package var description: String { text }
    package static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// What an id names.
package protocol IdentifierKind { static var prefix: String { get } }

package enum MessageKind: IdentifierKind { package static let prefix = "msg_" }
package enum ChannelKind: IdentifierKind { package static let prefix = "chn_" }
package enum TenantKind: IdentifierKind { package static let prefix = "ten_" }
package enum KeyKind: IdentifierKind { package static let prefix = "key_" }
package enum EventKind: IdentifierKind { package static let prefix = "evt_" }
package enum ReplayKind: IdentifierKind { package static let prefix = "rpl_" }

package typealias MessageID = Identifier<MessageKind>
package typealias ChannelID = Identifier<ChannelKind>
package typealias TenantID = Identifier<TenantKind>
package typealias KeyID = Identifier<KeyKind>
package typealias EventID = Identifier<EventKind>
package typealias ReplayID = Identifier<ReplayKind>

/// Makes ids of the time and 80 random bits, so that text order is time order. Two ids of the same millisecond from one generator are ordered, too: the second is the first plus one.
package final class IdentifierGenerator: Sendable {
    static let alphabet: [UInt8] = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    private struct State {
        var milliseconds: UInt64 = 0
        var high: UInt16 = 0
        var low: UInt64 = 0
    }

    private let state = Mutex(State())
    private let time: any TimeSource
    private let random: any RandomSource

    package init(time: any TimeSource = SystemTimeSource(), random: any RandomSource = SystemRandomSource()) {
        self.time = time
        self.random = random
    }

    package func next<Kind>(_: Kind.Type = Kind.self) -> Identifier<Kind> {
        let now = UInt64(max(0, time.now().milliseconds))
        let value = state.withLock { state in
            if now > state.milliseconds {
                state.milliseconds = now
                // The top bit stays clear so that counting up never runs over.
                state.high = UInt16(truncatingIfNeeded: random.next()) & 0x7FFF
                state.low = random.next()
            } else {
                state.low &+= 1
                if state.low == 0 { state.high &+= 1 }
            }
            return state
        }
        return Identifier(
            milliseconds: value.milliseconds, number: UInt128(value.high) << 64 | UInt128(value.low))
    }
}
