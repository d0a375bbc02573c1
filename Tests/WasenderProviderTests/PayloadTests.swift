import Martlet
import Testing
import WasenderProvider

@Suite struct PayloadTests {
    static let carried: [Payload] = [
        .text("Hello"),
        .text(String(repeating: "é", count: 65_536)),
        Payload(kind: .image, content: ["url": "https://files.example.com/a.jpg", "caption": "Look"]),
        Payload(kind: .video, content: ["url": "HTTP://files.example.com/a.mp4"]),
        Payload(kind: .audio, content: ["url": "https://files.example.com/a.ogg?x=1#y"]),
        Payload(kind: .document, content: ["url": "https://files.example.com/a.pdf", "filename": "invoice.pdf"]),
        Payload(kind: .document, content: ["url": "https://files.example.com/a.pdf"]),
        Payload(kind: .sticker, content: ["url": "https://files.example.com/a.webp"]),
        Payload(kind: .location, content: ["latitude": -90, "longitude": 180.0]),
        Payload(
            kind: .location,
            content: ["latitude": 52.52, "longitude": 13.405, "name": "Office", "address": "Street 1"]),
        Payload(kind: .contact, content: ["name": "Support", "phone": "+1 (202) 555-0199"]),
    ]

    @Test(arguments: carried) func `carries every documented type`(_ payload: Payload) async throws {
        try await Fixture.withProvider { #expect($0.validate(payload) == []) }
    }

    static let refused: [(Payload, String)] = [
        (.text(""), "/text/body"),
        (.text(String(repeating: "a", count: 65_537)), "/text/body"),
        (Payload(kind: .text, content: [:]), "/text/body"),
        (Payload(kind: .text, content: ["body": 1]), "/text/body"),
        (Payload(kind: .image, content: ["caption": "x"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "ftp://example.com/a"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "data:image/png;base64,AAAA"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "https:///a.png"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "https://"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "https://example.com/a b.png"]), "/image/url"),
        (Payload(kind: .image, content: ["url": "https://example.com/a\n.png"]), "/image/url"),
        (
            Payload(kind: .video, content: ["url": .string("https://e.com/" + String(repeating: "a", count: 4096))]),
            "/video/url"
        ),
        (Payload(kind: .audio, content: ["url": "https://e.com/a", "caption": 5]), "/audio/caption"),
        (Payload(kind: .sticker, content: ["url": nil]), "/sticker/url"),
        (
            Payload(
                kind: .document,
                content: ["url": "https://e.com/a", "filename": .string(String(repeating: "n", count: 256))]),
            "/document/filename"
        ),
        (Payload(kind: .location, content: ["latitude": 91, "longitude": 0]), "/location/latitude"),
        (Payload(kind: .location, content: ["latitude": "1", "longitude": 0]), "/location/latitude"),
        (Payload(kind: .location, content: ["latitude": 1]), "/location/longitude"),
        (Payload(kind: .contact, content: ["phone": "+12025550199"]), "/contact/name"),
        (Payload(kind: .contact, content: ["name": "Support", "phone": "call me"]), "/contact/phone"),
        (Payload(kind: .template, content: ["name": "welcome", "language": "en"]), "/type"),
    ]

    @Test(arguments: refused) func `names the field it cannot carry`(_ payload: Payload, _ pointer: String) async throws
    {
        try await Fixture.withProvider { #expect($0.validate(payload).map(\.pointer) == [pointer]) }
    }
}
