#ifndef TESTS_DIALOGUE_WORLD_H
#define TESTS_DIALOGUE_WORLD_H
/* A caller, a model and an operator who do anything at all, and what must be true of
 * the dialogue between them, as far as its orders show it. For test_dialogue_random.c.
 */
#include "dialogue_kit.h"
#include "server/agent/dialogue/dialogue_tools.h"

#include <stdarg.h>

enum { NAMES = 512 };

struct act {
	uint8_t what, p;
	uint16_t q;
};

/* What this test knows of the call, by events and orders alone. */
struct world {
	struct kit k;
	const char *wrong; /* the first rule that was broken; NULL: none */
	bool told_aloud;   /* prints the steps */

	size_t bytes; /* of the audio that comes */

	/* Responses are numbered as they begin. */
	uint32_t responses, making;        /* 0: none */
	uint32_t rested;                   /* the last that counted as over before its end was told */
	bool resting;                      /* its last part is over */
	bool said[NAMES], answered[NAMES]; /* there was sound or a tool; it was counted */
	bool goes_on[NAMES];               /* there was a tool, and no sound behind it */
	bool sounded[NAMES];
	uint32_t sounding; /* the one whose audio comes */
	int64_t sign_us;
	int64_t cut_us;
	uint32_t aside; /* the request for one that has not begun */
	bool making_cut, making_is_cue, making_is_bye, making_by_courtesy;
	uint32_t crossed;         /* the request it was taken to be the answer to */
	uint32_t asked, requests; /* out; the last */
	int64_t asked_us;
	bool asked_cut, asked_is_cue, asked_is_bye;

	/* An answer is owed; another since we asked; since before the cue that is being
	 * said; by courtesy only (the greeting, and what we cannot tell);
	 * as soon as the greeting is over; once the model was told of tools. */
	bool owed, newer, behind, courtesy, waiting, turn_behind, told;
	int64_t told_us;
	bool bye_said, bye_heard, over; /* it may have been a call of a tool alone */
	bool lost;                      /* a session was; before the first the phone may greet by itself */
	bool renew;                     /* another session was ordered */
	bool machine;                   /* a message is to be left once both sides are there */

	/* Of the caller, whether he is there: asked so often in a row; his last voice; the first since his
	 * last words or keys, 0 none; a turn that may have words. */
	uint32_t questions;
	int64_t voice_us, noise_us;
	bool unwritten, asked_is_question, making_is_question;

	/* The caller's patience begins anew with news of an answer, and with sound. */
	int64_t news_us, sound_us;
	int64_t held_us;   /* he hears a line for those who wait until then, which is no sound of that kind */
	int64_t queued_us; /* all of both is heard then, if the phone is not faster than our reckoning */

	uint32_t items, heard_upto, cuts, cut_upto, cuts_served;
	uint32_t runs;
	bool heard[NAMES];
};

static char responses[NAMES][16], items[NAMES][16];

static inline const char *response_name(uint32_t no)
{
	return no ? responses[no % NAMES] : "";
}

static inline const char *item_name(uint32_t response, uint32_t n)
{
	return items[(2 * response + n) % NAMES];
}

static inline uint32_t response_no(const char *name)
{
	return name[0] == 'r' ? (uint32_t)strtoul(name + 1, NULL, 10) % NAMES : 0;
}

static inline uint32_t roll(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

static inline void broken(struct world *w, const char *rule)
{
	if (!w->wrong)
		w->wrong = rule;
}

/* ------------------------------------------------------------------- what it orders */

static inline void owe(struct world *w)
{
	w->owed = true;
	w->news_us = w->k.now;
	w->courtesy = w->behind = false;
	w->newer |= w->asked != 0;
}

/* It was waited for, and did not pay what it owed. */
static inline void owe_still(struct world *w)
{
	if (w->making_is_cue || w->owed)
		return;
	owe(w);
	w->courtesy = w->making_by_courtesy;
}

/* The service may go on by itself after a tool. */
static inline void owe_more(struct world *w)
{
	if (!w->goes_on[w->making] || w->owed)
		return;
	owe(w);
	w->courtesy = true;
}

static inline int64_t quiet_us(const struct world *w)
{
	int64_t until_us = w->making_cut ? w->cut_us + KIT_SILENCE_US : NEVER_US;

	if (!w->resting)
		return until_us; /* else it is STOPPED */
	return earlier(until_us, w->sign_us + (w->said[w->making] ? REST_US : REST_UNHEARD_US));
}

/* The caller interrupts: what was owed is superseded by what he says now. */
static inline void supersede(struct world *w)
{
	w->owed = w->newer = w->courtesy = w->behind = false;
	if (w->making && !w->making_cut)
		w->cut_us = w->k.now;
	w->making_cut = w->making != 0;
	w->asked_cut = w->asked != 0;
}

/* A turn or keys, where we ask for answers: one of which nothing came yet is stopped. */
static inline void stop_unheard(struct world *w)
{
	if (!w->k.d.rules.asks)
		return;
	w->asked_cut |= w->asked && (!w->asked_is_cue || w->asked_is_question);
	if (!w->making || w->making_cut || (w->making_is_cue && !w->making_is_question) || w->said[w->making])
		return;
	w->making_cut = true;
	w->cut_us = w->k.now;
}

/* What becomes owed behind the orders of an event, or by the clock. */
static inline void settle_debts(struct world *w)
{
	if (w->turn_behind)
		owe(w);
	w->turn_behind = false;
	if (w->told && !w->k.d.told) {
		w->told = false;
		if (!w->k.d.farewell.state)
			owe(w);
	}
	if (w->k.d.ears == EARS_DEAF)
		w->waiting = false;
}

static inline void saw_request(struct world *w, const struct dialogue_order *o)
{
	bool cue = o->type == ORDER_SPEAK;

	settle_debts(w);
	if (w->asked && w->k.now < w->asked_us + KIT_SILENCE_US)
		broken(w, "two responses are asked for");
	if (w->making && w->k.now < quiet_us(w))
		broken(w, "a response is asked for while one is being made");
	if (w->bye_said)
		broken(w, "something is spoken after the farewell");
	if (o->type == ORDER_GREET || (w->k.d.rules.recalled && !w->requests))
		w->owed = true;
	if (!cue && !w->owed)
		broken(w, "an answer is asked for that nobody is owed");
	w->asked = w->requests = o->request;
	w->asked_us = w->k.now;
	w->asked_cut = w->newer = false;
	w->asked_is_cue = cue;
	w->asked_is_bye = cue && !strcmp(o->text, "bye");
	w->asked_is_question = cue && !strcmp(o->text, "there?");
	/* A cue pays no debt. */
	w->newer = cue && w->owed;
}

static inline void saw_answer(struct world *w, uint32_t no)
{
	if (no && !w->said[no])
		broken(w, "what nobody heard counts as answered");
	if (no && w->answered[no])
		broken(w, "an answer is counted twice");
	w->answered[no] = true;
}

/* A message begins to be left without an order, where a phone cannot be interrupted. */
static inline void mind_machine(struct world *w)
{
	if (w->machine && !w->k.d.machine && w->k.d.farewell.end == END_MESSAGE_LEFT)
		supersede(w);
	w->machine &= w->k.d.machine != NULL;
}

/* What is queued now is heard from then on. */
static inline int64_t heard_from_us(const struct world *w)
{
	return later(later(w->sound_us, w->held_us), w->k.now);
}

static inline void said_bye(struct world *w, bool heard)
{
	w->bye_said = true;
	w->bye_heard |= heard;
}

/* What was said of an older farewell does not count. */
static inline void another_bye(struct world *w)
{
	w->bye_said = w->bye_heard = w->making_is_bye = w->asked_is_bye = false;
}

static inline void saw_sign(struct world *w)
{
	w->questions = 0;
	w->noise_us = 0;
	w->unwritten = false;
}

static inline void saw_quiet(struct world *w, bool bye)
{
	const struct dialogue_rules *rules = &w->k.d.rules;
	bool known = !w->k.d.model && rules->knows[KNOWN_STILL_THERE];
	int64_t played_us = known ? earlier(w->sound_us, w->queued_us) : w->queued_us;
	int64_t silent_us = later(played_us, w->voice_us);
	bool quiet = rules->reprompt_us && w->k.now >= silent_us + rules->reprompt_us;
	bool music = rules->music_us && w->noise_us && !w->unwritten && w->k.now >= w->noise_us + rules->music_us;

	if (w->unwritten)
		saw_sign(w);
	if (!quiet && !music)
		broken(w, "a caller is asked who was silent for a moment, or understood");
	if ((!w->k.d.model && !known) || tools_running(&w->k.d))
		broken(w, "a caller is asked who waits");
	if (bye != (w->questions == QUESTIONS_MAX))
		broken(w, "a caller is asked too often, or not often enough");
	if (!bye && w->k.d.farewell.state)
		broken(w, "a caller is asked after the farewell began");
	w->questions += !bye;
	if (bye)
		another_bye(w);
}

static inline void saw(void *of, const struct dialogue_order *o)
{
	struct world *w = of;

	if (w->told_aloud)
		kit_show(&w->k, o);
	if (w->over && (o->request || o->type == ORDER_TOOL_RESULT || o->type == ORDER_KEYS || o->type == ORDER_END))
		broken(w, "something begins after the end");
	w->news_us = w->k.now;
	mind_machine(w);
	switch (o->type) {
	case ORDER_GREET:
	case ORDER_ASK:
	case ORDER_SPEAK:
		saw_request(w, o);
		break;
	case ORDER_ASIDE:
		if (!w->making || w->making_cut || w->aside)
			broken(w, "an aside to nothing");
		w->aside = w->requests = o->request;
		break;
	case ORDER_RENEW:
		w->renew = true;
		break;
	case ORDER_KEYS:
		stop_unheard(w);
		owe(w);
		break;
	case ORDER_NO_ANSWER:
		w->asked = 0;
		w->newer = false;
		break;
	case ORDER_LISTEN:
		/* Who speaks over the greeting by now interrupts it by now. */
		if (w->k.d.speaking && w->k.d.rules.interruptible)
			supersede(w);
		w->turn_behind = w->waiting;
		w->waiting = false;
		break;
	case ORDER_STOPPED:
		owe_still(w);
		w->making = w->aside = 0;
		break;
	case ORDER_RESTED:
		if (response_no(o->response) != w->making)
			break;
		if (!w->making_cut && !w->said[w->making])
			owe_still(w);
		else if (!w->making_cut)
			owe_more(w);
		w->rested = w->making;
		w->making = w->aside = 0;
		break;
	case ORDER_ANSWERED:
		saw_answer(w, response_no(o->response));
		break;
	case ORDER_TOOL_RESULT:
		w->told |= w->k.d.told; /* with the last of them */
		w->told_us = w->k.now;
		break;
	case ORDER_CUT_PLAYOUT:
		supersede(w);
		w->cuts = o->cut;
		w->sound_us = earlier(w->sound_us, w->k.now);
		w->held_us = earlier(w->held_us, w->k.now);
		w->queued_us = earlier(w->queued_us, w->k.now);
		w->cut_upto = w->items;
		break;
	case ORDER_PLAY:
		if (o->no <= w->cut_upto)
			broken(w, "what was cut is played");
		w->items = o->no > w->items ? o->no : w->items;
		w->said[w->sounding] |= w->bytes > 0;
		w->sounded[w->sounding] |= w->bytes > 0;
		w->goes_on[w->sounding] &= w->bytes == 0;
		w->sound_us = heard_from_us(w) + (int64_t)w->bytes * US_PER_MS / 8;
		w->queued_us = later(w->queued_us, w->k.now) + (int64_t)w->bytes * US_PER_MS / 8;
		break;
	case ORDER_PLAY_KNOWN:
		/* The words of a farewell may have been a call of a tool alone: then the last line is in their place. */
		if (w->bye_heard || (w->bye_said && o->known < KNOWN_SORRY))
			broken(w, "a line is played after the farewell");
		if (o->known == KNOWN_INSTANT && !w->owed)
			broken(w, "an answer is played that nobody is owed");
		w->owed &= o->known != KNOWN_INSTANT;
		w->items = o->no;
		if (o->known >= KNOWN_SORRY)
			said_bye(w, true);
		*(o->known == KNOWN_HOLD ? &w->held_us : &w->sound_us) =
		    heard_from_us(w) + (int64_t)KIT_KNOWN_BYTES * US_PER_MS / 8;
		w->queued_us = later(w->queued_us, w->k.now) + (int64_t)KIT_KNOWN_BYTES * US_PER_MS / 8;
		break;
	case ORDER_ITEM_HEARD:
		if (o->no >= NAMES || w->heard[o->no])
			broken(w, "an item is told of twice");
		else
			w->heard[o->no] = true;
		break;
	case ORDER_QUIET:
		saw_quiet(w, !o->no);
		break;
	case ORDER_CALLED_OFF:
		/* Who speaks up into a farewell is answered for that. */
		w->courtesy |= w->owed;
		w->bye_said = w->bye_heard = false;
		break;
	case ORDER_END:
		w->over = true;
		break;
	default:
		break;
	}
}

#endif
