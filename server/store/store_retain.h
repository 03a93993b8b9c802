#ifndef STORE_STORE_RETAIN_H
#define STORE_STORE_RETAIN_H
/* What is old goes. Private to server/store/ and its tests. */
#include <stdint.h>

struct store;

/* Deletes a little of what is older than the limit. The writer, outside a
 * transaction. SQLITE_OK: nothing old is left, SQLITE_ROW: go on later, or what
 * went wrong. */
int store_retain(struct store *s, int64_t now_wall_ms);

#endif
