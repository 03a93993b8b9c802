#ifndef AGENTS_FALLBACK_H
#define AGENTS_FALLBACK_H
/* The rungs of an agent's ladder: what is tried, one after the other, for a caller whom the agent
 * cannot serve, or not any more. Words of goodbye come after the last, and are no rung.
 *
 * Constant once loaded, as the agent is. Any thread. */
#include "server/config/config.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct agent;
struct reader;

enum rung_kind {
	RUNG_NONE,      /* the place before the first */
	RUNG_RECONNECT, /* a new stream, or a new session, to the same agent */
	RUNG_TEXT,      /* a conversation by webhooks, over the text model */
	RUNG_DIAL,      /* people, in turn */
	RUNG_VOICEMAIL, /* a message of the caller's */
	RUNG_KINDS
};

enum { RUNGS_MAX = RUNG_KINDS - 1 }; /* each at most once: a rung is known by its kind */

struct agent_rung {
	enum rung_kind kind;
	const char *const *numbers; /* of a dial: E.164 or sip:; without any, the agent's fallback_number */
	size_t number_count;
	int ring_seconds; /* of a dial, for each number: 30 */
	int max_seconds;  /* of a voicemail: 120 */
};

struct agent_fallback {
	struct agent_rung rungs[RUNGS_MAX];
	size_t count;
	bool listed; /* by the file; else these are the setting's, and what lacks something is left out */
};

/* As FALLBACK has it; unset, all of them in the order above. */
void fallback_from_config(struct agent_fallback *f, const struct config *cfg);

/* NULL: the agent has none of that kind. */
const struct agent_rung *fallback_rung(const struct agent_fallback *f, enum rung_kind kind);

/* What follows that rung; the first one after RUNG_NONE. NULL: none, or the agent has no such rung (any more). */
const struct agent_rung *fallback_after(const struct agent_fallback *f, enum rung_kind kind);

/* A dial's number at that place; NULL: it has no more. */
const char *rung_number(const struct agent *p, const struct agent_rung *rung, size_t at);

/* The word for it in files, settings and addresses; "" for none. */
const char *rung_name(enum rung_kind kind);
enum rung_kind rung_named(const char *name); /* RUNG_NONE: none is called so */

/* What the rung lacks here, as the end of a sentence; NULL: nothing. */
const char *rung_lacks(const struct agent *p, const struct agent_rung *rung, const struct config *cfg);

/* For agent_file.c: reads `fallback` into a struct agent; tells what its rungs lack. */
void fallback_read(struct reader *r, const cJSON *value, void *agent);
void fallback_check(struct reader *r, const struct agent *p);

/* The same for FALLBACK where it is set: NULL, or the end of a sentence. */
const char *fallback_setting_problem(const struct config *cfg);

#endif
