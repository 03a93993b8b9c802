#ifndef AGENT_DIALOGUE_UTTERANCES_H
#define AGENT_DIALOGUE_UTTERANCES_H
/* The dialogue's utterances, their items of audio, and its orders. Private to
 * dialogue*.c. Only this module keeps the bounds of the lists.
 */
#include "server/agent/dialogue/dialogue.h"

/* A new order, at the end. Never NULL: the orders of one event are bounded. */
struct dialogue_order *dialogue_order(struct dialogue *d, enum dialogue_order_type type);

/* A new utterance. Never NULL: without room the oldest that is over makes way. */
struct utterance *utterance_new(struct dialogue *d, enum utterance_kind kind, enum utterance_state state);
void utterance_drop(struct utterance *u); /* fine with NULL */

/* The utterance in that state; of several the one that is silent for longest. NULL:
 * none. Several are MAKING only if the model does not follow its own protocol. */
struct utterance *utterance_in(struct dialogue *d, enum utterance_state state);
/* The answer or greeting that is to be asked for; there is at most one. */
struct utterance *utterance_wanted(struct dialogue *d);
/* Owes one, unless one is owed. `rest`: the caller has heard, or is to hear, its beginning. Of a greeting
 * the rest is an answer: nobody is greeted twice. */
struct utterance *utterance_want(struct dialogue *d, enum utterance_kind kind, bool rest);
struct utterance *utterance_no(struct dialogue *d, uint32_t no);
struct utterance *utterance_asked_as(struct dialogue *d, uint32_t request);
/* By the model's name of the response; NULL: unknown, or no name. */
struct utterance *utterance_of(struct dialogue *d, const char *response);
/* The same, but an unknown one is noted: its beginning was not told. Without a name it
 * is the one that is being made. */
struct utterance *utterance_of_any(struct dialogue *d, const char *response, int64_t now_us);
/* The model's name of its response, "" before it began; borrowed as an order's texts. */
const char *utterance_response(const struct dialogue *d, const struct utterance *u);
void utterance_name(struct dialogue *d, struct utterance *u, const char *response);
void utterance_free_ids(struct dialogue *d);                /* of all utterances and items, at the end */
bool utterance_made(const struct dialogue *d, uint32_t no); /* true for forgotten ones, too */
/* The time at which the caller's patience with one that is being made ends, or the wait for
 * its end; and the one of which that comes first; NULL: none is being made. */
int64_t utterance_patience_us(const struct dialogue *d, const struct utterance *u);
struct utterance *utterance_first_quiet(struct dialogue *d);
/* An answer has ended; notes whether it goes on. True if the model calls tools, one answer after the other, and the
 * caller has heard nothing of MUTE_ACTS_MAX of them yet, whatever they have to say: words are made faster than heard.
 * Once no tool is run any more, hearing them is no progress either. */
bool utterance_circles(struct dialogue *d, const struct utterance *u);
/* A sign of life of a response. False: unknown. */
dialogue_handler utterance_sign;
/* What was noted under `early` belongs to `u`; `early` is dropped, and may be NULL. */
void utterance_take_over(struct dialogue *d, struct utterance *u, struct utterance *early);

bool utterance_is_cue(const struct utterance *u); /* dialogue_cues.h */

/* Items. NULL: unknown, or forgotten. */
struct item *item_no(struct dialogue *d, uint32_t no);
const char *item_id(const struct dialogue *d, const struct item *item); /* the model's name for it */
struct item *item_named(struct dialogue *d, const char *id);
struct item *item_new(struct dialogue *d, uint32_t utterance, const char *id);
/* The n-th known item, the oldest first; NULL after the last. */
struct item *item_at(struct dialogue *d, size_t n);
/* No more audio of it comes; with an `ending` its response is over, too. */
void item_complete(struct dialogue *d, struct item *item, const char *ending);
void items_complete(struct dialogue *d, const struct utterance *u, const char *ending); /* all of that response */
/* Received audio that was neither heard to its end nor cut: whether there is any, or any
 * of that utterance, and how much at most. */
bool items_unfinished(const struct dialogue *d);
bool items_unfinished_of(const struct dialogue *d, uint32_t utterance);
int64_t items_left_ms(const struct dialogue *d);
/* True: audio of that utterance was received. */
bool items_any(const struct dialogue *d, uint32_t utterance);
/* True: … and there is more to come of an item. */
bool items_speaking(const struct dialogue *d, uint32_t utterance);
/* The length to which an item is truncated after so much of it was heard: never beyond
 * the received audio. -1: not at all, since all was heard or nothing was received. */
int64_t item_truncate_ms(const struct item *item, uint32_t heard_ms);

/* Nothing is asked for before a turn that was heard again stands in its place; 0: none is to be put there. */
int64_t utterance_placed_us(const struct dialogue *d);

#endif
