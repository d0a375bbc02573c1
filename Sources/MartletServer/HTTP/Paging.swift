import Foundation
import Hummingbird
import Martlet

/// Which part of a list is asked for: `limit` and `cursor`.
package struct Paging<Kind: IdentifierKind> {
    /// The query parameters a list has at least.
    package static var parameters: Set<String> { ["limit", "cursor"] }

    /// Elements on a page at most.
    package var limit: Int
    /// The last element of the page before this one.
    package var last: Identifier<Kind>?

    package init(_ query: QueryReader) throws {
        limit = try query.integer("limit", in: 1...200) ?? 50
        guard let cursor = try query.text("cursor") else { return }
        guard let last = Self.identifier(cursor) else {
            throw QueryReader.refusal("cursor", "must be the next_cursor of a list like this")
        }
        self.last = last
    }

    /// The page of a list that is whole in memory and in the order of ids.
    func page<Element>(_ elements: [Element], id: (Element) -> Identifier<Kind>) -> (page: [Element], next: String?) {
        let rest = last.map { last in Array(elements.drop { id($0) <= last }) } ?? elements
        let page = Array(rest.prefix(limit))
        return (page, rest.count > limit ? page.last.map { Self.cursor(after: id($0)) } : nil)
    }

    /// An opaque text that names the place after an element.
    package static func cursor(after id: Identifier<Kind>) -> String {
        Data(id.text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
            .replacing("=", with: "")
    }

    private static func identifier(_ cursor: String) -> Identifier<Kind>? {
        let padded =
            cursor.replacing("-", with: "+").replacing("_", with: "/")
            + String(repeating: "=", count: (4 - cursor.utf8.count % 4) % 4)
        guard let data = Data(base64Encoded: padded), let text = String(validating: data, as: UTF8.self) else {
            return nil
        }
        return Identifier(text)
    }
}
