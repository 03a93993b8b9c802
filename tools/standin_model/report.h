#ifndef STANDIN_REPORT_H
#define STANDIN_REPORT_H
/* What happened, kept while it happens and written as JSON when asked.
 *
 * A record belongs to one connection and is written only by the thread that
 * serves it, under that thread's lock; the report takes each lock in turn.
 * Records stay when connections go.
 */
#include "tools/kit/hist.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Client events by number; the last counts all that have no such name. */
#define CLIENT_EVENTS(X) \
	X(SESSION_UPDATE, "session.update") \
	X(APPEND, "input_audio_buffer.append") \
	X(COMMIT, "input_audio_buffer.commit") \
	X(CLEAR, "input_audio_buffer.clear") \
	X(OUTPUT_CLEAR, "output_audio_buffer.clear") \
	X(ITEM_CREATE, "conversation.item.create") \
	X(ITEM_TRUNCATE, "conversation.item.truncate") \
	X(ITEM_DELETE, "conversation.item.delete") \
	X(ITEM_RETRIEVE, "conversation.item.retrieve") \
	X(RESPONSE_CREATE, "response.create") \
	X(RESPONSE_CANCEL, "response.cancel")

enum client_event {
#define X(id, name) EVENT_##id,
	CLIENT_EVENTS(X)
#undef X
	    EVENT_OTHER,
	EVENTS
};
extern const char *const client_event_names[EVENTS];

enum response_status { COMPLETED, CANCELLED, FAILED, INCOMPLETE, STATUSES };
extern const char *const status_names[STATUSES];

/* Measured from stamps (--load), for each serving thread. */
struct load_stats {
	struct load_stats *next;
	pthread_mutex_t *lock;
	struct hist uplink;       /* a caller's frame, phone to here */
	struct hist interruption; /* speech_started sent -> clear at the phone */
	struct hist truncation;   /* |told - played|, as milliseconds in ns */
	uint64_t frames, backlog_frames, lost, duplicated, reordered, padding_bytes;
	uint64_t answers, interruptions, clears, unasked_clears, missing_clears, truncations, no_truncation;
	uint64_t ticks_late_ns_max; /* how late this program's own timers were, at worst */
};

struct record {
	struct record *next;
	pthread_mutex_t *lock; /* its thread's */

	unsigned long number; /* connections from 1 */
	char session_id[640], path[256], model[128], auth[16], sni[64], tls[16], alpn[16];
	bool resumed, upgraded, open;
	int refused; /* status the upgrade was refused with */
	char end[80];
	uint64_t opened_ns, closed_ns;

	uint64_t events[EVENTS], statuses[STATUSES], errors_sent, violations;
	uint64_t audio_bytes, pongs, pings, unanswered_turns;
	double audio_ms;
	char input_format[16], output_format[16];
	uint64_t gaps; /* times no audio came for 100 ms and more */
	double longest_gap_ms;
	/* Bounded lists of JSON objects. */
	cJSON *asked;    /* every session.update's session that was taken */
	cJSON *requests; /* the response of every response.create that had one */
	cJSON *violation_list, *truncates, *responses, *turns, *cancels, *items, *deletes;
	cJSON *conversation; /* what was in it at its end, as the model knew it */
};

/* Linked into the report for good. */
struct record *record_new(unsigned long number, pthread_mutex_t *lock, uint64_t now_ns);
struct load_stats *load_stats_new(pthread_mutex_t *lock);
void load_stats_reset(void); /* all threads' */

/* Adds to a bounded list of the record; takes the object over. */
void record_add(cJSON *list, cJSON *object);

/* Counted, listed and printed. */
void record_violation(struct record *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0 or -1 and a message on stderr. Written to a temporary name and renamed. */
int report_write(const char *path, uint64_t started_ns, uint64_t now_ns);
void report_free(void);

#endif
