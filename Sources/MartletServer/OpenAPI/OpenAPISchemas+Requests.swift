extension OpenAPISchemas {
    /// Sends and batches.
    static let requests = #"""
        {
          "PhoneNumber": {
            "type": "string", "pattern": "^\\+[1-9][0-9]{6,14}$", "description": "E.164.", "examples": ["+14155550123"]
          },
          "WebAddress": {
            "type": "string", "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?\\s]", "maxLength": 2048
          },
          "Text.Content": {
            "type": ["object", "null"], "required": ["body"], "additionalProperties": false,
            "properties": {"body": {"type": "string", "minLength": 1, "maxLength": 65536}}
          },
          "Medium.Content": {
            "type": ["object", "null"], "required": ["url"], "additionalProperties": false,
            "properties": {
              "url": {"$ref": "#/components/schemas/WebAddress"},
              "caption": {"type": ["string", "null"], "maxLength": 65536},
              "filename": {"type": ["string", "null"], "minLength": 1, "maxLength": 255}
            }
          },
          "Sticker.Content": {
            "type": ["object", "null"], "required": ["url"], "additionalProperties": false,
            "properties": {"url": {"$ref": "#/components/schemas/WebAddress"}}
          },
          "Location.Content": {
            "type": ["object", "null"], "required": ["latitude", "longitude"], "additionalProperties": false,
            "properties": {
              "latitude": {"type": "number", "minimum": -90, "maximum": 90},
              "longitude": {"type": "number", "minimum": -180, "maximum": 180},
              "name": {"type": ["string", "null"], "maxLength": 1024},
              "address": {"type": ["string", "null"], "maxLength": 1024}
            }
          },
          "Contact.Content": {
            "type": ["object", "null"], "required": ["name", "phone"], "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 1024},
              "phone": {"$ref": "#/components/schemas/PhoneNumber"}
            }
          },
          "Template.Content": {
            "type": ["object", "null"], "required": ["name", "language"], "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 512},
              "language": {"type": "string", "minLength": 1, "maxLength": 32},
              "components": {"type": ["array", "null"], "maxItems": 32, "items": {"type": "object"}}
            }
          },
          "SendRequest": {
            "type": "object",
            "required": ["to", "type"],
            "additionalProperties": false,
            "description": "The field named as the type holds the content; null is as good as absent.",
            "properties": {
              "channel": {
                "type": ["string", "null"], "minLength": 1, "maxLength": 128,
                "description": "A channel's name or id; may be left out when the tenant has one."
              },
              "to": {"$ref": "#/components/schemas/PhoneNumber"},
              "type": {"$ref": "#/components/schemas/MessageType"},
              "text": {"$ref": "#/components/schemas/Text.Content"},
              "image": {"$ref": "#/components/schemas/Medium.Content"},
              "video": {"$ref": "#/components/schemas/Medium.Content"},
              "audio": {"$ref": "#/components/schemas/Medium.Content"},
              "document": {"$ref": "#/components/schemas/Medium.Content"},
              "sticker": {"$ref": "#/components/schemas/Sticker.Content"},
              "location": {"$ref": "#/components/schemas/Location.Content"},
              "contact": {"$ref": "#/components/schemas/Contact.Content"},
              "template": {"$ref": "#/components/schemas/Template.Content"},
              "event": {"$ref": "#/components/schemas/Event"},
              "idempotency_key": {
                "type": ["string", "null"], "minLength": 1, "maxLength": 255,
                "description": "Printable characters. Else derived from event; with neither there is no deduplication."
              },
              "priority": {"type": ["string", "null"], "enum": ["high", "normal", "low", null], "default": "normal"},
              "send_at": {"type": ["string", "null"], "format": "date-time", "description": "Not before."},
              "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "Not after."},
              "expires_in": {
                "type": ["integer", "null"], "minimum": 1, "maximum": 31622400, "description": "Not after so many seconds."
              },
              "on_unknown": {"type": ["string", "null"], "enum": ["retry", "hold", null], "default": "retry"},
              "redact": {"type": ["boolean", "null"], "default": false},
              "metadata": {"anyOf": [{"$ref": "#/components/schemas/Metadata"}, {"type": "null"}]}
            },
            "examples": [{
              "channel": "billing", "to": "+14155550123", "type": "text",
              "text": {"body": "Invoice 42 is paid. Thank you!"},
              "event": {"user_id": "u_981", "type": "invoice.paid", "timestamp": "2026-11-23T10:00:00Z"},
              "priority": "high", "expires_in": 3600, "metadata": {"invoice": "42"}
            }]
          },
          "BatchRequest": {
            "type": "object",
            "required": ["messages"],
            "additionalProperties": false,
            "properties": {
              "messages": {
                "type": "array", "minItems": 1, "maxItems": 1000, "items": {"$ref": "#/components/schemas/SendRequest"}
              }
            },
            "examples": [{"messages": [{"to": "+14155550123", "type": "text", "text": {"body": "Hello"}}]}]
          },
          "BatchResult": {
            "type": "object",
            "required": ["results"],
            "properties": {
              "results": {
                "type": "array",
                "items": {
                  "type": "object",
                  "required": ["index", "status"],
                  "properties": {
                    "index": {"type": "integer"},
                    "status": {"type": "integer", "enum": [202, 200, 409, 422]},
                    "id": {"type": "string"},
                    "error": {"$ref": "#/components/schemas/Problem"}
                  }
                }
              }
            }
          }
        }
        """#
}
