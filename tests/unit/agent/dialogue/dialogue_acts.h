#ifndef TESTS_DIALOGUE_ACTS_H
#define TESTS_DIALOGUE_ACTS_H
/* What a caller, a model, an operator and the loops may do in dialogue_world.h. Each
 * act is an event of some kind, with two numbers of chance; what it is about is found
 * from how things are, so that it still makes sense when others are left out.
 */
#include "dialogue_world.h"

/* ------------------------------------------------------------------- what happens */

static inline bool utterance_asked(const struct dialogue *d, uint32_t request)
{
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		if (d->utterances[i].state == UTTERANCE_ASKED && d->utterances[i].request == request)
			return true;
	return false;
}

#define TAKE(w, ...) take(w, &(struct dialogue_event){ __VA_ARGS__ })

static inline bool take(struct world *w, const struct dialogue_event *e)
{
	return kit_take(&w->k, e, w->bytes);
}

/* The step in the kit's words, if somebody looks on. */
__attribute__((format(printf, 2, 3))) static inline void step(struct world *w, const char *format, ...)
{
	va_list args;

	if (!w->told_aloud)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

static inline bool firm(const struct world *w)
{
	return w->k.d.farewell.state && w->k.d.farewell.firm;
}

static inline void caller_speaks(struct world *w, const struct act *a)
{
	(void)a;
	step(w, "speaks");
	w->voice_us = w->k.now;
	w->noise_us = w->noise_us ? w->noise_us : w->k.now;
	if (w->k.d.ears != EARS_PROTECTING && !firm(w) && w->k.d.rules.interruptible && !w->k.d.rules.asks)
		supersede(w);
	TAKE(w, .type = EVENT_CALLER_BEGAN);
}

static inline void caller_pauses(struct world *w, const struct act *a)
{
	(void)a;
	step(w, "pauses");
	w->voice_us = w->k.now;
	TAKE(w, .type = EVENT_CALLER_ENDED, .at_us = w->k.now);
}

static inline void turn(struct world *w, const struct act *a)
{
	bool active = w->making != 0;

	(void)a;
	step(w, "turn");
	w->unwritten = true;
	if (w->k.d.rules.asks) {
		saw_sign(w);
		w->voice_us = w->k.now;
	}
	if (firm(w) || w->k.d.hears_until_us) {
		/* nobody is answered any more, or was before */
	} else if (w->k.d.rules.asks) {
		stop_unheard(w);
		owe(w);
	} else if (w->k.d.ears == EARS_PROTECTING) {
		w->waiting = true;
	} else if (w->k.d.rules.instant || w->k.d.ears == EARS_RESTORING || (active && !w->k.d.rules.interruptible)) {
		owe(w);
	} else if (!active || w->making_cut) {
		w->owed = true;
		w->news_us = w->k.now;
		w->courtesy = false;
		/* What we asked for is the answer to this, too. */
		w->newer |= w->asked && (w->asked_cut || w->asked_is_cue);
	}
	TAKE(w, .type = EVENT_TURN);
}

static inline void written(struct world *w, const struct act *a)
{
	step(w, "%s%s",
	    a->q % 4 == 0                           ? "former"
	    : w->k.d.rules.instant && a->p % 4 == 1 ? "matched"
						    : "written",
	    a->p % 2 ? " x" : "");
	w->unwritten = false;
	if (a->p % 2)
		saw_sign(w);
	TAKE(w, .type = EVENT_WRITTEN, .text = a->p % 2 ? "x" : "", .newest = a->q % 4 != 0,
	    .known = w->k.d.rules.instant && a->p % 4 == 1 ? KNOWN_INSTANT : KNOWN_NONE);
}

static inline void began(struct world *w, const struct act *a)
{
	uint32_t no = a->p % 16 == 0 && w->responses ? w->responses : w->responses + 1;
	bool heard, known = no == w->responses;

	if (no >= NAMES || (w->lost && !w->k.d.model))
		return;
	step(w, "began r%u", no);
	heard = TAKE(w, .type = EVENT_BEGAN, .response = response_name(no));
	if (!known && w->aside && w->making && !w->making_cut) {
		w->responses = no;
		w->aside = 0;
		if (heard)
			broken(w, "an aside is taken for an answer");
		return;
	}
	if (known)
		return;
	w->responses = w->making = no;
	w->aside = 0;
	w->resting = false;
	w->sign_us = w->cut_us = w->news_us = w->k.now;
	w->crossed = w->asked;
	if (w->asked && heard == w->asked_cut)
		broken(w, "what was cut is heard, or what was asked for is not");
	w->making_cut = !heard;
	w->making_is_cue = w->asked && !w->asked_cut && w->asked_is_cue;
	w->making_is_bye = w->making_is_cue && w->asked_is_bye;
	w->making_is_question = w->making_is_cue && w->asked_is_question;
	w->making_by_courtesy = w->asked && w->courtesy;
	if (heard) {
		w->owed = w->asked && w->newer;
		w->courtesy &= w->owed;
		w->behind = w->making_is_cue && w->owed;
		if (!w->asked && w->k.now > w->told_us + IN_FLIGHT_US)
			w->told = false;
	}
	w->newer = false;
	w->asked = 0;
}

/* One that counted as over may go on. */
static inline void resume(struct world *w)
{
	const struct utterance *u = utterance_no(&w->k.d, w->k.d.active);

	if (w->making || !u)
		return;
	w->making = response_no(utterance_response(&w->k.d, u));
	w->sign_us = w->cut_us = w->news_us = w->k.now;
	w->resting = false;
	w->making_cut = u->cut;
	w->making_is_cue = utterance_is_cue(u);
	w->making_is_bye = u->kind == UTTERANCE_GOODBYE;
	w->making_is_question = u->kind == UTTERANCE_STILL_THERE;
	w->making_by_courtesy = utterance_is_cue(u);
}

static inline void audio(struct world *w, const struct act *a)
{
	uint32_t response = a->p % 8 ? w->making : w->responses ? 1 + a->p % w->responses : 0;
	const char *item = item_name(response, a->q % 4 == 0);

	step(w, "audio %s %s %u", response ? response_name(response) : "-", item, a->q);
	if (response == w->making) {
		w->sign_us = w->k.now;
		w->resting = false;
	}
	w->bytes = a->q;
	w->sounding = response;
	TAKE(w, .type = EVENT_AUDIO, .response = response_name(response), .item = item);
	resume(w);
}

static inline void part(struct world *w, const struct act *a)
{
	uint32_t response = w->making ? w->making : w->rested;

	step(w, "%s %s", a->p % 2 ? "part" : "sign", response ? response_name(response) : "-");
	w->sign_us = w->k.now;
	w->resting &= a->p % 2 == 0;
	TAKE(w, .type = a->p % 2 ? EVENT_PART : EVENT_SIGN, .response = response_name(response));
	resume(w);
}

static inline void audio_over(struct world *w, const struct act *a)
{
	const char *item = item_name(w->making, a->q % 4 == 0);

	step(w, "ended %s %s%s", w->making ? response_name(w->making) : "-", item, a->p % 8 ? "" : " acts");
	w->sign_us = w->k.now;
	w->resting = w->making != 0;
	w->said[w->making] |= a->p % 8 == 0;
	w->goes_on[w->making] |= a->p % 8 == 0;
	TAKE(w, .type = EVENT_PART_OVER, .response = response_name(w->making), .item = item, .acts = a->p % 8 == 0);
}

static inline void over_as(struct world *w, uint32_t no, bool failed, bool turned, bool stopped)
{
	bool waited = no && no == w->making && !w->making_cut && w->k.d.active;
	bool silent = !failed && !turned && !stopped && !w->said[no % NAMES];

	step(w, "over r%u %s", no, failed ? "failed" : turned ? "turned" : stopped ? "stopped" : "mute");
	if (no == w->making && turned && w->items > w->cut_upto && !w->k.d.rules.asks) {
		if (waited)
			owe_more(w);
		waited = false; /* it may be cut by this */
	}
	if (no == w->making) {
		if (waited && (failed || silent))
			owe_still(w);
		else if (waited)
			owe_more(w);
		/* Firm words that are stopped before their first sound were heard by nobody. */
		if (waited && !failed && !silent && (w->said[no % NAMES] || !firm(w)) && w->making_is_bye &&
		    w->k.d.farewell.state)
			said_bye(w, w->sounded[no % NAMES]);
		w->making = w->aside = 0;
	}
	TAKE(w, .type = EVENT_OVER, .response = response_name(no), .failed = failed, .turn_detected = turned,
	    .claims = failed || turned || stopped ? NULL : "completed");
}

static inline void over(struct world *w, const struct act *a)
{
	uint32_t no = a->p % 8 ? w->making : w->responses ? 1 + a->p % w->responses : 0;

	over_as(w, no, a->q % 5 == 0, a->q % 5 == 1, a->q % 5 == 2);
}

/* What he heard in place of the greeting was one, whoever's it was. */
static inline bool greeted(struct world *w)
{
	const struct utterance *u = utterance_asked_as(&w->k.d, w->requests);

	return u && u->kind == UTTERANCE_GREETING && w->sounded[w->responses % NAMES];
}

static inline void refused(struct world *w, const struct act *a)
{
	uint32_t request = a->p % 4 ? w->requests : a->p % 3 ? 0 : (uint32_t)a->q % 8;
	bool busy = a->q % 2 || !request, ours = w->requests && (!request || request == w->requests);

	step(w, "%s %u", busy ? "busy" : "refused", request);
	w->news_us = w->k.now;
	if (request && request == w->aside)
		w->aside = 0;
	if (ours && w->asked) {
		w->asked = 0;
		w->newer = false;
	} else if (ours && busy && w->crossed == w->requests && w->making && !w->making_cut) {
		/* So that response was the model's own, and may be the answer to a turn. */
		if (!w->making_is_cue && !w->owed) {
			owe(w);
			w->courtesy = w->making_by_courtesy || greeted(w);
		}
		w->courtesy |= w->behind;
		w->making_is_cue = w->making_is_bye = w->making_is_question = false;
	} else if (ours && busy && (!w->owed || (w->crossed == w->requests && w->said[w->responses % NAMES]))) {
		/* For one that is over, and was the model's own: it may be asked again, or have been the answer. */
		w->owed = w->courtesy = true;
	}
	if (ours && busy && w->crossed == w->requests) {
		w->bye_said = w->bye_heard = false; /* those were others' words */
		w->crossed = 0;
	}
	TAKE(w, .type = EVENT_REFUSED, .request = request, .busy = busy);
}

static inline void heard(struct world *w, const struct act *a)
{
	struct heard h = { .confirmed = true, .heard_ms = a->q };

	if (w->heard_upto >= w->items)
		return;
	h.no = ++w->heard_upto;
	if (w->heard_upto == w->items)
		w->queued_us = earlier(w->queued_us, w->k.now);
	step(w, "heard %u %u", h.no, h.heard_ms);
	TAKE(w, .type = EVENT_HEARD, .heard = &h);
}

/* The phone has played all of the last item that came, sooner or later than reckoned. */
static inline void dry(struct world *w, const struct act *a)
{
	const struct item *item = &w->k.d.items[w->items % ITEMS_MAX];

	(void)a;
	if (!w->items || item->no != w->items)
		return;
	step(w, "dry %u %u", w->items, (unsigned)item->received);
	if (TAKE(w, .type = EVENT_DRY, .no = w->items, .count = (uint32_t)item->received))
		w->sound_us = w->queued_us = w->k.now;
}

static inline void cut_served(struct world *w, const struct act *a)
{
	struct heard h = { .confirmed = true, .heard_ms = a->q };

	if (w->cuts_served >= w->cuts)
		return;
	w->cuts_served = a->p % 4 ? w->cuts : w->cuts_served + 1;
	h.no = w->heard_upto < w->cut_upto ? w->heard_upto + 1 : 0;
	step(w, "cut %u %u:%u", w->cuts_served, h.no, h.heard_ms);
	TAKE(w, .type = EVENT_CUT, .cut = w->cuts_served, .heard = &h, .count = h.no != 0);
	if (w->cuts_served == w->cuts && w->heard_upto < w->cut_upto)
		w->heard_upto = w->cut_upto;
}

static inline void key(struct world *w, const struct act *a)
{
	char c = "0123456789*#"[a->p % 12];

	step(w, "key %c", c);
	saw_sign(w);
	w->voice_us = w->k.now;
	if (!firm(w)) {
		if (!w->k.d.rules.asks)
			supersede(w);
		if (w->k.d.model)
			w->waiting = false;
	}
	TAKE(w, .type = EVENT_KEY, .key = c);
}

static inline void tool_called(struct world *w, const struct act *a)
{
	uint32_t response = a->p % 8 ? w->making : w->responses;

	step(w, "call %u %s%s", w->runs + 1, response ? response_name(response) : "-", a->p % 3 ? "" : " -");
	w->said[response] = true;
	if (TAKE(w, .type = EVENT_TOOL_CALLED, .run = w->runs + 1, .response = response_name(response),
		.text = a->p % 3 ? "a moment" : NULL, .at_us = w->k.now + KIT_TOOL_US))
		w->runs++;
}

static inline void tool_answered(struct world *w, const struct act *a)
{
	if (!w->runs)
		return;
	step(w, "answer %u", 1 + a->p % w->runs);
	TAKE(w, .type = EVENT_TOOL_ANSWERED, .run = 1 + a->p % w->runs);
}

static inline void tool_ends(struct world *w, const struct act *a)
{
	uint32_t run = w->runs;

	(void)a;
	tool_called(w, &(struct act){ .p = 1 });
	if (w->runs == run)
		return;
	step(w, " & ends %u %s", w->runs, w->making ? response_name(w->making) : "-");
	if (TAKE(w, .type = EVENT_TOOL_ENDS, .run = w->runs, .response = response_name(w->making),
		.end = END_AGENT_ENDED))
		another_bye(w);
}

static inline void told(struct world *w, const struct act *a)
{
	(void)a;
	step(w, "told");
	w->told = true;
	w->told_us = w->k.now;
	TAKE(w, .type = EVENT_TOLD);
}

static inline void say(struct world *w, const struct act *a)
{
	step(w, "say x");
	TAKE(w, .type = EVENT_SAY, .text = "x", .exact = a->p % 2);
}

static inline void goodbye(struct world *w, const struct act *a)
{
	bool is_firm = a->p % 4 == 0, said, heard;

	if (a->q % 4)
		return;
	step(w, "%s bye", is_firm ? "limit" : "goodbye");
	said = w->bye_said;
	heard = w->bye_heard;
	w->bye_said = w->bye_heard = false;
	if (TAKE(w, .type = EVENT_GOODBYE, .text = "bye", .firm = is_firm,
		.known = is_firm ? KNOWN_TIME_LIMIT : KNOWN_NONE, .end = is_firm ? END_TIME_LIMIT : END_AGENT_ENDED))
		w->making_is_bye = w->asked_is_bye = false; /* an older one does not count */
	else if (said)
		said_bye(w, heard);
}

static inline void machine(struct world *w, const struct act *a)
{
	if (a->q % 16)
		return;
	step(w, "machine");
	if (w->k.d.model && w->k.d.caller && !firm(w)) {
		supersede(w);
		w->waiting = false;
		another_bye(w);
	} else if (!firm(w)) {
		w->machine = w->k.d.rules.asks; /* else a cut tells of it */
	}
	TAKE(w, .type = EVENT_MACHINE, .text = "bye");
}

static inline void waited(struct world *w, const struct act *a)
{
	(void)a;
	step(w, "waited");
	TAKE(w, .type = EVENT_WAITED);
}

/* Seldom, since it is the end of the call. */
static inline void gone(struct world *w, const struct act *a)
{
	bool known = w->k.d.rules.knows[KNOWN_SORRY] && w->k.d.caller && !w->k.d.over &&
		     w->k.d.farewell.state != FAREWELL_HEARING;

	if (a->q % 16)
		return;
	step(w, "gone");
	if (known)
		w->waiting = w->bye_said = w->bye_heard = false; /* the words of another farewell do not count */
	if (TAKE(w, .type = EVENT_GONE, .end = END_MODEL_LOST) != known)
		broken(w, "the end of all models is not said, or said after the last words");
}

/* The phone stops playing by itself: as far as that goes, the caller interrupts. */
static inline void interrupted(struct world *w, const struct act *a)
{
	struct heard h = {
		.confirmed = true, .heard_ms = a->q, .no = w->heard_upto < w->items ? w->heard_upto + 1 : 0
	};

	if (a->q % 4)
		return;
	step(w, "interrupted %u %u:%u", w->cuts_served, h.no, h.heard_ms);
	supersede(w);
	TAKE(w, .type = EVENT_INTERRUPTED, .cut = w->cuts_served, .heard = &h, .count = h.no != 0);
}

/* What the session was making is over, and what it owed is owed by the next. */
static inline void lost(struct world *w)
{
	bool waited = w->making && !w->making_cut;

	if (!w->k.d.model)
		return;
	w->lost = true;
	w->courtesy |= w->owed && w->asked_cut;
	if (w->making && w->making_is_bye && w->resting && w->said[w->making] && !w->goes_on[w->making] && waited &&
	    w->k.d.farewell.state)
		said_bye(w, w->sounded[w->making]);
	if (waited && !(w->said[w->making] && w->resting && !w->goes_on[w->making]))
		owe_still(w);
	if (w->k.d.goes_on && !w->owed) {
		owe(w);
		w->courtesy = true;
	}
	/* An answer with tools goes on with their results. */
	for (size_t i = 0; waited && i < BATCHES_MAX; i++)
		if (w->k.d.batches[i].no && w->k.d.batches[i].utterance == w->k.d.active)
			w->courtesy |= w->owed;
	w->making = w->asked = w->aside = 0;
	w->newer = w->asked_cut = w->resting = false;
	w->crossed = 0;
}

/* The stream breaks off, and what the phone had not played is owed, or what it played was enough. Another one may come. */
static inline void stream_lost(struct world *w, const struct act *a)
{
	struct heard h = {
		.confirmed = true, .heard_ms = a->q, .no = w->heard_upto < w->items ? w->heard_upto + 1 : 0
	};
	bool more = w->making || h.no, owed = w->owed || more, asked_cut = w->asked_cut;
	bool newer = w->newer || (w->asked && owed && (more || w->asked_is_cue));
	/* Nothing of it was heard, and nothing else becomes of it. */
	bool missed = w->making && !w->making_cut && !w->making_is_cue && !w->said[w->making] && !w->k.d.farewell.state;

	if (!w->k.d.caller) {
		step(w, "there");
		w->news_us = w->k.now;
		TAKE(w, .type = EVENT_CALLER_THERE);
		return;
	}
	if (a->q % 4)
		return;
	step(w, "lost %u:%u", h.no, h.heard_ms);
	TAKE(w, .type = EVENT_CALLER_AWAY, .heard = &h, .count = h.no != 0);
	w->cuts_served = w->cuts;
	w->heard_upto = w->cut_upto;
	w->asked_cut = asked_cut;
	w->owed = owed;
	w->courtesy = owed && !missed;
	w->newer = newer;
	w->bye_said = w->bye_heard = false;
}

static inline void session(struct world *w, const struct act *a)
{
	static const struct {
		const char *step;
		enum dialogue_event_type type;
		bool resent, again, deaf, lost;
	} events[] = { { .step = "ready", .type = EVENT_MODEL_READY }, { .step = "there", .type = EVENT_CALLER_THERE },
		{ .step = "configured", .type = EVENT_CONFIGURED },
		{ .step = "ready resent", .type = EVENT_MODEL_READY, .resent = true },
		{ .step = "away", .type = EVENT_MODEL_AWAY },
		{ .step = "ready again", .type = EVENT_MODEL_READY, .again = true },
		{ .step = "ready deaf", .type = EVENT_MODEL_READY, .deaf = true },
		{ .step = "ready deaf again", .type = EVENT_MODEL_READY, .again = true, .deaf = true },
		{ .step = "ready lost", .type = EVENT_MODEL_READY, .lost = true },
		{ .step = "placed", .type = EVENT_PLACED } };
	size_t n = a->p % (sizeof events / sizeof events[0]);

	step(w, "%s", events[n].step);
	if (events[n].type == EVENT_MODEL_AWAY)
		lost(w);
	w->news_us = w->k.now;
	if (events[n].lost && !w->k.d.model && !w->owed)
		w->owed = w->courtesy = true;
	TAKE(w, .type = events[n].type, .resent = events[n].resent, .heard_again = events[n].again,
	    .deaf = events[n].deaf, .lost = events[n].lost);
}

#endif
