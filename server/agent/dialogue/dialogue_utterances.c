#include "server/agent/dialogue/dialogue_utterances.h"

#include "audio/g711.h"
#include "common/clock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Utterances lie in no order, and are known by their number: places are reused, numbers
 * are not. Items lie at their number, modulo, so the newest ones are kept. Neither list
 * grows. An utterance that falls out was over long ago; its late audio would be that of
 * an unknown response, and would be played. To lose a caller's answer would be worse.
 */
struct dialogue_order *dialogue_order(struct dialogue *d, enum dialogue_order_type type)
{
	struct dialogue_order *order;

	assert(d->order_count < DIALOGUE_ORDERS);
	order = &d->orders[d->order_count++];
	*order = (struct dialogue_order){ .type = type, .response = "", .item = "", .text = "", .truncate_ms = -1 };
	return order;
}

/* ------------------------------------------------------------------------ utterances */

/* The importance of an utterance: those that are over make way first, but an interruption
 * must be able to find what still plays. Pending ones are few, and never make way. */
static int weight(const struct dialogue *d, const struct utterance *u)
{
	switch (u->state) {
	case UTTERANCE_FREE:
		return 0;
	case UTTERANCE_MADE:
		return items_unfinished_of(d, u->no) ? 2 : 1;
	case UTTERANCE_MAKING:
		return u->no == d->active || utterance_is_cue(u) ? 4 : 3;
	default:
		return 4;
	}
}

struct utterance *utterance_new(struct dialogue *d, enum utterance_kind kind, enum utterance_state state)
{
	struct utterance *room = &d->utterances[0];

	for (size_t i = 1; i < UTTERANCES_MAX; i++) {
		struct utterance *u = &d->utterances[i];
		int heavier = weight(d, u) - weight(d, room);

		if (heavier < 0 || (heavier == 0 && u->alive_us < room->alive_us))
			room = u;
	}
	assert(weight(d, room) < 4);
	if (room->state == UTTERANCE_MAKING)
		items_complete(d, room, NULL);
	free(room->text);
	*room = (struct utterance){ .no = ++d->last_utterance, .kind = kind, .state = state };
	return room;
}

void utterance_drop(struct utterance *u)
{
	if (!u)
		return;
	free(u->text);
	*u = (struct utterance){ 0 };
}

struct utterance *utterance_in(struct dialogue *d, enum utterance_state state)
{
	struct utterance *first = NULL;

	for (size_t i = 0; i < UTTERANCES_MAX; i++) {
		struct utterance *u = &d->utterances[i];

		if (u->state == state && (!first || u->alive_us < first->alive_us))
			first = u;
	}
	return first;
}

struct utterance *utterance_wanted(struct dialogue *d)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (d->utterances[i].state == UTTERANCE_WANTED && !utterance_is_cue(&d->utterances[i]))
			return &d->utterances[i];
	return NULL;
}

struct utterance *utterance_want(struct dialogue *d, enum utterance_kind kind, bool rest)
{
	struct utterance *u = utterance_wanted(d);

	if (!u)
		u = utterance_new(d, rest ? UTTERANCE_ANSWER : kind, UTTERANCE_WANTED);
	u->rest |= rest;
	u->instant = false;
	return u;
}

struct utterance *utterance_no(struct dialogue *d, uint32_t no)
{
	for (size_t i = 0; no && i < UTTERANCES_MAX; i++)
		if (d->utterances[i].no == no)
			return &d->utterances[i];
	return NULL;
}

struct utterance *utterance_asked_as(struct dialogue *d, uint32_t request)
{
	for (size_t i = 0; request && i < UTTERANCES_MAX; i++)
		if (d->utterances[i].request == request)
			return &d->utterances[i];
	return NULL;
}

/* Ids are found by this number, and then compared as a whole (FNV-1a). 0 is that of no id. */
static uint32_t number_of(const char *id)
{
	uint32_t number = 2166136261;

	for (const char *p = id; *p; p++)
		number = (number ^ (unsigned char)*p) * 16777619;
	return !*id ? 0 : number ? number : 1;
}

const char *utterance_response(const struct dialogue *d, const struct utterance *u)
{
	return u->response ? d->responses[u - d->utterances] : "";
}

/* Keeps an id in place of another one. Its number; without memory it is an unknown one. */
static uint32_t keep_id(struct dialogue *d, char **place, const char *id)
{
	char **replaced = &d->replaced[d->last_replaced++ % IDS_REPLACED];

	free(*replaced);
	*replaced = *place;
	*place = id[0] ? strndup(id, FOREIGN_ID_SIZE - 1) : NULL;
	return *place ? number_of(id) : 0;
}

void utterance_name(struct dialogue *d, struct utterance *u, const char *response)
{
	u->response = keep_id(d, &d->responses[u - d->utterances], response);
}

void utterance_free_ids(struct dialogue *d)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		free(d->responses[i]);
	for (size_t i = 0; i < ITEMS_MAX; i++)
		free(d->item_ids[i]);
	for (size_t i = 0; i < IDS_REPLACED; i++)
		free(d->replaced[i]);
}

struct utterance *utterance_of(struct dialogue *d, const char *response)
{
	uint32_t number = number_of(response);

	for (size_t i = 0; number && i < UTTERANCES_MAX; i++)
		if (d->utterances[i].response == number && !strcmp(d->responses[i], response))
			return &d->utterances[i];
	return NULL;
}

/* Deltas may come before the beginning of their response, or without it. They are played
 * all the same, and the deadline of every response holds for this one, too. */
struct utterance *utterance_of_any(struct dialogue *d, const char *response, int64_t now_us)
{
	struct utterance *u = response[0] ? utterance_of(d, response) : utterance_no(d, d->active);

	for (size_t i = 0; i < UTTERANCES_MAX && !u; i++)
		if (d->utterances[i].state == UTTERANCE_MAKING &&
		    !strcmp(utterance_response(d, &d->utterances[i]), response))
			u = &d->utterances[i];
	if (u)
		return u;
	u = utterance_new(d, UTTERANCE_ANSWER, UTTERANCE_MAKING);
	utterance_name(d, u, response);
	u->since_us = u->alive_us = now_us;
	return u;
}

bool utterance_made(const struct dialogue *d, uint32_t no)
{
	const struct utterance *u = utterance_no((struct dialogue *)d, no);

	return !u || u->state == UTTERANCE_MADE;
}

/* While an item comes the model is speaking, and a pause in it seems longer to the ear;
 * before that, and between two items, it may be thinking or using a tool. A response that
 * was cut is not heard, and must not stand in the way of the next one for longer. */
int64_t utterance_patience_us(const struct dialogue *d, const struct utterance *u)
{
	int64_t from_us = u->cut || u->filled ? u->since_us : later(u->since_us, d->silent_from_us);
	int64_t until_us = from_us + (u->cut || items_speaking(d, u->no) ? d->rules.silence_us : d->rules.slow_us);

	return u->resting ? earlier(until_us, u->alive_us + (u->said ? REST_US : REST_UNHEARD_US)) : until_us;
}

struct utterance *utterance_first_quiet(struct dialogue *d)
{
	struct utterance *first = NULL;

	for (size_t i = 0; i < UTTERANCES_MAX; i++) {
		struct utterance *u = &d->utterances[i];

		if (u->state == UTTERANCE_MAKING &&
		    (!first || utterance_patience_us(d, u) < utterance_patience_us(d, first)))
			first = u;
	}
	return first;
}

/* Audio or tools of a response may come before its beginning is told. They were noted
 * under an utterance of their own (`early`), and move to the one they belong to. */
void utterance_take_over(struct dialogue *d, struct utterance *u, struct utterance *early)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (early && d->items[i].utterance == early->no)
			d->items[i].utterance = u->no;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		if (early && d->batches[i].utterance == early->no)
			d->batches[i].utterance = u->no;
	if (early && d->farewell.words == early->no)
		d->farewell.words = u->no;
	if (early) {
		u->said = early->said;
		u->acts = early->acts;
		u->resting = early->resting;
	}
	utterance_drop(early);
}

bool utterance_sign(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	/* Events of MCP servers name no response: they belong to the active one. */
	struct utterance *u = e->response[0] ? utterance_of(d, e->response) : utterance_no(d, d->active);

	if (!u)
		return false;
	u->alive_us = now_us;
	u->resting = e->type == EVENT_PART_OVER || (u->resting && e->type == EVENT_SIGN);
	u->said |= e->acts;
	u->acts |= e->acts;
	u->goes_on |= e->acts;
	if (u->no == d->untold && !u->resting && !d->active) {
		d->untold = 0;
		u->state = UTTERANCE_MAKING;
		u->since_us = now_us;
		d->active = u->no;
	}
	return true;
}

bool utterance_circles(struct dialogue *d, const struct utterance *u)
{
	d->goes_on = u->goes_on;
	d->mute_acts += u->acts;
	return u->acts && d->mute_acts > MUTE_ACTS_MAX && !d->farewell.state;
}

bool utterance_is_cue(const struct utterance *u)
{
	return u->kind >= UTTERANCE_SAY;
}

/* ----------------------------------------------------------------------------- items */

struct item *item_no(struct dialogue *d, uint32_t no)
{
	struct item *item = &d->items[no % ITEMS_MAX];

	return no && item->no == no ? item : NULL;
}

struct item *item_at(struct dialogue *d, size_t n)
{
	uint32_t first = d->last_item > ITEMS_MAX ? d->last_item - ITEMS_MAX : 0;

	return first + n < d->last_item ? item_no(d, first + (uint32_t)n + 1) : NULL;
}

const char *item_id(const struct dialogue *d, const struct item *item)
{
	return item->id ? d->item_ids[item - d->items] : "";
}

struct item *item_named(struct dialogue *d, const char *id)
{
	uint32_t number = number_of(id);
	struct item *item;

	for (uint32_t no = d->last_item; (item = item_no(d, no)); no--)
		if (item->id == number && !strcmp(item_id(d, item), id))
			return item;
	return NULL;
}

struct item *item_new(struct dialogue *d, uint32_t utterance, const char *id)
{
	uint32_t no = ++d->last_item;
	struct item *item = &d->items[no % ITEMS_MAX];

	*item = (struct item){ .no = no, .utterance = utterance };
	item->id = keep_id(d, &d->item_ids[no % ITEMS_MAX], id);
	return item;
}

/* The order marks the end in the ring, so that the caller loop can tell when it was
 * heard. An item that was cut has its end noted, and not marked. */
void item_complete(struct dialogue *d, struct item *item, const char *ending)
{
	const struct utterance *u = utterance_no(d, item->utterance);
	struct dialogue_order *order;

	if (item->complete && !ending)
		return;
	order = dialogue_order(d, item->complete ? ORDER_ITEM_OVER : ORDER_ITEM_MADE);
	order->no = item->no;
	order->item = item_id(d, item);
	order->play = !item->over && !(u && u->cut);
	order->over = ending != NULL;
	if (ending)
		order->text = ending;
	item->complete = true;
}

void items_complete(struct dialogue *d, const struct utterance *u, const char *ending)
{
	for (size_t i = 0; i < ITEMS_MAX; i++) {
		struct item *item = item_at(d, i);

		if (item && item->utterance == u->no)
			item_complete(d, item, ending);
	}
}

static bool unfinished(const struct item *item)
{
	return item->received && !item->over;
}

bool items_unfinished_of(const struct dialogue *d, uint32_t utterance)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (d->items[i].no && d->items[i].utterance == utterance && unfinished(&d->items[i]))
			return true;
	return false;
}

bool items_unfinished(const struct dialogue *d)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (unfinished(&d->items[i]))
			return true;
	return false;
}

int64_t items_left_ms(const struct dialogue *d)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (!d->items[i].over)
			bytes += d->items[i].received;
	return (int64_t)(bytes / G711_BYTES_PER_MS);
}

bool items_any(const struct dialogue *d, uint32_t utterance)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (d->items[i].no && d->items[i].utterance == utterance && d->items[i].received)
			return true;
	return false;
}

bool items_speaking(const struct dialogue *d, uint32_t utterance)
{
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (d->items[i].no && d->items[i].utterance == utterance && d->items[i].received &&
		    !d->items[i].complete)
			return true;
	return false;
}

int64_t item_truncate_ms(const struct item *item, uint32_t heard_ms)
{
	uint64_t received_ms = item->received / G711_BYTES_PER_MS;

	if (!received_ms || (item->complete && heard_ms >= received_ms))
		return -1;
	return (int64_t)(heard_ms < received_ms ? heard_ms : received_ms);
}

/* Behind its answer, a turn that was heard again would be a question anew. */
int64_t utterance_placed_us(const struct dialogue *d)
{
	return d->placing_us ? later(d->placing_us, d->silent_from_us) + PLACE_US : 0;
}
