#ifndef AGENT_ANSWERS_H
#define AGENT_ANSWERS_H
/* What the model is saying, item by item, and which of it may still be played.
 *
 * Agent loop only, pure. Each audio item of an answer gets a number, by which
 * the caller loop knows it. An interruption drops the active response: what
 * arrives of it later is not played. It also says, once the caller loop has
 * told what was heard, how far each item is to be truncated: never beyond what
 * was received of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWERS_MAX = 32, ANSWERS_DROPPED_MAX = 16, ANSWER_ID_SIZE = 64 };

struct answer {
	uint32_t no; /* 1, 2, 3 … over the call */
	char item_id[ANSWER_ID_SIZE];
	char response_id[ANSWER_ID_SIZE];
	uint64_t received; /* mu-law bytes of audio the model made */
	bool complete;     /* the model has made all of it */
	bool overflowed;   /* its end was dropped: too long to queue */
	bool over;         /* heard to its end, or cut: nothing more to tell */
};

struct answers {
	struct answer list[ANSWERS_MAX]; /* oldest first */
	size_t count;
	uint32_t last_no;
	char dropped[ANSWERS_DROPPED_MAX][ANSWER_ID_SIZE]; /* responses cut lately; a circle */
	size_t dropped_next;
};

void answers_init(struct answers *a);

/* The item's entry, made if it is new. Valid until the next call of this. */
struct answer *answers_item(struct answers *a, const char *response_id, const char *item_id);

/* NULL if unknown. */
struct answer *answers_by_no(struct answers *a, uint32_t no);
struct answer *answers_by_item(struct answers *a, const char *item_id);

/* From now on nothing of this response is to be played. "" is ignored. */
void answers_drop(struct answers *a, const char *response_id);
/* The same for the responses of all that is unfinished. */
void answers_drop_unfinished(struct answers *a);
bool answers_dropped(const struct answers *a, const char *response_id);

/* Whether anything received has neither been heard to its end nor cut. */
bool answers_unfinished(const struct answers *a);

/* How far to truncate an item of which `heard_ms` were heard; -1: not at all
 * (all of it was heard, or there is nothing to truncate). */
int64_t answers_truncate_ms(const struct answer *a, uint32_t heard_ms);

#endif
