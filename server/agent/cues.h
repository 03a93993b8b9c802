#ifndef AGENT_CUES_H
#define AGENT_CUES_H
/* What the agent is to say besides its answers to the caller: the operator's
 * word, a goodbye, a filler while a tool is busy.
 *
 * Agent loop only, pure. Cues are said one after the other, each in a response
 * of its own, when nothing else is being said or owed: the sequencer decides
 * when. One that the caller talked over has been said, except a firm one; one
 * that never came to be heard is tried again.
 */
#include <stdbool.h>
#include <stddef.h>

enum { CUES_MAX = 8, CUE_TRIES = 3, CUE_ID_SIZE = 64 };

enum cue_kind { CUE_SAY, CUE_FILLER, CUE_GOODBYE };

enum cue_state { CUE_WAITING, CUE_ASKED, CUE_SPOKEN };

struct cue {
	enum cue_kind kind;
	char *text; /* owned: an instruction, or with `exact` the words */
	bool exact;
	bool firm; /* the caller's interruption does not end it */
	enum cue_state state;
	int tries;
	char event_id[CUE_ID_SIZE];    /* of our response.create, once asked */
	char response_id[CUE_ID_SIZE]; /* once it is being said */
};

struct cues {
	struct cue list[CUES_MAX]; /* the first is the one being said, or the next */
	size_t count;
};

/* Zeroed is empty. */
void cues_free(struct cues *q);

/* Copies `text`. False if too many wait already, or without memory. Last words
 * take the place of what came last. */
bool cues_add(struct cues *q, enum cue_kind kind, const char *text, bool exact, bool firm);

/* The cue to be said next; NULL if none waits or one is under way. Borrowed
 * until the next call of any of these. */
const struct cue *cues_next(const struct cues *q);

/* response.create for it was sent. */
void cues_asked(struct cues *q, const char *event_id);

/* response.created while ours was out. `welcome`: it will be heard; else the
 * caller had interrupted before it began. */
void cues_created(struct cues *q, const char *response_id, bool welcome);

/* Our response.create was refused, or what we took for its response was not.
 * True if it was for a cue. */
bool cues_refused(struct cues *q, const char *event_id);

/* No response.created came. True if one was expected. */
bool cues_lost(struct cues *q);

enum cue_end {
	CUE_NOT_OURS, /* the response was no cue's */
	CUE_AGAIN,    /* it will be tried again */
	CUE_OVER      /* said, cut, or given up */
};

/* response.done. `failed`: nothing was said. `cut`: the caller interrupted. */
enum cue_end cues_done(struct cues *q, const char *response_id, bool failed, bool cut);

/* Takes back what waits of a kind. */
void cues_drop(struct cues *q, enum cue_kind kind);

/* Whether one of the kind waits or is under way. */
bool cues_has(const struct cues *q, enum cue_kind kind);

#endif
