extension OpenAPISchemas {
    /// Bulk replays.
    static let replays = #"""
        {
          "BulkReplayRequest": {
            "type": "object",
            "required": ["filter"],
            "additionalProperties": false,
            "properties": {
              "filter": {
                "type": "object",
                "additionalProperties": false,
                "description": "Which dead letters; an empty filter takes all of them.",
                "properties": {
                  "recipient": {"anyOf": [{"$ref": "#/components/schemas/PhoneNumber"}, {"type": "null"}]},
                  "message_id": {
                    "type": ["string", "null"], "minLength": 1, "maxLength": 255,
                    "description": "The provider's id: what webhooks call the message, or the submission id."
                  },
                  "channel": {
                    "type": ["string", "null"], "minLength": 1, "maxLength": 128, "description": "Name or id."
                  },
                  "since": {
                    "type": ["string", "null"], "format": "date-time", "description": "Created at or after."
                  },
                  "until": {
                    "type": ["string", "null"], "format": "date-time", "description": "Created before."
                  },
                  "reason": {
                    "type": ["string", "null"], "pattern": "^[a-z_]{1,64}$",
                    "description": "How the code of error_reason begins."
                  }
                }
              },
              "per_second": {"type": ["number", "null"], "minimum": 0.1, "maximum": 1000, "default": 50},
              "include_expired": {
                "type": ["boolean", "null"], "default": false,
                "description": "Sends also what is past its expiry, and takes the expiry away."
              },
              "dry_run": {"type": ["boolean", "null"], "default": false},
              "correct": {
                "type": ["object", "null"],
                "additionalProperties": false,
                "properties": {
                  "to_prefix": {
                    "type": ["array", "null"], "minItems": 2, "maxItems": 2,
                    "items": {"type": "string", "pattern": "^\\+[0-9]{0,15}$"},
                    "description": "The wrong beginning of numbers and the right one; a number that begins \#
        otherwise stays as it is."
                  },
                  "payload": {
                    "type": ["object", "null"], "minProperties": 1, "additionalProperties": true,
                    "description": "Laid over each message's content; null removes a member."
                  }
                }
              }
            },
            "examples": [{
              "filter": {"channel": "billing", "reason": "invalid_recipient"}, "per_second": 20,
              "correct": {"to_prefix": ["+4411", "+44"]}
            }]
          },
          "BulkReplay": {
            "type": "object",
            "required": [
              "id", "status", "matched", "replayed", "skipped", "failed", "last_failure", "per_second",
              "include_expired", "created_at", "finished_at"
            ],
            "properties": {
              "id": {"type": "string"},
              "status": {"type": "string", "enum": ["running", "finished", "cancelled"]},
              "matched": {"type": "integer", "description": "Dead letters that met the filter when the job began."},
              "replayed": {"type": "integer", "description": "Queued again under their own ids."},
              "skipped": {
                "type": "integer",
                "description": "Expired, or no longer in the dead-letter queue when their turn came."
              },
              "failed": {
                "type": "integer",
                "description": "Could not be replayed and stay where they are: the channel is gone, or the \#
        correction gives no valid number or content."
              },
              "last_failure": {
                "type": ["string", "null"], "description": "The last message that could not be replayed, and why."
              },
              "per_second": {"type": "number"},
              "include_expired": {"type": "boolean"},
              "created_at": {"type": "string", "format": "date-time"},
              "finished_at": {"type": ["string", "null"], "format": "date-time"}
            }
          },
          "BulkReplayEstimate": {
            "type": "object",
            "required": ["matched", "skipped"],
            "properties": {
              "matched": {"type": "integer"},
              "skipped": {"type": "integer", "description": "Those among them that are expired."}
            }
          }
        }
        """#
}
