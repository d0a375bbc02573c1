import Martlet
import MartletServer

/// Holds a value against a schema of the API's description. It knows the words of JSON Schema that the description
/// uses, and is stricter than they are in one way: a member that the schema does not name is an error.
struct SchemaCheck {
    let document: JSONValue

    func problems(_ value: JSONValue, _ schema: JSONValue, at place: String = "") -> [String] {
        let schema = resolved(schema)
        guard let words = schema.objectValue else { return ["\(place): the schema is no object"] }
        if let parts = words["allOf"]?.arrayValue { return problems(value, merged(parts), at: place) }
        if let parts = words["anyOf"]?.arrayValue {
            let each = parts.map { problems(value, $0, at: place) }
            return each.contains(where: \.isEmpty) ? [] : each.first ?? []
        }
        if let constant = words["const"] { return value == constant ? [] : ["\(place): is not \(constant)"] }
        var found: [String] = []
        if let types = words["type"].map({ $0.arrayValue ?? [$0] }),
            !types.contains(where: { Self.isOf(value, $0.stringValue ?? "") })
        {
            return ["\(place): is \(value.kindName), not \(types)"]
        }
        if let allowed = words["enum"]?.arrayValue, !allowed.contains(value) {
            found.append("\(place): \(value) is not allowed")
        }
        if let text = value.stringValue, words["format"] == "date-time", Timestamp(rfc3339: text) == nil {
            found.append("\(place): \(text) is no date-time")
        }
        if let object = value.objectValue { found += members(object, words, at: place) }
        if let elements = value.arrayValue, let items = words["items"] {
            for (index, element) in elements.enumerated() { found += problems(element, items, at: "\(place)/\(index)") }
        }
        return found
    }

    private func members(_ object: JSONObject, _ words: JSONObject, at place: String) -> [String] {
        var found: [String] = []
        for name in (words["required"]?.arrayValue ?? []).compactMap(\.stringValue) where object[name] == nil {
            found.append("\(place): \(name) is missing")
        }
        let properties = words["properties"]?.objectValue ?? JSONObject()
        for member in object.members {
            if let schema = properties[member.name] {
                found += problems(member.value, schema, at: "\(place)/\(member.name)")
            } else if let schema = words["additionalProperties"], schema.boolValue == nil {
                found += problems(member.value, schema, at: "\(place)/\(member.name)")
            } else if words["additionalProperties"] != true, words["type"] != nil {
                found.append("\(place): \(member.name) is not described")
            }
        }
        return found
    }

    private func merged(_ parts: [JSONValue]) -> JSONValue {
        var required: [JSONValue] = []
        var properties = JSONObject()
        for part in parts.map(resolved) {
            required += part["required"]?.arrayValue ?? []
            properties.members += part["properties"]?.objectValue?.members ?? []
        }
        return ["type": "object", "required": .array(required), "properties": .object(properties)]
    }

    /// Follows a reference inside the document.
    func resolved(_ schema: JSONValue) -> JSONValue {
        guard let reference = schema["$ref"]?.stringValue else { return schema }
        return target(reference) ?? .null
    }

    func target(_ reference: String) -> JSONValue? {
        var value: JSONValue? = document
        for step in reference.dropFirst(2).split(separator: "/") { value = value?[String(step)] }
        return value
    }

    private static func isOf(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "null": value.isNull
        case "string": value.stringValue != nil
        case "integer": value.integerValue != nil
        case "number": value.doubleValue != nil
        case "boolean": value.boolValue != nil
        case "array": value.arrayValue != nil
        case "object": value.objectValue != nil
        default: false
        }
    }
}
