#ifndef STORE_STORE_RETAIN_H
#define STORE_STORE_RETAIN_H
/* Deletes old calls. Private to server/store/ and its tests. */
#include <stdint.h>

struct store;

/* Deletes a few calls older than the limit. Writer only, outside a transaction.
 * SQLITE_OK: nothing old is left; SQLITE_ROW: go on later; else the error. */
int store_retain(struct store *s, int64_t now_wall_ms);

#endif
