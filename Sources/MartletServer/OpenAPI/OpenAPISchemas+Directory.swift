extension OpenAPISchemas {
    /// Channels, tenants and keys.
    static let directory = #"""
        {
          "ChannelStatus": {
            "type": "string",
            "enum": ["active", "paused", "disconnected", "unauthorized", "unavailable"]
          },
          "RateLimit": {
            "type": "object",
            "required": ["count", "per_seconds"],
            "additionalProperties": false,
            "description": "At most so many in any window of so many seconds.",
            "properties": {
              "count": {"type": "integer", "minimum": 1, "maximum": 1000000},
              "per_seconds": {"type": "number", "minimum": 0.001, "maximum": 86400}
            },
            "examples": [{"count": 50, "per_seconds": 1}]
          },
          "Channel": {
            "type": "object",
            "required": [
              "id", "tenant", "name", "provider", "base_url", "limits", "headroom", "recipient_interval_ms",
              "acknowledgement_deadline_seconds", "status", "status_reason", "status_since", "webhook_url", "created_at"
            ],
            "description": "What holds for the channel, the provider's defaults filled in. Credentials and webhook \#
        secret are never shown.",
            "properties": {
              "id": {"type": "string"},
              "tenant": {"type": "string"},
              "name": {"type": "string"},
              "provider": {"type": "string"},
              "base_url": {"type": ["string", "null"]},
              "limits": {"type": "array", "items": {"$ref": "#/components/schemas/RateLimit"}},
              "headroom": {"type": "number"},
              "recipient_interval_ms": {"type": ["integer", "null"]},
              "acknowledgement_deadline_seconds": {"type": ["integer", "null"]},
              "status": {"$ref": "#/components/schemas/ChannelStatus"},
              "status_reason": {"type": ["string", "null"]},
              "status_since": {"type": "string", "format": "date-time"},
              "webhook_url": {"type": "string", "format": "uri", "description": "Where the provider is to report."},
              "created_at": {"type": "string", "format": "date-time"}
            }
          },
          "ChannelList": {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Channel"}},
              "next_cursor": {"type": ["string", "null"]}
            }
          },
          "BaseAddress": {
            "type": ["string", "null"], "format": "uri", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/?#@\\s][^?#@\\s]*$",
            "maxLength": 2048, "description": "What the provider's own libraries call the base URL."
          },
          "ChannelCreate": {
            "type": "object",
            "required": ["name", "provider", "credentials"],
            "additionalProperties": false,
            "properties": {
              "tenant": {"type": "string", "maxLength": 64, "description": "For the admin token, which must name one."},
              "name": {"type": "string", "minLength": 1, "maxLength": 128},
              "provider": {"type": "string", "description": "A provider module of this server."},
              "base_url": {"$ref": "#/components/schemas/BaseAddress"},
              "credentials": {
                "type": "object", "additionalProperties": true, "writeOnly": true,
                "description": "As the provider's own documentation calls them."
              },
              "webhook_secret": {"type": ["string", "null"], "writeOnly": true, "minLength": 1, "maxLength": 512},
              "limits": {
                "type": ["array", "null"], "minItems": 1, "maxItems": 8,
                "items": {"$ref": "#/components/schemas/RateLimit"}
              },
              "headroom": {"type": ["number", "null"], "minimum": 0.05, "maximum": 1, "default": 0.9},
              "recipient_interval_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 86400000},
              "acknowledgement_deadline_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 604800}
            },
            "examples": [{
              "name": "billing", "provider": "wasender", "credentials": {"api_key": "the-session-key"}, "webhook_secret": "the-webhook-secret",
              "limits": [{"count": 50, "per_seconds": 1}]
            }]
          },
          "ChannelChange": {
            "type": "object",
            "additionalProperties": false,
            "description": "What is absent stays; null goes back to the default; credentials are merged, null \#
        removing one.",
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 128},
              "base_url": {"$ref": "#/components/schemas/BaseAddress"},
              "credentials": {"type": "object", "additionalProperties": true, "writeOnly": true},
              "webhook_secret": {"type": ["string", "null"], "writeOnly": true, "minLength": 1, "maxLength": 512},
              "limits": {
                "type": ["array", "null"], "minItems": 1, "maxItems": 8,
                "items": {"$ref": "#/components/schemas/RateLimit"}
              },
              "headroom": {"type": ["number", "null"], "minimum": 0.05, "maximum": 1},
              "recipient_interval_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 86400000},
              "acknowledgement_deadline_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 604800}
            },
            "examples": [{"credentials": {"api_key": "the-session-key"}}]
          },
          "Session": {
            "type": "object",
            "required": ["status", "qr_code"],
            "properties": {
              "status": {"type": "string", "description": "The session's state in the provider's words."},
              "qr_code": {
                "type": ["string", "null"],
                "description": "The text of the code to scan, where there is one."
              }
            }
          },
          "Tenant": {
            "type": "object",
            "required": ["id", "name", "limits", "created_at"],
            "properties": {
              "id": {"type": "string"},
              "name": {"type": "string"},
              "limits": {
                "type": "array", "items": {"$ref": "#/components/schemas/RateLimit"},
                "description": "Over all its channels."
              },
              "created_at": {"type": "string", "format": "date-time"}
            }
          },
          "TenantList": {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Tenant"}},
              "next_cursor": {"type": ["string", "null"]}
            }
          },
          "TenantCreate": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 128},
              "limits": {"type": ["array", "null"], "maxItems": 8, "items": {"$ref": "#/components/schemas/RateLimit"}}
            },
            "examples": [{"name": "Acme"}]
          },
          "TenantChange": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "name": {"type": "string", "minLength": 1, "maxLength": 128},
              "limits": {"type": ["array", "null"], "maxItems": 8, "items": {"$ref": "#/components/schemas/RateLimit"}}
            },
            "examples": [{"limits": [{"count": 100, "per_seconds": 1}]}]
          },
          "Key": {
            "type": "object",
            "required": ["id", "name", "created_at", "last_used_at", "revoked_at"],
            "properties": {
              "id": {"type": "string"},
              "name": {"type": ["string", "null"]},
              "created_at": {"type": "string", "format": "date-time"},
              "last_used_at": {"type": ["string", "null"], "format": "date-time"},
              "revoked_at": {"type": ["string", "null"], "format": "date-time"}
            }
          },
          "KeyCreated": {
            "allOf": [
              {"$ref": "#/components/schemas/Key"},
              {
                "type": "object", "required": ["key"],
                "properties": {"key": {"type": "string", "description": "Shown this once."}}
              }
            ]
          },
          "KeyList": {
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
              "data": {"type": "array", "items": {"$ref": "#/components/schemas/Key"}},
              "next_cursor": {"type": ["string", "null"]}
            }
          },
          "KeyCreate": {
            "type": "object",
            "additionalProperties": false,
            "properties": {"name": {"type": ["string", "null"], "minLength": 1, "maxLength": 128}},
            "examples": [{"name": "production"}]
          }
        }
        """#
}
