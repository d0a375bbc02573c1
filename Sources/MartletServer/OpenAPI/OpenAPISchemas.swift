import Martlet

/// The shapes of bodies and answers, in JSON Schema 2020-12 as OpenAPI 3.1 has it.
enum OpenAPISchemas {
    /// Every schema by its name.
    static let all: JSONObject = {
        var all = JSONObject()
        for text in [messages, requests, deadLetters, replays, directory, service] {
            // The texts are part of the program; a test parses every one of them.
            guard let part = try? JSONParser.value(text).objectValue else {
                preconditionFailure("the schemas of the API's description are JSON objects")
            }
            all.members += part.members
        }
        return all
    }()

    private static let service = #"""
        {
          "Problem": {
            "type": "object",
            "description": "RFC 9457.",
            "required": ["type", "title", "status", "detail"],
            "properties": {
              "type": {
                "type": "string", "format": "uri",
                "description": "Names the kind of problem; it never changes."
              },
              "title": {"type": "string"},
              "status": {"type": "integer"},
              "detail": {"type": "string"},
              "errors": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["pointer", "message"],
                  "properties": {
                    "pointer": {"type": "string", "description": "A JSON pointer (RFC 6901) into the body."},
                    "message": {"type": "string"}
                  }
                }
              }
            },
            "examples": [{
              "type": "urn:martlet:problem:invalid", "title": "The request breaks a rule", "status": 422,
              "detail": "One field is not as required.",
              "errors": [{"pointer": "/to", "message": "must be a phone number in E.164 such as +14155550123"}]
            }]
          },
          "Statistics": {
            "type": "object",
            "required": ["counts", "dead_letters", "channels"],
            "properties": {
              "counts": {
                "type": "object",
                "required": ["queued", "sent", "delivered", "read", "failed"],
                "properties": {
                  "queued": {"type": "integer"}, "sent": {"type": "integer"}, "delivered": {"type": "integer"},
                  "read": {"type": "integer"}, "failed": {"type": "integer"}
                }
              },
              "dead_letters": {"type": "integer"},
              "channels": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": [
                    "id", "name", "status", "waiting", "oldest_due_seconds", "sent_last_minute",
                    "allowed_per_second"
                  ],
                  "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "status": {"$ref": "#/components/schemas/ChannelStatus"},
                    "waiting": {"type": "integer"},
                    "oldest_due_seconds": {
                      "type": ["integer", "null"],
                      "description": "For how long the first message has been due."
                    },
                    "sent_last_minute": {"type": "integer", "minimum": 0},
                    "allowed_per_second": {
                      "type": ["number", "null"],
                      "description": "What the channel's limits leave room for, headroom taken off; null without \#
        limits."
                    }
                  }
                }
              }
            }
          },
          "Live": {
            "type": "object", "required": ["status"], "properties": {"status": {"const": "live"}}
          },
          "Ready": {
            "type": "object",
            "required": ["status", "checks"],
            "properties": {
              "status": {"enum": ["ready", "not_ready"]},
              "checks": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["name", "ok"],
                  "properties": {"name": {"type": "string"}, "ok": {"type": "boolean"}, "detail": {"type": "string"}}
                }
              }
            }
          },
          "EventStream": {"type": "string"},
          "Text": {"type": "string"},
          "Empty": {"type": "object", "properties": {}},
          "Anything": {}
        }
        """#
}
