#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H
/* What the parts of the store share. Private to server/store/ and its tests.
 *
 *   store.c         opening, closing, the file and the lock of its directory, health
 *   store_queue.c   what waits to be written: any thread puts, the writer takes
 *   store_writer.c  the one thread that writes
 *   row.c           how the verbs write and ask; the connections that only read
 *   store_retain.c  what is old goes
 */
#include "server/store/store.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>

enum {
	STORE_QUEUE_BYTES = 64 * 1024 * 1024,
	STORE_READERS = 4,
	STORE_BATCH = 512, /* statements in a transaction */
	STORE_VALUES = 32  /* in a statement */
};

struct value {
	char type; /* i, d, t, b; n for NULL */
	union {
		int64_t i;
		double d;
		struct {
			const char *p; /* into the entry */
			size_t n;
		} bytes;
	} as;
};

struct entry { /* one statement; one allocation */
	struct entry *next;
	const char *sql;
	int64_t queued_us;
	size_t size; /* of the allocation */
	bool dead;   /* can never succeed; was counted */
	size_t count;
	struct value values[];
};

struct queue {
	pthread_mutex_t lock; /* held for a few pointers */
	pthread_cond_t wake;  /* the writer: something came, or it is to hurry */
	pthread_cond_t done;  /* who flushes: something was committed, or failed */
	struct entry *first, **last;
	size_t count, bytes, bytes_max; /* what the writer has taken and not committed included */
	uint64_t put, committed;        /* entries ever; a flush waits for the one to reach the other */
	uint64_t lost, failures;
	int64_t oldest_us;  /* of what waits; NEVER_US: nothing */
	unsigned hurrying;  /* flushes under way */
	bool failing, full; /* full: said so in the log */
	bool closing;
	int64_t close_until_us;
};

struct reader {
	sqlite3 *db;
	bool out;
	unsigned database; /* which it was opened on; see below */
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
	/* Counts up when the file was lost and another begun: what has the old
	 * one open sees nothing of the new. */
	_Atomic unsigned database;
	_Atomic int64_t db_bytes;
	_Atomic uint64_t written;
	pthread_mutex_t error_lock;
	char last_error[200];

	/* The writer's, and before it begins the opener's. */
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

/* store_queue.c. Any thread, unless it says otherwise. */
void queue_init(struct queue *q);
void queue_free(struct queue *q);
struct entry *entry_new(const char *sql, const char *format, va_list values); /* NULL: no memory */
bool queue_put(struct queue *q, struct entry *e);                             /* takes it, or frees it */
int queue_flush(struct queue *q, int timeout_ms);
/* The writer: waits until `until_us` for entries; takes at most STORE_BATCH. NULL: none came. */
struct entry *queue_take(struct queue *q, int64_t until_us);
void queue_committed(struct queue *q, struct entry *batch); /* and frees them */
bool queue_nap(struct queue *q, int64_t ms);                /* after a failure; false: closing, and no time is left */
void queue_failed(struct queue *q);
void queue_lost(struct queue *q, uint64_t count);
bool queue_closing(struct queue *q);

/* store.c */
int store_db_open(struct store *s, struct buf *problem);
void store_db_close(struct store *s);
bool store_db_moved(struct store *s); /* the file at the path is not the one that is open */
void store_db_measure(struct store *s);
void store_note_error(struct store *s, const char *text);

/* store_writer.c */
void *store_writer(void *store);
sqlite3_stmt *store_prepared(struct store *s, const char *sql, int *rc);

/* store_retain.c: deletes a little of what is older than the limit. The
 * writer, outside a transaction. SQLITE_OK: nothing old is left, SQLITE_ROW: go
 * on later, or what went wrong. */
int store_retain(struct store *s, int64_t now_wall_ms);

/* row.c */
void readers_init(struct readers *r);
void readers_close(struct readers *r);

#endif
