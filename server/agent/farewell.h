#ifndef AGENT_FAREWELL_H
#define AGENT_FAREWELL_H
/* The call is to end once its last words were heard: the model hung up or
 * handed over (end_call, transfer_call), the operator or a limit said goodbye.
 *
 * Agent loop only, pure. First the words are to be made (by when, is bounded),
 * then to be heard to their end, which is bounded by their length. The caller
 * speaking up calls it off, unless it is firm.
 */
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	FAREWELL_WORDS_US = 25 * 1000000,   /* for the words to be made, whatever is being said before */
	FAREWELL_MARGIN_US = 5 * 1000000,   /* over the words' length */
	FAREWELL_LONGEST_US = 30 * 1000000, /* from when they were made */
	FAREWELL_ID_SIZE = 256
};

enum farewell_state {
	FAREWELL_NONE,
	FAREWELL_SAYING, /* the words are being made */
	FAREWELL_HEARING /* … and being played */
};

struct farewell {
	enum farewell_state state;
	enum call_end end;
	bool firm;
	char response_id[FAREWELL_ID_SIZE]; /* of the words, "" while unknown: a goodbye still to be said */
	char call_id[FAREWELL_ID_SIZE];     /* the model's tool call behind it, "" if none */
	int64_t deadline_us;
};

/* Of two, the firm one, else the first, wins; false if it was not taken. */
bool farewell_begin(
    struct farewell *p, enum call_end end, bool firm, const char *response_id, const char *call_id, int64_t now_us);

/* All words are made; `left_ms` of them, at most, are still to be played. */
void farewell_made(struct farewell *p, int64_t left_ms, int64_t now_us);

/* The caller speaks up. True if that called it off. */
bool farewell_spoke(struct farewell *p);

/* Whether the call ends now. `waiting`: something is still to be heard, or done. */
bool farewell_due(const struct farewell *p, bool waiting, int64_t now_us);

/* INT64_MAX: none. */
int64_t farewell_deadline_us(const struct farewell *p);

#endif
