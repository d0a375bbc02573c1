import Foundation
import Martlet
import Testing

@Suite struct JSONWriterTests {
    static let written: [(JSONValue, String)] = [
        (nil, "null"), (true, "true"), (false, "false"), (0, "0"), (.integer(.min), "-9223372036854775808"),
        (0.1, "0.1"), (.double(1000), "1000"), (.double(-2.5), "-2.5"), (.double(1e300), "1e+300"),
        (.double(1e-7), "1e-07"),
        (.double(.infinity), "null"), (.double(.nan), "null"),
        ("", #""""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t", #""\n\r\t""#),
        ("\u{0}\u{8}\u{1F}", #""\u0000\u0008\u001f""#),
        ("é€🎉/\u{7F}\u{2028}", "\"é€🎉/\u{7F}\u{2028}\""),
        ([], "[]"), ([1, [], "a"], #"[1,[],"a"]"#), ([:], "{}"), (["b": 1, "a": [nil]], #"{"b":1,"a":[null]}"#),
        (["a\"": 1], #"{"a\"":1}"#),
    ]

    @Test(arguments: written) func `writes compactly and escapes what must be`(_ value: JSONValue, _ text: String) {
        #expect(value.encodedText == text)
    }

    @Test func `what is written reads back the same`() throws {
        var generator = DocumentGenerator(seed: 4711)
        for _ in 0..<1500 {
            let value = try JSONParser.value(generator.document())
            let bytes = value.encoded()
            let again = try JSONParser.value(bytes)
            // A whole double comes back as an integer, which writes the same.
            #expect(again.encoded() == bytes)
            #expect(throws: Never.self) {
                try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            }
        }
    }

    @Test func `every double reads back as the same number`() throws {
        let random = SeededRandomSource(seed: 3)
        for _ in 0..<5000 {
            let number = Double(bitPattern: random.next())
            guard number.isFinite else { continue }
            #expect(try JSONParser.value(JSONValue.double(number).encoded()).doubleValue == number)
        }
        for number in [
            Double.greatestFiniteMagnitude, .leastNonzeroMagnitude, .pi, 1e15, 1e16, 9.007199254740993e15, -1e18, 1e19,
        ] {
            #expect(try JSONParser.value(JSONValue.double(number).encoded()).doubleValue == number)
        }
    }

    @Test func `an object is an ordered map`() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["b"] = 3
        object["c"] = 4
        object["a"] = nil
        object["z"] = nil
        #expect(object == ["b": 3, "c": 4])
        #expect(object.names == ["b", "c"])
        #expect(object["nothing"] == nil)
        #expect(object.merging(["c": nil, "d": "x", "b": [1]]) == ["b": [1], "d": "x"])
    }

    @Test func `values tell what they are`() {
        #expect(JSONValue.integer(3).doubleValue == 3)
        #expect(JSONValue.double(3).integerValue == nil)
        #expect(JSONValue.string("1").doubleValue == nil)
        #expect((["a": ["b": 1]] as JSONValue)["a"]?["b"] == 1)
        #expect(([1] as JSONValue)["a"] == nil)
        let names = ([nil, true, 1, 1.5, "a", [], [:]] as [JSONValue]).map(\.kindName)
        #expect(names == ["null", "a boolean", "a number", "a number", "a string", "an array", "an object"])
        #expect(JSONPointer.escape("a/b~1") == "a~1b~01")
    }
}
