import Foundation
import Martlet
import Testing

@Suite struct JSONParserTests {
    // MARK: Accepted (RFC 8259)

    static let accepted: [(String, JSONValue)] = [
        ("null", nil), ("true", true), ("false", false),
        (" \t\r\n1 \n", 1),
        ("0", 0), ("-0", 0), ("-1", -1), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)),
        ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("0.5", 0.5), ("-0.0", .double(-0.0)),
        ("1e3", .double(1000)), ("1E+2", .double(100)), ("1e-2", .double(0.01)), ("1.5e300", .double(1.5e300)),
        ("1e-400", .double(0)),
        (#""""#, ""), (#""a""#, "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud83c\udf89""#, "🎉"), (#""\uD83C\uDF89""#, "🎉"),
        (#""\u0000""#, "\u{0}"), ("\"é€🎉\u{7F}\"", "é€🎉\u{7F}"), ("\"\u{2028}\u{FEFF}\"", "\u{2028}\u{FEFF}"),
        ("[]", []), ("[ ]", []), ("[1,2]", [1, 2]), ("[[],[[1]]]", [[], [[1]]]),
        ("{}", [:]), ("{ }", [:]), (#"{"a":1}"#, ["a": 1]), (#"{ "b" : [ ] , "a" : { } }"#, ["b": [], "a": [:]]),
        (#"{"":1}"#, ["": 1]), (#"{"a":1,"A":2}"#, ["a": 1, "A": 2]),
    ]

    @Test func `a pointer escapes signs that a combining mark follows`() {
        #expect(JSONPointer.escape("a/\u{301}b~\u{301}c") == "a~1\u{301}b~0\u{301}c")
        #expect(JSONPointer.escape("~1/") == "~01~1")
        #expect(JSONPointer.escape("caf\u{e9}") == "caf\u{e9}")
    }

    @Test(arguments: accepted) func `accepts`(_ text: String, _ value: JSONValue) throws {
        #expect(try JSONParser.value(text) == value)
    }

    // MARK: Refused

    static let refused: [(String, JSONParseError.Reason)] = [
        ("", .unexpectedEnd), (" ", .unexpectedEnd),
        ("nul", .unexpectedEnd), ("nulL", .unexpectedByte), ("True", .unexpectedByte), ("truex", .trailingBytes),
        ("1 2", .trailingBytes), ("{}}", .trailingBytes), ("[]]", .trailingBytes), ("\u{FEFF}1", .unexpectedByte),
        ("01", .trailingBytes), ("-", .unexpectedEnd), ("-a", .invalidNumber), ("+1", .unexpectedByte),
        (".5", .unexpectedByte),
        ("1.", .invalidNumber), ("1.e1", .invalidNumber), ("1e", .invalidNumber), ("1e+", .invalidNumber),
        ("1e400", .invalidNumber), ("0x1", .trailingBytes), ("NaN", .unexpectedByte), ("Infinity", .unexpectedByte),
        ("\"", .unexpectedEnd), ("\"a", .unexpectedEnd), ("'a'", .unexpectedByte), ("\"\\\"", .unexpectedEnd),
        (#""\x""#, .invalidEscape), (#""\u12""#, .unexpectedEnd), (#""\u12"  "#, .invalidEscape),
        (#""\u00g0""#, .invalidEscape),
        (#""\"#, .unexpectedEnd), ("\"a\nb\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
        ("\"\\n\u{1F}\"", .controlCharacter),
        ("[", .unexpectedEnd), ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd), ("[1,]", .unexpectedByte),
        ("[,1]", .unexpectedByte),
        ("[1 2]", .unexpectedByte), ("[1}", .unexpectedByte),
        ("{", .unexpectedEnd), (#"{"a""#, .unexpectedEnd), (#"{"a":"#, .unexpectedEnd), (#"{"a":1"#, .unexpectedEnd),
        (#"{"a":1,"#, .unexpectedEnd), (#"{"a":1,}"#, .unexpectedByte), (#"{a:1}"#, .unexpectedByte),
        (#"{1:1}"#, .unexpectedByte),
        (#"{"a" 1}"#, .unexpectedByte), (#"{"a":}"#, .unexpectedByte), (#"{"a":1]"#, .unexpectedByte),
        (#"{"a":1,"a":2}"#, .duplicateName), (#"{"a":1,"\u0061":2}"#, .duplicateName),
        (#"[{"x":{"":1,"":1}}]"#, .duplicateName),
        ("/* */1", .unexpectedByte), ("1//", .trailingBytes), ("\u{A0}1", .unexpectedByte), ("1\u{0}", .trailingBytes),
    ]

    @Test(arguments: refused) func `refuses`(_ text: String, _ reason: JSONParseError.Reason) {
        let error = #expect(throws: JSONParseError.self) { try JSONParser.value(text) }
        #expect(error?.reason == reason)
    }

    static let notUTF8: [[UInt8]] = [
        [0xFF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80],
        [0xF4, 0x90, 0x80, 0x80], [0x80],
    ]

    @Test(arguments: notUTF8) func `refuses strings that are not UTF-8, with escapes or without`(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        for text in [[quote] + bytes + [quote], [quote] + Array(#"\n"#.utf8) + bytes + [quote]] {
            let error = #expect(throws: JSONParseError.self) { try JSONParser.value(text) }
            #expect(error?.reason == .notUTF8)
        }
        #expect(throws: JSONParseError.self) { try JSONParser.value(bytes) }
    }

    @Test func `says at which byte it went wrong`() {
        let unexpected = #expect(throws: JSONParseError.self) { try JSONParser.value(#"{"é":x}"#) }
        #expect(unexpected?.description == "the JSON has an unexpected character at byte 6")
        let end = #expect(throws: JSONParseError.self) { try JSONParser.value("[1,") }
        #expect(end?.description == "the JSON ends too early at byte 3")
        let deep = #expect(throws: JSONParseError.self) { try JSONParser.value(String(repeating: "[", count: 65)) }
        #expect(deep?.description == "the JSON is nested too deeply at byte 64")
    }

    @Test func `goes so deep and no deeper`() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}")] {
            _ = try JSONParser.value(nested(JSONParser.depthMax, open, close))
            let error = #expect(throws: JSONParseError.self) {
                try JSONParser.value(nested(JSONParser.depthMax + 1, open, close))
            }
            #expect(error?.reason == .tooDeep)
            #expect(throws: JSONParseError.self) { try JSONParser.value(String(repeating: open, count: 100_000)) }
        }
    }

    @Test func `finds the same name twice among many, in good time`() throws {
        let members = (0..<50_000).map { "\"n\($0)\":0" }
        #expect(try JSONParser.value("{\(members.joined(separator: ","))}").objectValue?.count == 50_000)
        for name in ["n0", "n15", "n16", "n17", "n49999"] {
            let error = #expect(throws: JSONParseError.self) {
                try JSONParser.value("{\(members.joined(separator: ",")),\"\(name)\":1}")
            }
            #expect(error?.reason == .duplicateName)
        }
    }

    // MARK: Surrogates

    static let unpaired: [(String, JSONValue, [String])] = [
        (#""\ud800""#, "\u{FFFD}", [""]),
        (#"{"a":"x\udc00y"}"#, ["a": "x\u{FFFD}y"], ["/a"]),
        (#"{"a":["ok","\ud83c\u0041"]}"#, ["a": ["ok", "\u{FFFD}A"]], ["/a/1"]),
        (#"{"a/b~c":"\ud83c\ud83c\udf89"}"#, ["a/b~c": "\u{FFFD}🎉"], ["/a~1b~0c"]),
        (#"["\udf89\ud83c"]"#, ["\u{FFFD}\u{FFFD}"], ["/0", "/0"]),
        (#"["\ud83c\n"]"#, ["\u{FFFD}\n"], ["/0"]),
        (#"{"\ud800":1}"#, ["\u{FFFD}": 1], [""]),
        (#"{"a":"\ud83c\udf89"}"#, ["a": "🎉"], []),
    ]

    @Test(arguments: unpaired) func `reports where half a surrogate pair stood`(
        _ text: String, _ value: JSONValue, _ pointers: [String]
    ) throws {
        let document = try JSONParser.parse(text.utf8)
        #expect(document.value == value)
        #expect(document.unpairedSurrogates == pointers)
    }

    @Test func `a broken escape after a high surrogate is still a broken escape`() {
        for text in [#""\ud83c\u12""#, #""\ud83c\ug""#, #""\ud83c\x""#] {
            #expect(throws: JSONParseError.self) { try JSONParser.value(text) }
        }
    }

    @Test func `reports only the first few of many`() throws {
        let text = "[" + Array(repeating: #""\ud800""#, count: 1000).joined(separator: ",") + "]"
        #expect(try JSONParser.parse(text.utf8).unpairedSurrogates.count == 10)
    }

    // MARK: Against another reader

    @Test func `reads generated documents as Foundation does`() throws {
        var generator = DocumentGenerator(seed: 2026)
        for _ in 0..<1500 {
            let text = generator.document()
            let ours = try JSONParser.value(text)
            let theirs = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
            #expect(Self.isSame(ours, theirs), "\(text)")
        }
    }

    @Test func `refuses damaged documents that Foundation refuses`() throws {
        var generator = DocumentGenerator(seed: 77)
        var refused = 0
        for _ in 0..<3000 {
            let bytes = generator.damaged(Array(generator.document().utf8))
            let ours = try? JSONParser.value(bytes)
            // Foundation also reads UTF-16 and UTF-32, which RFC 8259 does not allow, and marks at the beginning.
            let looksLikeUTF8 =
                !bytes.prefix(4).contains(0) && !bytes.starts(with: [0xEF, 0xBB, 0xBF])
                && !bytes.starts(with: [0xFE, 0xFF]) && !bytes.starts(with: [0xFF, 0xFE])
            let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            if theirs == nil {
                refused += 1
                // Half a surrogate pair is refused there and reported here.
                let isSurrogate = (try? JSONParser.parse(bytes).unpairedSurrogates.isEmpty) == false
                #expect(ours == nil || isSurrogate, "\(String(decoding: bytes, as: UTF8.self))")
            } else if looksLikeUTF8, let ours, let theirs {
                #expect(Self.isSame(ours, theirs), "\(String(decoding: bytes, as: UTF8.self))")
            }
        }
        #expect(refused > 500)
    }

    private static func isSame(_ ours: JSONValue, _ theirs: Any) -> Bool {
        switch ours {
        case .null: return theirs is NSNull
        case .bool(let value): return theirs as? Bool == value
        case .integer(let value): return (theirs as? NSNumber)?.int64Value == value
        case .double(let value):
            guard let number = (theirs as? NSNumber)?.doubleValue else { return false }
            return number == value || abs(number - value) <= abs(value) * 1e-15
        case .string(let value):
            guard let text = theirs as? String else { return false }
            return Array(text.utf8) == Array(value.utf8)
        case .array(let values):
            guard let array = theirs as? [Any], array.count == values.count else { return false }
            return zip(values, array).allSatisfy { isSame($0, $1) }
        case .object(let object):
            guard let dictionary = theirs as? [String: Any], dictionary.count == object.count else { return false }
            return object.members.allSatisfy { member in
                dictionary[member.name].map { isSame(member.value, $0) } ?? false
            }
        }
    }
}

/// Makes JSON texts of all kinds, the same for the same seed.
struct DocumentGenerator {
    private let random: SeededRandomSource

    init(seed: UInt64) { random = SeededRandomSource(seed: seed) }

    private func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }
    private func space() -> String { ["", "", "", " ", "\n", "\t", "\r\n "][below(7)] }

    mutating func document() -> String { space() + value(depth: 0) + space() }

    private mutating func value(depth: Int) -> String {
        switch below(depth > 5 ? 5 : 8) {
        case 0: return ["null", "true", "false"][below(3)]
        case 1: return "\(Int64(bitPattern: random.next()) >> Int64(below(64)))"
        case 2: return ["0", "-0", "1", "-1", "0.1", "-2.5", "3e2", "1E-3", "123456.789", "5e+10", "1e22"][below(11)]
        case 3, 4: return string()
        case 5:
            return "[" + (0..<below(5)).map { _ in space() + value(depth: depth + 1) + space() }.joined(separator: ",")
                + "]"
        default:
            let members = (0..<below(6)).map { index in
                let name = string().dropLast() + "\(index)\""
                return space() + name + space() + ":" + space() + value(depth: depth + 1) + space()
            }
            return "{" + members.joined(separator: ",") + "}"
        }
    }

    private func string() -> String {
        let pieces = [
            "a", "Z", " ", "é", "€", "🎉", "\u{7F}", #"\n"#, #"\""#, #"\\"#, #"\/"#, #"\b"#, #"\f"#, #"\t"#, #"\r"#,
            #"\u0041"#,
            #"\u00e9"#, #"\u20ac"#, #"\ud83c\udf89"#, "/", "'", "{", "]", ":", ",",
        ]
        return "\"" + (0..<below(12)).map { _ in pieces[below(pieces.count)] }.joined() + "\""
    }

    /// The same bytes with one to three of them changed, removed or doubled.
    mutating func damaged(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(3) where !bytes.isEmpty {
            let index = below(bytes.count)
            switch below(4) {
            case 0: bytes.remove(at: index)
            case 1: bytes.insert(bytes[index], at: index)
            case 2: bytes[index] = Array("{}[]\",:\\0e-.tn \u{1}".utf8)[below(16)]
            default: bytes[index] = UInt8(truncatingIfNeeded: random.next())
            }
        }
        return bytes
    }
}
