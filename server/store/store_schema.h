#ifndef STORE_STORE_SCHEMA_H
#define STORE_STORE_SCHEMA_H
/* The tables, and the way from a database of an older version to ours.
 *
 * Private to server/store/ and its tests. Versions count from 1 (PRAGMA
 * user_version); step N brings version N-1 to N, in one transaction.
 */
#include "common/buf.h"

#include <sqlite3.h>
#include <stddef.h>

extern const char *const store_steps[];
extern const size_t store_version; /* how many there are */

/* Brings the database forward by these steps. 0, or -errno with a sentence:
 * -EINVAL another program's database, -EPROTO from a newer version, -EBUSY held by
 * another program, -EUCLEAN not a database, -ENOSPC, -EROFS, -EIO. */
int store_migrate(sqlite3 *db, const char *const *steps, size_t count, struct buf *problem);

/* The errno of an SQLite result that is not OK. */
int store_errno(int result);

#endif
