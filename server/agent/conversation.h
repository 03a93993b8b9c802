#ifndef AGENT_CONVERSATION_H
#define AGENT_CONVERSATION_H
/* The agent loop's own state, and what happens to it. Agent loop only.
 *
 *   agent_loop.c           the loop: deadlines, the end, what others see
 *   conversation.c         what happens: told by the model, the caller loop, by mail
 *   dialogue.h             what is to be done about it
 *   conversation_orders.c  doing it
 *   conversation_tools.c   the tools the model calls
 *
 * Each thing that happens is noted where it is kept (timeline, counters, journal),
 * told to the dialogue as an event, and the orders that come of it are carried out
 * before the next one.
 */
#include "common/clock.h"
#include "server/agent/dialogue.h"
#include "server/agent/link.h"
#include "server/agent/timeline.h"
#include "server/agent/toolbox.h"
#include "server/fleet/fleet.h"
#include "server/line/call_cost.h"
#include "server/line/call.h"
#include "server/news/journal.h"

struct converter;
struct tool_cancel;

struct conversation {
	struct call *call;
	struct link link;         /* the model */
	struct dialogue dialogue; /* who has the word */
	struct timeline timeline; /* what was said */
	bool left;                /* the caller loop is gone */

	struct buf message;     /* to the model, under construction */
	uint32_t requests_sent; /* numbers their ids, except for answers: the dialogue numbers those */

	struct {                             /* the model's audio on its way to the caller */
		struct converter *converter; /* owned; NULL while the model speaks mu-law */
		struct buf decoded;          /* one delta */
		uint8_t *converted;          /* owned; room for one converted delta */
		size_t converted_size;
		uint32_t overflowed; /* the item whose end was dropped: too long to queue */
	} audio;

	struct { /* the model's tools */
		struct toolbox box;
		struct tool_cancel *cancel; /* owned; NULL before the first */
		struct buf declared;        /* as told to the model; may hold keys */
	} tools;

	struct { /* with a farewell that hands over: to whom */
		char name[FLEET_NAME_SIZE], number[CALL_NUMBER_SIZE];
		int ring_seconds;
	} hand_over;

	struct call_spending spending;
	struct { /* when others were last told */
		int64_t published_us, formed_us;
	} shown;
};

/* Ms since the caller was there; -1 before. */
static inline int64_t conversation_at_ms(const struct conversation *con, int64_t now_us)
{
	int64_t started = atomic_load_explicit(&con->call->started_us, memory_order_relaxed);

	return started ? (now_us - started) / US_PER_MS : -1;
}

/* The model told something: a link_event_fn. */
void conversation_model_told(void *arg, const struct model_event *event, int64_t now_us);

/* Takes what the caller loop has told, and what has come by mail. */
void conversation_take_messages(struct conversation *con, int64_t now_us);
void conversation_take_mail(struct conversation *con, int64_t now_us);

#endif
