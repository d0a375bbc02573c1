#include <hiredis/hiredis.h>

/* The array of characters would arrive as a tuple. */
static inline const char *martlet_redis_error(const redisContext *context) { return context->errstr; }

/* Milliseconds instead of a structure. */
static inline int martlet_redis_set_timeout(redisContext *context, int milliseconds) {
    struct timeval time = {milliseconds / 1000, (milliseconds % 1000) * 1000};
    return redisSetTimeout(context, time);
}

static inline redisContext *martlet_redis_connect(const char *host, int port, int milliseconds) {
    struct timeval time = {milliseconds / 1000, (milliseconds % 1000) * 1000};
    return redisConnectWithTimeout(host, port, time);
}
