import Testing

@testable import MartletSandbox

@Suite struct WasenderSendTests {
    @Test(arguments: [
        (#"{"to":"+12025550123","text":"Hello"}"#, MessageKind.text),
        (#"{"to":"12025550123","text":"Hello","messageType":"ignored","extra":{"a":[1]}}"#, .text),
        (
            #"{"to":"+12025550123","imageUrl":"https://files.example.com/a.jpg","text":"caption","viewOnce":true}"#,
            .image
        ),
        (#"{"to":"+12025550123","videoUrl":"https://files.example.com/a.mp4"}"#, .video),
        (#"{"to":"+12025550123","documentUrl":"https://files.example.com/i.pdf","fileName":"i.pdf"}"#, .document),
        (#"{"to":"+12025550123","audioUrl":"https://files.example.com/a.ogg"}"#, .audio),
        (#"{"to":"+12025550123","stickerUrl":"https://files.example.com/s.webp","text":null}"#, .sticker),
        (#"{"to":"+12025550123","contact":{"name":"Support","phone":"+12025550199"}}"#, .contact),
        (#"{"to":"+12025550123","location":{"latitude":52.52,"longitude":"13.405","name":"Office"}}"#, .location),
        (#"{"to":"+12025550123","poll":{"question":"When?","options":["Mon","Tue"],"multiSelect":false}}"#, .poll),
        (#"{"to":"120363000000000001@g.us","text":"Hi","mentions":["12025550123@s.whatsapp.net"]}"#, .text),
        (#"{"to":"12025550100-1400000000@g.us","text":"Hi"}"#, .text),
        (#"{"to":"120363000000000002@newsletter","text":"News"}"#, .text),
        (#"{"to":"@jane_doe","text":"Hi","replyTo":100001}"#, .text),
    ])
    func `takes every type and every form of recipient`(body: String, kind: MessageKind) throws {
        let send = WasenderSend(Array(body.utf8))
        #expect(send.errors.isEmpty)
        let submission = try #require(send.submission)
        #expect(submission.kind == kind)
        #expect(submission.to == send.recipient)
        #expect(submission.body == Array(body.utf8))
    }

    @Test(arguments: [
        ("", ["to", "text"]), ("[]", ["to", "text"]), ("{", ["to", "text"]), ("{}", ["to", "text"]),
        ("\u{FEFF}{}", ["to", "text"]),
        (#"{"text":"Hello"}"#, ["to"]), (#"{"to":"","text":"Hello"}"#, ["to"]), (#"{"to":5,"text":"Hello"}"#, ["to"]),
        (#"{"to":"Jane","text":"Hello"}"#, ["to"]), (#"{"to":"+1202","text":"Hello"}"#, ["to"]),
        (#"{"to":"a@b.example","text":"Hello"}"#, ["to"]),
        (#"{"to":"+12025550123"}"#, ["text"]), (#"{"to":"+12025550123","text":""}"#, ["text"]),
        (#"{"to":"+12025550123","text":7}"#, ["text"]),
        (#"{"to":"+12025550123","imageUrl":"a.jpg"}"#, ["imageUrl"]),
        (#"{"to":"+12025550123","documentUrl":"ftp://files.example.com/a"}"#, ["documentUrl"]),
        (#"{"to":"+12025550123","contact":{"name":"Support"}}"#, ["contact.phone"]),
        (#"{"to":"+12025550123","location":{"latitude":91,"longitude":0}}"#, ["location.latitude"]),
        (#"{"to":"+12025550123","poll":{"question":"When?","options":["Mon"]}}"#, ["poll.options"]),
        (#"{"to":"+12025550123","text":"Hi","mentions":["Jane"]}"#, ["mentions"]),
        (#"{"to":"+12025550123","text":"Hi","replyTo":"3EB0"}"#, ["replyTo"]),
        (#"{"to":"120363000000000002@newsletter","imageUrl":"https://files.example.com/a.jpg"}"#, ["to"]),
    ])
    func `names the fields that are wrong`(body: String, fields: [String]) {
        let send = WasenderSend(Array(body.utf8))
        #expect(send.submission == nil)
        #expect(send.errors.keys.sorted() == fields.sorted())
    }

    @Test func `refuses a text that is too long, and takes the longest there may be`() {
        for (length, isTaken) in [(65_536, true), (65_537, false)] {
            let body = #"{"to":"+12025550123","text":"\#(String(repeating: "ä", count: length))"}"#
            #expect((WasenderSend(Array(body.utf8)).submission != nil) == isTaken)
        }
    }

    @Test func `knows bodies that mean the same`() {
        func fingerprint(_ body: String) -> Int? { WasenderSend(Array(body.utf8)).submission?.fingerprint }
        let body = #"{"to":"+12025550123","text":"Hello"}"#
        #expect(fingerprint(body) == fingerprint(#"{ "text" : "Hell\u006f", "to" : "+12025550123" }"#))
        #expect(fingerprint(body) != fingerprint(#"{"to":"+12025550124","text":"Hello"}"#))
    }
}
