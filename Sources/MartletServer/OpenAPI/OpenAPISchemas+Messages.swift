extension OpenAPISchemas {
    /// Messages and their timelines.
    static let messages = #"""
        {
          "MessageStatus": {"type": "string", "enum": ["queued", "sent", "delivered", "read", "failed"]},
          "Priority": {"type": "string", "enum": ["high", "normal", "low"]},
          "MessageType": {
            "type": "string",
            "enum": ["text", "image", "video", "audio", "document", "sticker", "location", "contact", "template"]
          },
          "Event": {
            "type": ["object", "null"],
            "required": ["user_id", "type", "timestamp"],
            "additionalProperties": false,
            "properties": {
              "user_id": {"type": "string", "minLength": 1, "maxLength": 255},
              "type": {"type": "string", "minLength": 1, "maxLength": 255},
              "timestamp": {"type": "string", "format": "date-time"}
            }
          },
          "Metadata": {
            "type": "object", "maxProperties": 20, "propertyNames": {"minLength": 1, "maxLength": 64},
            "additionalProperties": {"type": "string", "maxLength": 512}
          },
          "Message": {
            "type": "object",
            "required": [
              "id", "channel", "to", "type", "payload", "status", "condition", "condition_since", "message_id",
              "submission_id", "attempts", "next_attempt_at", "error_reason", "dead_lettered", "duplicate_risk",
              "priority", "send_at", "expires_at", "idempotency_key", "event", "metadata",
              "created_at", "updated_at", "sent_at", "delivered_at", "read_at", "failed_at"
            ],
            "properties": {
              "id": {"type": "string", "examples": ["msg_01kaw3v5z8r0c2t4m6q8s0v2x4"]},
              "channel": {"type": "string", "description": "The channel's name."},
              "to": {"type": "string", "examples": ["+14155550123"]},
              "type": {"$ref": "#/components/schemas/MessageType"},
              "payload": {
                "type": "object", "additionalProperties": true,
                "description": "The content; empty once a message to redact is final."
              },
              "status": {"$ref": "#/components/schemas/MessageStatus"},
              "condition": {
                "type": ["string", "null"],
                "description": "What the message waits for.",
                "enum": [
                  null, "scheduled", "sending", "retrying", "held: session disconnected", "held: channel paused",
                  "held: provider rate limit", "held: provider unavailable", "held: channel unauthorized",
                  "held: recipient pace", "unknown", "unconfirmed"
                ]
              },
              "condition_since": {"type": ["string", "null"], "format": "date-time"},
              "message_id": {"type": ["string", "null"], "description": "What the provider's webhooks call it."},
              "submission_id": {"type": ["string", "null"], "description": "What the provider answered to the send."},
              "attempts": {"type": "integer", "description": "Since acceptance or the last replay."},
              "next_attempt_at": {"type": ["string", "null"], "format": "date-time"},
              "error_reason": {
                "type": ["string", "null"],
                "description": "A stable code, then a colon and the provider's words."
              },
              "dead_lettered": {"type": "boolean"},
              "duplicate_risk": {
                "type": "boolean",
                "description": "It was sent again after an attempt whose outcome nobody could tell."
              },
              "priority": {"$ref": "#/components/schemas/Priority"},
              "send_at": {"type": ["string", "null"], "format": "date-time"},
              "expires_at": {"type": ["string", "null"], "format": "date-time"},
              "idempotency_key": {"type": ["string", "null"]},
              "event": {"$ref": "#/components/schemas/Event"},
              "metadata": {"$ref": "#/components/schemas/Metadata"},
              "created_at": {"type": "string", "format": "date-time"},
              "updated_at": {"type": "string", "format": "date-time"},
              "sent_at": {"type": ["string", "null"], "format": "date-time"},
              "delivered_at": {"type": ["string", "null"], "format": "date-time"},
              "read_at": {"type": ["string", "null"], "format": "date-time"},
              "failed_at": {"type": ["string", "null"], "format": "date-time"}
            },
            "examples": [{
              "id": "msg_01kaw3v5z8r0c2t4m6q8s0v2x4", "channel": "billing", "to": "+14155550123", "type": "text",
              "payload": {"body": "Invoice 42 is paid. Thank you!"}, "status": "queued", "condition": null,
              "condition_since": null, "message_id": null, "submission_id": null, "attempts": 0,
              "next_attempt_at": null, "error_reason": null, "dead_lettered": false, "duplicate_risk": false,
              "priority": "normal", "send_at": null, "expires_at": null,
              "idempotency_key": "invoice-42-paid", "event": null, "metadata": {"invoice": "42"},
              "created_at": "2026-11-23T10:00:00.000Z", "updated_at": "2026-11-23T10:00:00.000Z", "sent_at": null,
              "delivered_at": null, "read_at": null, "failed_at": null
            }]
          },
          "MessageList": {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Message"}},
              "next_cursor": {"type": ["string", "null"]}
            }
          },
          "TimelineEvent": {
            "type": "object",
            "required": ["id", "type", "at"],
            "properties": {
              "id": {"type": "string"},
              "type": {
                "type": "string",
                "enum": [
                  "accepted", "attempt", "held", "released", "looked_up", "sent", "acknowledged", "delivered", "read",
                  "failed", "dead_lettered", "replayed", "cancelled", "expired"
                ]
              },
              "at": {"type": "string", "format": "date-time"},
              "attempt": {"type": "integer"},
              "outcome": {
                "type": "string",
                "enum": ["accepted", "rejected", "throttled", "session_down", "unauthorized", "transient", "unknown"]
              },
              "http_status": {"type": "integer"},
              "duration_ms": {"type": "integer"},
              "error": {"type": "string"},
              "detail": {"type": "string"}
            }
          },
          "Timeline": {
            "type": "object",
            "required": ["data"],
            "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/TimelineEvent"}}}
          }
        }
        """#

    /// Dead letters and their replay.
    static let deadLetters = #"""
        {
          "DeadLetter": {
            "allOf": [
              {"$ref": "#/components/schemas/Message"},
              {
                "type": "object",
                "required": ["dead_lettered_at", "attempt_history"],
                "properties": {
                  "dead_lettered_at": {"type": "string", "format": "date-time"},
                  "attempt_history": {"type": "array", "items": {"$ref": "#/components/schemas/TimelineEvent"}}
                }
              }
            ]
          },
          "DeadLetterList": {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/DeadLetter"}},
              "next_cursor": {"type": ["string", "null"]}
            }
          },
          "ReplayRequest": {
            "type": "object",
            "additionalProperties": false,
            "description": "What to correct; the content stands under the name of the message's type, or, to be laid \#
        over what there is, under payload.",
            "properties": {
              "to": {"anyOf": [{"$ref": "#/components/schemas/PhoneNumber"}, {"type": "null"}]},
              "text": {"$ref": "#/components/schemas/Text.Content"},
              "image": {"$ref": "#/components/schemas/Medium.Content"},
              "video": {"$ref": "#/components/schemas/Medium.Content"},
              "audio": {"$ref": "#/components/schemas/Medium.Content"},
              "document": {"$ref": "#/components/schemas/Medium.Content"},
              "sticker": {"$ref": "#/components/schemas/Sticker.Content"},
              "location": {"$ref": "#/components/schemas/Location.Content"},
              "contact": {"$ref": "#/components/schemas/Contact.Content"},
              "template": {"$ref": "#/components/schemas/Template.Content"},
              "payload": {"type": ["object", "null"], "additionalProperties": true},
              "expires_at": {"type": ["string", "null"], "format": "date-time"},
              "expires_in": {"type": ["integer", "null"], "minimum": 1, "maximum": 31622400}
            },
            "examples": [{"to": "+14155550124"}]
          }
        }
        """#
}
