extension OpenAPISchemas {
    /// Sends and batches.
    static let requests = #"""
        {
          "Text.Content": {
            "type": "object", "required": ["body"], "additionalProperties": false,
            "properties": {"body": {"type": "string", "minLength": 1, "maxLength": 65536}}
          },
          "Medium.Content": {
            "type": "object", "required": ["url"], "additionalProperties": false,
            "properties": {
              "url": {"type": "string", "format": "uri", "maxLength": 2048},
              "caption": {"type": "string", "maxLength": 65536},
              "filename": {"type": "string", "minLength": 1, "maxLength": 255}
            }
          },
          "Sticker.Content": {
            "type": "object", "required": ["url"], "additionalProperties": false,
            "properties": {"url": {"type": "string", "format": "uri", "maxLength": 2048}}
          },
          "Location.Content": {
            "type": "object", "required": ["latitude", "longitude"], "additionalProperties": false,
            "properties": {
              "latitude": {"type": "number", "minimum": -90, "maximum": 90},
              "longitude": {"type": "number", "minimum": -180, "maximum": 180},
              "name": {"type": "string", "maxLength": 1024},
              "address": {"type": "string", "maxLength": 1024}
            }
          },
          "Contact.Content": {
            "type": "object", "required": ["name", "phone"], "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 1024},
              "phone": {"type": "string", "examples": ["+14155550123"]}
            }
          },
          "Template.Content": {
            "type": "object", "required": ["name", "language"], "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 512},
              "language": {"type": "string", "minLength": 1, "maxLength": 32},
              "components": {"type": "array", "maxItems": 32, "items": {"type": "object"}}
            }
          },
          "SendRequest": {
            "type": "object",
            "required": ["to", "type"],
            "additionalProperties": false,
            "description": "The field named as the type holds the content.",
            "properties": {
              "channel": {
                "type": "string",
                "description": "A channel's name or id; may be left out when the tenant has one."
              },
              "to": {"type": "string", "description": "E.164."},
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
                "type": "string", "minLength": 1, "maxLength": 255,
                "description": "Else derived from event; with neither there is no deduplication."
              },
              "priority": {"$ref": "#/components/schemas/Priority"},
              "send_at": {"type": "string", "format": "date-time", "description": "Not before."},
              "expires_at": {"type": "string", "format": "date-time", "description": "Not after."},
              "expires_in": {"type": "integer", "minimum": 1, "description": "Not after so many seconds."},
              "on_unknown": {"type": "string", "enum": ["retry", "hold"], "default": "retry"},
              "redact": {"type": "boolean", "default": false},
              "metadata": {"$ref": "#/components/schemas/Metadata"}
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
