/// What a message says: its type and the JSON object the API knows it by.
package struct Payload: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case text, image, video, audio, document, sticker, location, contact, template
    }

    package var kind: Kind
    /// The members of the field that is named after the type: `{"body"}`, `{"url","caption"?,"filename"?}`,
    /// `{"latitude","longitude","name"?,"address"?}`, `{"name","phone"}` or `{"name","language","components"?}`.
    package var content: JSONObject

    package init(kind: Kind, content: JSONObject) {
        self.kind = kind
        self.content = content
    }

    package static func text(_ body: String) -> Payload { Payload(kind: .text, content: ["body": .string(body)]) }

    /// What a recipient reads: the text, or a medium's caption. Nil where there is none.
    package var visibleText: String? {
        switch kind {
        case .text: content["body"]?.stringValue
        case .image, .video, .audio, .document: content["caption"]?.stringValue
        default: nil
        }
    }
}
