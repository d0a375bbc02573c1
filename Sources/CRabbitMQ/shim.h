#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

// Macros with a cast in them are not imported.
static const amqp_method_number_t martlet_amqp_connection_close = AMQP_CONNECTION_CLOSE_METHOD;
static const amqp_method_number_t martlet_amqp_connection_blocked = AMQP_CONNECTION_BLOCKED_METHOD;
static const amqp_method_number_t martlet_amqp_connection_unblocked = AMQP_CONNECTION_UNBLOCKED_METHOD;
static const amqp_method_number_t martlet_amqp_channel_close = AMQP_CHANNEL_CLOSE_METHOD;
static const amqp_method_number_t martlet_amqp_basic_cancel = AMQP_BASIC_CANCEL_METHOD;
static const amqp_method_number_t martlet_amqp_basic_deliver = AMQP_BASIC_DELIVER_METHOD;
static const amqp_method_number_t martlet_amqp_basic_return = AMQP_BASIC_RETURN_METHOD;
static const amqp_method_number_t martlet_amqp_basic_ack = AMQP_BASIC_ACK_METHOD;
static const amqp_method_number_t martlet_amqp_basic_nack = AMQP_BASIC_NACK_METHOD;
static const amqp_flags_t martlet_amqp_property_flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
    AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_APP_ID_FLAG;
static const amqp_flags_t martlet_amqp_message_id_flag = AMQP_BASIC_MESSAGE_ID_FLAG;

// Entries of tables; the unions in them are clumsy from outside. Keys and texts must outlive the entry.
static inline amqp_table_entry_t martlet_amqp_text(char const *key, char const *value) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

static inline amqp_table_entry_t martlet_amqp_number(char const *key, int64_t value) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_I64;
    entry.value.value.i64 = value;
    return entry;
}

static inline amqp_table_entry_t martlet_amqp_yes(char const *key) {
    amqp_table_entry_t entry;
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
}

// A text of the broker's own properties, such as its version; no bytes when it names none.
static inline amqp_bytes_t martlet_amqp_server_property(amqp_connection_state_t state, char const *key) {
    amqp_bytes_t wanted = amqp_cstring_bytes(key);
    amqp_table_t *properties = amqp_get_server_properties(state);
    for (int index = 0; properties != 0 && index < properties->num_entries; index++) {
        amqp_table_entry_t *entry = &properties->entries[index];
        if (entry->value.kind == AMQP_FIELD_KIND_UTF8 && entry->key.len == wanted.len &&
            __builtin_memcmp(entry->key.bytes, wanted.bytes, wanted.len) == 0) {
            return entry->value.value.bytes;
        }
    }
    return amqp_empty_bytes;
}

// Logs in (the library's function is variadic), and asks to be told when a consumer is cancelled or the connection blocked.
static inline amqp_rpc_reply_t martlet_amqp_login(
    amqp_connection_state_t state, char const *virtual_host, int heartbeat, char const *connection_name,
    char const *user, char const *password) {
    amqp_table_entry_t abilities[] = {
        martlet_amqp_yes("basic.nack"), martlet_amqp_yes("connection.blocked"),
        martlet_amqp_yes("consumer_cancel_notify"), martlet_amqp_yes("publisher_confirms"),
    };
    amqp_table_entry_t entries[] = {
        martlet_amqp_text("product", "martlet"), martlet_amqp_text("connection_name", connection_name),
        martlet_amqp_text("capabilities", ""),
    };
    entries[2].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[2].value.value.table.num_entries = 4;
    entries[2].value.value.table.entries = abilities;
    amqp_table_t properties = { .num_entries = 3, .entries = entries };
    return amqp_login_with_properties(
        state, virtual_host, 8, AMQP_DEFAULT_FRAME_SIZE, heartbeat, &properties, AMQP_SASL_METHOD_PLAIN, user, password);
}
