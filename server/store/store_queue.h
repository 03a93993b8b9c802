#ifndef STORE_STORE_QUEUE_H
#define STORE_STORE_QUEUE_H
/* Statements pending to be written: any thread puts, the writer takes. Private to
 * server/store/ and its tests.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STORE_QUEUE_BYTES = 64 * 1024 * 1024,
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
	pthread_cond_t wake;  /* wakes the writer: something came, or it is to hurry */
	pthread_cond_t done;  /* wakes flushes: something was committed, or failed */
	struct entry *first, **last;
	size_t count, bytes, bytes_max; /* with the batch that is taken and not committed yet */
	uint64_t put, committed;        /* entries ever; a flush waits for the one to reach the other */
	uint64_t lost, failures;
	int64_t oldest_us;  /* of the pending entries; NEVER_US: none */
	unsigned hurrying;  /* flushes under way */
	bool failing, full; /* full: said so in the log */
	bool closing;
	int64_t close_until_us;
};

/* Any thread, unless it says otherwise. */
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

#endif
