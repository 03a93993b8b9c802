#ifndef NEWS_JOURNAL_H
#define NEWS_JOURNAL_H
/* News of calls, for the parts that keep or show them: the store, the watchers, the
 * outgoing webhooks.
 *
 * The loops tell; sinks take. A sink runs on the thread that tells, often a call's
 * loop: it copies and returns, and waits for nothing. An entry holds values; a sink
 * that needs JSON makes it (journal_json.h).
 */
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct outcome_row;

enum journal_kind {
	JOURNAL_RESERVED, /* announced, no stream yet */
	JOURNAL_STARTED,  /* the stream is there; an outbound call was answered */
	JOURNAL_TURN,     /* a turn is new or has changed: the whole turn, and its number */
	JOURNAL_TOOL,     /* a tool was called or has answered */
	JOURNAL_NOTE,     /* other news: transfer, machine, operator's word, cost limit */
	JOURNAL_OUTCOME,  /* a record is complete */
	JOURNAL_RECORDING,
	JOURNAL_ENDED,  /* the call is over: the whole call */
	JOURNAL_FORMING /* a turn in the making, so far; for watchers, not to be kept */
};

struct journal_fact {
	const char *name, *text;
};

struct journal_entry { /* all borrowed, until journal_tell returns */
	enum journal_kind kind;
	const char *type; /* the watchers' word: call.started, turn, tool.called, tool.answered, … */
	const char *call_sid;
	const struct agent *agent; /* the call's agent; NULL: unknown */
	int64_t wall_ms;           /* Unix time of the event */
	int64_t no;                /* TURN, FORMING: its number in the conversation, growing */
	union {                    /* by the kind */
		struct {
			const struct call_summary *call; /* RESERVED, STARTED, ENDED */
			const struct call_talk *talk;    /* ENDED, else NULL */
		};
		const struct call_turn *turn; /* TURN, FORMING */
		const struct call_tool *tool;
		const struct outcome_row *outcome; /* complete */
		const struct call_recording *recording;
		const struct journal_fact *facts; /* NOTE: up to one without a name; NULL for none */
	};
};

typedef void journal_sink(void *arg, const struct journal_entry *entry);

enum { JOURNAL_SINKS_MAX = 8 };

/* At start and at the end only: no thread that tells may be running. Sinks are called in
 * the order in which they were added. */
void journal_add_sink(journal_sink *sink, void *arg);
void journal_remove_sink(journal_sink *sink, void *arg); /* fine if it was not added */

/* False: there is no sink, and no entry need be put together. */
bool journal_wanted(void);

/* Any thread. */
void journal_tell(const struct journal_entry *entry);
/* Of the whole call, as it is now. */
void journal_tell_call(enum journal_kind kind, const char *type, const char *call_sid, const struct agent *agent,
    const struct call_summary *call);

/* Any thread. FORMING is told only while there are watchers, and for one call at most
 * every JOURNAL_FORMING_MS. */
enum { JOURNAL_FORMING_MS = 250 };
void journal_watch(int change); /* 1: one more watcher; -1: one less */
bool journal_watched(void);

#endif
