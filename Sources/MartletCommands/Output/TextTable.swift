/// Rows in aligned columns, for people.
package struct TextTable: Sendable {
    private var rows: [[String]]

    /// - parameter header: the columns' names.
    package init(_ header: String...) { rows = [header] }

    /// Adds a row; nil and empty cells show a dash.
    package mutating func add(_ cells: String?...) {
        rows.append(cells.map { cell in cell.flatMap { $0.isEmpty ? nil : Self.printable($0) } ?? "-" })
    }

    /// The table, a line feed at the end of each line and no space before it.
    package var text: String {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let line = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed()) + "\n"
        }.joined()
    }

    /// What a stranger wrote, made harmless for a terminal: control characters become spaces.
    package static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    switch scalar.properties.generalCategory {
                    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: " "
                    default: scalar
                    }
                }))
    }
}
