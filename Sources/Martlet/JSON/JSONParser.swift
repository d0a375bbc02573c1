/// Why a text is not JSON, with the byte at which it went wrong.
package struct JSONParseError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Reason: String, Sendable {
        case notUTF8 = "is not valid UTF-8"
        case unexpectedEnd = "ends too early"
        case unexpectedByte = "has an unexpected character"
        case invalidNumber = "has a malformed number"
        case invalidEscape = "has a malformed escape"
        case controlCharacter = "has a raw control character in a string"
        case tooDeep = "is nested too deeply"
        case trailingBytes = "goes on after its end"
        case duplicateName = "has an object with the same name twice"
    }

    package var reason: Reason
    package var offset: Int

    package var description: String { "the JSON \(reason.rawValue) at byte \(offset)" }
}

/// A strict reader of JSON texts (RFC 8259).
///
/// The library reader (Foundation) cannot say where in a document a NUL or an unpaired surrogate stands, takes duplicate
/// names in silence, and costs more than the rest of an acceptance; this one does the former and is held against the
/// latter in a test. An unpaired surrogate escape is kept as U+FFFD and its place reported through
/// ``unpairedSurrogates``, so that a validator can name the field.
package struct JSONParser {
    /// Arrays and objects inside each other, at most.
    package static let depthMax = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var path: [PathStep] = []
    /// JSON pointers (RFC 6901) of strings that held an unpaired surrogate escape.
    private var unpairedSurrogates: [String] = []

    private enum PathStep {
        case name(String)
        case index(Int)
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    /// A parsed document, and the JSON pointers of its strings that held half a surrogate pair.
    package struct Document: Sendable {
        package var value: JSONValue
        package var unpairedSurrogates: [String]

        package init(value: JSONValue, unpairedSurrogates: [String]) {
            self.value = value
            self.unpairedSurrogates = unpairedSurrogates
        }
    }

    /// Parses a whole document.
    package static func parse(_ bytes: some Sequence<UInt8>) throws(JSONParseError) -> Document {
        let array = ContiguousArray(bytes)
        return try parse(contiguous: array)
    }

    /// Parses a document and gives its value alone.
    package static func value(_ bytes: some Sequence<UInt8>) throws(JSONParseError) -> JSONValue {
        try parse(bytes).value
    }

    /// Parses a document and gives its value alone.
    package static func value(_ text: String) throws(JSONParseError) -> JSONValue { try parse(text.utf8).value }

    private static func parse(contiguous array: ContiguousArray<UInt8>) throws(JSONParseError) -> Document {
        let result: Result<Document, JSONParseError> = array.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(buffer)
            do throws(JSONParseError) {
                try parser.skipWhitespace()
                let value = try parser.parseValue(depth: 0)
                try parser.skipWhitespace()
                guard parser.position == buffer.count else { throw parser.failure(.trailingBytes) }
                return .success(Document(value: value, unpairedSurrogates: parser.unpairedSurrogates))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func failure(_ reason: JSONParseError.Reason) -> JSONParseError {
        JSONParseError(
            reason: position >= bytes.count && reason == .unexpectedByte ? .unexpectedEnd : reason, offset: position)
    }

    private mutating func skipWhitespace() throws(JSONParseError) {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func parseValue(depth: Int) throws(JSONParseError) -> JSONValue {
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try parseObject(depth: depth)
        case UInt8(ascii: "["): return try parseArray(depth: depth)
        case UInt8(ascii: "\""): return .string(try parseString(isName: false))
        case UInt8(ascii: "t"): return try parseLiteral("true", .bool(true))
        case UInt8(ascii: "f"): return try parseLiteral("false", .bool(false))
        case UInt8(ascii: "n"): return try parseLiteral("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw failure(.unexpectedByte)
        }
    }

    private mutating func parseLiteral(_ literal: StaticString, _ value: JSONValue) throws(JSONParseError) -> JSONValue
    {
        for index in 0..<literal.utf8CodeUnitCount {
            guard position < bytes.count, bytes[position] == literal.utf8Start[index] else {
                throw failure(.unexpectedByte)
            }
            position += 1
        }
        return value
    }

    private mutating func parseObject(depth: Int) throws(JSONParseError) -> JSONValue {
        guard depth < Self.depthMax else { throw failure(.tooDeep) }
        position += 1
        var object = JSONObject()
        var seen: Set<String> = []
        try skipWhitespace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        while true {
            try skipWhitespace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw failure(.unexpectedByte) }
            let name = try parseString(isName: true)
            // A linear search is cheaper while an object is small; a set keeps a hostile one from costing a square.
            if object.count < 16 {
                guard object[name] == nil else { throw failure(.duplicateName) }
            } else {
                if seen.isEmpty { seen = Set(object.names) }
                guard seen.insert(name).inserted else { throw failure(.duplicateName) }
            }
            try skipWhitespace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw failure(.unexpectedByte) }
            position += 1
            try skipWhitespace()
            path.append(.name(name))
            let value = try parseValue(depth: depth + 1)
            path.removeLast()
            object.members.append(.init(name: name, value: value))
            try skipWhitespace()
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            switch bytes[position] {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                position += 1
                return .object(object)
            default: throw failure(.unexpectedByte)
            }
        }
    }

    private mutating func parseArray(depth: Int) throws(JSONParseError) -> JSONValue {
        guard depth < Self.depthMax else { throw failure(.tooDeep) }
        position += 1
        var elements: [JSONValue] = []
        try skipWhitespace()
        if position < bytes.count, bytes[position] == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            try skipWhitespace()
            path.append(.index(elements.count))
            elements.append(try parseValue(depth: depth + 1))
            path.removeLast()
            try skipWhitespace()
            guard position < bytes.count else { throw failure(.unexpectedEnd) }
            switch bytes[position] {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return .array(elements)
            default: throw failure(.unexpectedByte)
            }
        }
    }

    private mutating func parseString(isName: Bool) throws(JSONParseError) -> String {
        position += 1
        let start = position
        // The common case has no escape: find the closing quote and validate the slice once.
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let slice = UnsafeBufferPointer(rebasing: bytes[start..<position])
                guard let text = String(validating: slice, as: UTF8.self) else { throw failure(.notUTF8) }
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { break }
            guard byte >= 0x20 else { throw failure(.controlCharacter) }
            position += 1
        }
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        var unescaped = [UInt8](bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: unescaped, as: UTF8.self) else { throw failure(.notUTF8) }
                position += 1
                return text
            case UInt8(ascii: "\\"):
                position += 1
                try parseEscape(into: &unescaped, isName: isName)
            default:
                guard byte >= 0x20 else { throw failure(.controlCharacter) }
                unescaped.append(byte)
                position += 1
            }
        }
        throw failure(.unexpectedEnd)
    }

    private mutating func parseEscape(into unescaped: inout [UInt8], isName: Bool) throws(JSONParseError) {
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try parseHexUnit()
            if (0xD800...0xDBFF).contains(unit) {
                let mark = position
                if position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
                    bytes[position + 1] == UInt8(ascii: "u")
                {
                    position += 2
                    let low = try parseHexUnit()
                    if (0xDC00...0xDFFF).contains(low) {
                        append(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), to: &unescaped)
                        return
                    }
                    position = mark
                }
                noteUnpairedSurrogate(isName: isName)
                append(0xFFFD, to: &unescaped)
            } else if (0xDC00...0xDFFF).contains(unit) {
                noteUnpairedSurrogate(isName: isName)
                append(0xFFFD, to: &unescaped)
            } else {
                append(unit, to: &unescaped)
            }
        default:
            position -= 1
            throw failure(.invalidEscape)
        }
    }

    private mutating func noteUnpairedSurrogate(isName: Bool) {
        // A hostile document may hold thousands; the first few name the fault well enough.
        guard unpairedSurrogates.count < 10 else { return }
        unpairedSurrogates.append(pointer)
    }

    private var pointer: String {
        path.reduce(into: "") { text, step in
            switch step {
            case .name(let name): text += "/" + JSONPointer.escape(name)
            case .index(let index): text += "/\(index)"
            }
        }
    }

    private mutating func parseHexUnit() throws(JSONParseError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw failure(.unexpectedEnd) }
        var unit: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch bytes[position] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = bytes[position] - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = bytes[position] - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = bytes[position] - UInt8(ascii: "A") + 10
            default: throw failure(.invalidEscape)
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }

    private func append(_ scalar: UInt32, to unescaped: inout [UInt8]) {
        guard let scalar = Unicode.Scalar(scalar) else { return }
        unescaped.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private mutating func parseNumber() throws(JSONParseError) -> JSONValue {
        let start = position
        var isWhole = true
        if bytes[position] == UInt8(ascii: "-") { position += 1 }
        guard position < bytes.count else { throw failure(.unexpectedEnd) }
        if bytes[position] == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits()
        }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            isWhole = false
            position += 1
            try skipDigits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try skipDigits()
        }
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<position]), as: UTF8.self)
        if isWhole, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw failure(.invalidNumber) }
        return .double(value)
    }

    private mutating func skipDigits() throws(JSONParseError) {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else { throw failure(.invalidNumber) }
    }
}

/// JSON pointers (RFC 6901).
package enum JSONPointer {
    /// A member name as one step of a pointer.
    package static func escape(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return name }
        // Not by characters: with a mark on it, a slash is another character, and a separator all the same.
        return name.unicodeScalars.reduce(into: "") { escaped, scalar in
            switch scalar {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
    }
}
