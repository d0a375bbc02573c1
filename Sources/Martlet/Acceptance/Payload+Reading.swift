extension Payload {
    /// The longest text, in characters: WhatsApp's own limit for consumer clients.
    package static let textCharactersMax = 65_536

    /// Reads the object that stands under the type's name.
    package static func read(_ kind: Kind, _ content: JSONObject, pointer: String) -> Result<Payload, FieldErrors> {
        var reader = FieldReader(content, pointer: pointer)
        switch kind {
        case .text:
            _ = reader.string("body", required: true, max: textCharactersMax)
        case .image, .video, .audio, .document:
            _ = reader.webAddress("url", required: true)
            _ = reader.string("caption", min: 0, max: textCharactersMax)
            _ = reader.string("filename", max: 255)
        case .sticker:
            _ = reader.webAddress("url", required: true)
        case .location:
            _ = reader.double("latitude", required: true, in: -90...90)
            _ = reader.double("longitude", required: true, in: -180...180)
            _ = reader.string("name", min: 0, max: 1024)
            _ = reader.string("address", min: 0, max: 1024)
        case .contact:
            _ = reader.string("name", required: true, max: 1024)
            _ = reader.phoneNumber("phone", required: true)
        case .template:
            _ = reader.string("name", required: true, max: 512)
            _ = reader.string("language", required: true, max: 32)
            if let components = reader.array("components", max: 32) {
                for (index, component) in components.enumerated() where component.objectValue == nil {
                    reader.adopt([
                        FieldError(
                            "\(reader.pointer(to: "components"))/\(index)",
                            "must be an object, not \(component.kindName)")
                    ])
                }
            }
        }
        reader.refuseUnknown()
        guard reader.errors.isEmpty else { return .failure(FieldErrors(reader.errors)) }
        var kept = content
        kept.members.removeAll { $0.value.isNull }
        return .success(Payload(kind: kind, content: kept))
    }
}
