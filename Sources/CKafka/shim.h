#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// A macro with a cast, which Swift does not import: the partition is chosen by the record's key.
static const int32_t martlet_partition_by_key = RD_KAFKA_PARTITION_UA;
