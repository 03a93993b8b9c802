#ifndef STORE_STORE_DB_H
#define STORE_STORE_DB_H
/* The store's insides: its file, the lock of the directory, and the connection
 * that writes. Private to server/store/ and its tests.
 */
#include "server/store/store.h"
#include "server/store/store_queue.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum { STORE_READERS = 4 };

struct reader {
	sqlite3 *db;
	bool out;
	unsigned database; /* the store's count when it was opened; see below */
	int64_t until_us;  /* a query that takes longer is stopped */
};

struct readers {
	pthread_mutex_t lock;
	pthread_cond_t free;
	struct reader list[STORE_READERS];
};

struct store {
	/* Constant once open. */
	char dir[PATH_MAX - 64], path[PATH_MAX];
	int retain_days;

	struct queue queue;
	struct readers readers;
	/* Counts up when the file was lost and another begun: a connection to the old
	 * one sees nothing of the new. */
	_Atomic unsigned database;
	_Atomic int64_t db_bytes;
	_Atomic uint64_t written;
	pthread_mutex_t error_lock;
	char last_error[200];

	/* Writer only; the opener's before the writer begins. */
	pthread_t thread;
	bool running;
	int lock_fd;
	sqlite3 *db; /* NULL: to be opened again */
	struct stat file;
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} prepared[64];
	size_t prepared_count;
	struct entry *batch; /* taken, not committed */
	int64_t retain_at_us;
	int64_t failing_since_us; /* 0: not failing */
	unsigned complaints;      /* lines about statements that cannot succeed */
};

/* For the owner of the connection: the writer, or the opener before it begins. */
int store_db_open(struct store *s, struct buf *problem);
void store_db_close(struct store *s);
bool store_db_moved(struct store *s); /* the file at the path is not the one that is open */
void store_db_measure(struct store *s);
/* Any thread. */
void store_note_error(struct store *s, const char *text);

/* A statement of the writer's connection, kept for the next time; `sql` is a
 * literal. NULL, and SQLite's result in `rc`. */
sqlite3_stmt *store_prepared(struct store *s, const char *sql, int *rc);

#endif
