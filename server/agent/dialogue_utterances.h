#ifndef AGENT_DIALOGUE_UTTERANCES_H
#define AGENT_DIALOGUE_UTTERANCES_H
/* The dialogue's list of utterances, the items of audio they are made of, and its
 * orders. Private to dialogue*.c; the lists' bounds are kept here, and nowhere else.
 */
#include "server/agent/dialogue.h"

/* A new order, at the end. Never NULL: what one event may order is bounded. */
struct dialogue_order *dialogue_order(struct dialogue *d, enum dialogue_order_type type);

/* A new utterance. Never NULL: if there is no room, the oldest that is over goes. */
struct utterance *utterance_new(struct dialogue *d, enum utterance_kind kind, enum utterance_state state);
void utterance_drop(struct utterance *u); /* fine with NULL */

/* The one in that state; of several the one to be dealt with first. NULL: none. Those
 * being made are more than one only if the model loses its way. */
struct utterance *utterance_in(struct dialogue *d, enum utterance_state state);
/* The answer (or greeting) that is to be asked for; there is at most one. */
struct utterance *utterance_wanted(struct dialogue *d);
struct utterance *utterance_no(struct dialogue *d, uint32_t no);
struct utterance *utterance_asked_as(struct dialogue *d, uint32_t request);
/* By the model's name of it; NULL for one it has no name for. */
struct utterance *utterance_of(struct dialogue *d, const char *response);
/* The same, noted if it is new: its beginning was not told. Without a name it is the
 * one that is being made. */
struct utterance *utterance_of_any(struct dialogue *d, const char *response, int64_t now_us);
bool utterance_made(const struct dialogue *d, uint32_t no); /* true, too, for one long forgotten */

/* Cues: what the agent is to say besides its answers. */
bool utterance_is_cue(const struct utterance *u);
/* Copies the text. False if too many wait, or without memory; last words take the
 * place of what came last. */
bool cue_add(struct dialogue *d, enum utterance_kind kind, const char *text, bool exact, bool firm);
/* The next to be said. NULL: none, or one is under way. */
struct utterance *cue_next(const struct dialogue *d);
bool cue_has(const struct dialogue *d, enum utterance_kind kind); /* waiting or under way */
/* Takes back those that wait; one that is under way is not tried again. */
void cue_drop(struct dialogue *d, enum utterance_kind kind);

/* Items. NULL if unknown, or so long ago that it is forgotten. */
struct item *item_no(struct dialogue *d, uint32_t no);
struct item *item_named(struct dialogue *d, const char *id);
struct item *item_new(struct dialogue *d, uint32_t utterance, const char *id);
/* The n-th of those that are known, the oldest first; NULL after the last. */
struct item *item_at(struct dialogue *d, size_t n);
/* No more audio of it comes; with an `ending` its response is over, too. */
void item_complete(struct dialogue *d, struct item *item, const char *ending);
void items_complete(struct dialogue *d, const struct utterance *u, const char *ending); /* all of that response */
/* Whether anything received has neither been heard to its end nor cut; how much that is. */
bool items_unfinished(const struct dialogue *d);
int64_t items_left_ms(const struct dialogue *d);
/* Whether anything of that utterance was received. */
bool items_any(const struct dialogue *d, uint32_t utterance);
/* How far to truncate an item of which so much was heard: never beyond what was
 * received. -1: not at all (all of it was heard, or there is nothing to truncate). */
int64_t item_truncate_ms(const struct item *item, uint32_t heard_ms);

#endif
