#ifndef NEWS_JOURNAL_H
#define NEWS_JOURNAL_H
/* What happens in a call, told to whoever keeps it or shows it: the store, the
 * watchers, the outgoing webhooks.
 *
 * The loops tell; sinks take. A sink is called on the thread that tells, often
 * a call's loop: it copies and returns, and waits for nothing. An entry holds
 * values; who needs them as JSON makes it (journal_json.h).
 */
#include "server/store/store_calls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct agent;
struct outcome_row;

enum journal_kind {
	JOURNAL_RESERVED, /* announced, no stream yet */
	JOURNAL_STARTED,  /* the caller is there; for outbound: answered */
	JOURNAL_TURN,     /* a turn is new or has settled further: no, and all of it */
	JOURNAL_TOOL,     /* a tool was called or has answered */
	JOURNAL_NOTE,     /* anything else worth knowing: transfer, machine, operator's word, cost limit */
	JOURNAL_OUTCOME,  /* an outcome or job record was made or completed */
	JOURNAL_RECORDING,
	JOURNAL_ENDED,  /* all is known of it: the whole call */
	JOURNAL_FORMING /* a turn in the making, as far as it has come: for those who watch now, not to be kept */
};

struct journal_fact {
	const char *name, *text;
};

struct journal_entry { /* all borrowed for the length of the call */
	enum journal_kind kind;
	const char *type; /* as watchers see it: call.started, turn, tool.called, tool.answered, … */
	const char *call_sid;
	const struct agent *agent; /* the call's agent; NULL: unknown */
	int64_t wall_ms;           /* when */
	int64_t no;                /* TURN, FORMING: its place in the conversation, growing */
	union {                    /* what there is to know */
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

/* At start and at the end only: no thread that tells may be running. */
void journal_add_sink(journal_sink *sink, void *arg);
void journal_remove_sink(journal_sink *sink, void *arg); /* fine if it was not added */

/* False: nobody takes it, so that it need not be put together. */
bool journal_wanted(void);

/* Any thread. */
void journal_tell(const struct journal_entry *entry);

/* Any thread. Whether somebody watches calls right now: only then is it worth
 * telling what is FORMING, and of one call at most every JOURNAL_FORMING_MS. */
enum { JOURNAL_FORMING_MS = 250 };
void journal_watch(int change); /* 1: one more watches; -1: one less */
bool journal_watched(void);

#endif
