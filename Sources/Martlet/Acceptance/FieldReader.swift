/// Reads the members of a JSON object strictly and collects everything that is wrong with them, each with its pointer.
package struct FieldReader {
    private let object: JSONObject
    private let pointer: String
    private var known: Set<String> = []
    /// What was wrong so far.
    package private(set) var errors: [FieldError] = []

    package init(_ object: JSONObject, pointer: String = "") {
        self.object = object
        self.pointer = pointer
    }

    /// Adds an error about a member of this object.
    package mutating func refuse(_ name: String, _ message: String) {
        errors.append(FieldError("\(pointer)/\(JSONPointer.escape(name))", message))
    }

    /// Takes over errors of a nested reader.
    package mutating func adopt(_ nested: [FieldError]) { errors.append(contentsOf: nested) }

    /// The pointer of a member.
    package func pointer(to name: String) -> String { "\(pointer)/\(JSONPointer.escape(name))" }

    /// The member, null counting as absent.
    package mutating func value(_ name: String) -> JSONValue? {
        known.insert(name)
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private mutating func value(_ name: String, required: Bool) -> JSONValue? {
        let value = value(name)
        if value == nil, required { refuse(name, "is required") }
        return value
    }

    /// A string of that many characters (Unicode scalars) at most.
    package mutating func string(_ name: String, required: Bool = false, min: Int = 1, max: Int) -> String? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.stringValue else {
            refuse(name, "must be a string, not \(value.kindName)")
            return nil
        }
        guard !text.isEmpty || min == 0 else {
            refuse(name, "must not be empty")
            return nil
        }
        // A byte count within the bound proves the character count is; only a longer one needs counting.
        guard text.utf8.count <= max || text.unicodeScalars.count <= max else {
            refuse(name, "must have at most \(max) characters")
            return nil
        }
        return text
    }

    package mutating func bool(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        guard let flag = value.boolValue else {
            refuse(name, "must be true or false, not \(value.kindName)")
            return nil
        }
        return flag
    }

    package mutating func integer(_ name: String, required: Bool = false, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(name, required: required) else { return nil }
        guard let number = value.integerValue ?? value.doubleValue.flatMap({ Int64(exactly: $0) }) else {
            refuse(name, "must be a whole number, not \(value.doubleValue == nil ? value.kindName : "a fraction")")
            return nil
        }
        guard range.contains(number) else {
            refuse(name, "must be between \(range.lowerBound) and \(range.upperBound)")
            return nil
        }
        return number
    }

    package mutating func double(_ name: String, required: Bool = false, in range: ClosedRange<Double>) -> Double? {
        guard let value = value(name, required: required) else { return nil }
        guard let number = value.doubleValue else {
            refuse(name, "must be a number, not \(value.kindName)")
            return nil
        }
        guard range.contains(number) else {
            refuse(
                name,
                "must be between \(JSONValue.double(range.lowerBound).encodedText) and \(JSONValue.double(range.upperBound).encodedText)"
            )
            return nil
        }
        return number
    }

    /// One of the names an enumeration allows.
    package mutating func choice<Choice>(
        _ name: String, required: Bool = false, among names: [String], _ make: (String) -> Choice?
    ) -> Choice? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.stringValue, let choice = make(text) else {
            refuse(name, "must be one of \(names.joined(separator: ", "))")
            return nil
        }
        return choice
    }

    /// An RFC 3339 date-time.
    package mutating func timestamp(_ name: String, required: Bool = false) -> Timestamp? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.stringValue, let timestamp = Timestamp(rfc3339: text) else {
            refuse(name, "must be an RFC 3339 date-time such as 2026-11-23T10:00:00Z")
            return nil
        }
        return timestamp
    }

    /// A phone number in E.164.
    package mutating func phoneNumber(_ name: String, required: Bool = false) -> PhoneNumber? {
        guard let value = value(name, required: required) else { return nil }
        guard let text = value.stringValue, let number = PhoneNumber(text) else {
            refuse(name, "must be a phone number in E.164 such as +14155550123")
            return nil
        }
        return number
    }

    /// An absolute http or https URL.
    package mutating func webAddress(_ name: String, required: Bool = false) -> WebAddress? {
        guard let text = string(name, required: required, max: WebAddress.bytesMax) else { return nil }
        guard let address = WebAddress(text) else {
            refuse(name, "must be an http or https URL with a host, everything but ASCII percent-encoded")
            return nil
        }
        return address
    }

    package mutating func object(_ name: String, required: Bool = false) -> JSONObject? {
        guard let value = value(name, required: required) else { return nil }
        guard let object = value.objectValue else {
            refuse(name, "must be an object, not \(value.kindName)")
            return nil
        }
        return object
    }

    package mutating func array(_ name: String, required: Bool = false, max: Int) -> [JSONValue]? {
        guard let value = value(name, required: required) else { return nil }
        guard let array = value.arrayValue else {
            refuse(name, "must be an array, not \(value.kindName)")
            return nil
        }
        guard array.count <= max else {
            refuse(name, "must have at most \(max) entries")
            return nil
        }
        return array
    }

    /// Refuses members nobody asked for. Call last.
    package mutating func refuseUnknown() {
        for name in object.names where !known.contains(name) { refuse(name.cut(to: 64), "is not a known field") }
    }
}

extension JSONParser.Document {
    /// Strings that no field may hold: with a NUL, or with half a surrogate pair.
    package var stringErrors: [FieldError] {
        var errors = unpairedSurrogates.map { FieldError($0, "has half a surrogate pair") }
        Self.findNUL(value, pointer: "", into: &errors)
        return errors
    }

    private static func findNUL(_ value: JSONValue, pointer: String, into errors: inout [FieldError]) {
        guard errors.count < 20 else { return }
        switch value {
        case .string(let text):
            if text.utf8.contains(0) { errors.append(FieldError(pointer, "must not hold a NUL character")) }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                findNUL(element, pointer: "\(pointer)/\(index)", into: &errors)
            }
        case .object(let object):
            for member in object.members {
                let inner = "\(pointer)/\(JSONPointer.escape(member.name))"
                if member.name.utf8.contains(0) {
                    errors.append(FieldError(pointer, "must not have a field whose name holds a NUL character"))
                } else {
                    findNUL(member.value, pointer: inner, into: &errors)
                }
            }
        default: break
        }
    }
}
