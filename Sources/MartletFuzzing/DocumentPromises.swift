import Martlet

/// What every JSON body is promised.
enum DocumentPromises {
    /// Parses the bytes; nil when they are no JSON. What is parsed can be written, and reads the same again.
    static func parse(_ bytes: [UInt8]) throws(BrokenPromise) -> JSONParser.Document? {
        let document: JSONParser.Document
        do {
            document = try JSONParser.parse(bytes)
        } catch {
            try promise((0...bytes.count).contains(error.offset), "a JSON error is at byte \(error.offset)")
            return nil
        }
        try rewrites(document.value)
        for pointer in document.unpairedSurrogates {
            try promise(isPlace(pointer, in: document.value), "no such place: \(pointer)")
        }
        for error in document.stringErrors {
            try promise(isPlace(error.pointer, in: document.value), "no such place: \(error.pointer)")
        }
        return document
    }

    /// A value that is written, read and written again is the same bytes. The values may differ in how a number is held:
    /// `1.0` is read as a fraction and written as a whole number.
    static func rewrites(_ value: JSONValue) throws(BrokenPromise) {
        let written = value.encoded()
        let read: JSONValue
        do { read = try JSONParser.value(written) } catch {
            throw BrokenPromise("what was written cannot be read: \(error)")
        }
        try promise(read.encoded() == written, "what was written reads as something else")
        try promise(read.sorted.encoded() == value.sorted.encoded(), "members are put into another order")
    }

    /// Each error has words and points at a place of the document, or at one that is missing in an object there is.
    static func errors(_ errors: [FieldError], in value: JSONValue) throws(BrokenPromise) {
        try promise(!errors.isEmpty, "refused without an error")
        for error in errors {
            try promise(!error.message.isEmpty, "an error without words at \(error.pointer)")
            try promise(
                isPlace(error.pointer, in: value, mayBeMissing: true), "no such place: \(error.pointer)")
        }
        // What an answer makes of them is one JSON text.
        try rewrites(.array(errors.map { ["pointer": .string($0.pointer), "message": .string($0.message)] }))
    }

    /// Whether a JSON pointer (RFC 6901) leads to a value.
    /// - parameter mayBeMissing: whether its last step may name a member that is not there.
    static func isPlace(_ pointer: String, in value: JSONValue, mayBeMissing: Bool = false) -> Bool {
        guard !pointer.isEmpty else { return true }
        let steps = pointer.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard steps.first?.isEmpty == true else { return false }
        var place = value
        for (index, step) in steps.enumerated().dropFirst() {
            guard let name = unescaped(step) else { return false }
            switch place {
            case .object(let object):
                guard let member = object[name] else { return mayBeMissing && index == steps.count - 1 }
                place = member
            case .array(let elements):
                guard let element = Int(name), elements.indices.contains(element) else { return false }
                place = elements[element]
            default: return false
            }
        }
        return true
    }

    private static func unescaped(_ step: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = step[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "~") else {
                bytes.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "0"): bytes.append(UInt8(ascii: "~"))
            case UInt8(ascii: "1"): bytes.append(UInt8(ascii: "/"))
            default: return nil
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
