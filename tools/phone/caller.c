#include "tools/phone/caller.h"

#include <string.h>

#include "tools/phone/clock.h"
#include "tools/kit/g711.h"
#include "tools/phone/ears.h"
#include "tools/phone/talker.h"

void caller_init(struct caller *c, const struct script *script)
{
	*c = (struct caller){ .script = script };
}

static uint32_t ticks(long ms)
{
	return (uint32_t)((ms + TICK_MS - 1) / TICK_MS);
}

/* The answer to what we said last: it began after we did. */
static const struct answer *answer_to_us(const struct caller *c, const struct agent *a)
{
	const struct answer *last = agent_last(a);

	return last && (!c->spoke || last->begin_tick >= c->spoke_tick) ? last : NULL;
}

static bool wait_is_over(
    const struct caller *c, const struct step *s, const struct agent *a, uint32_t tick, size_t clears)
{
	const struct answer *answer;

	switch (s->kind) {
	case STEP_SILENCE:
		return tick - c->entered_tick >= ticks(s->ms);
	case STEP_AT:
		return tick >= ticks(s->ms);
	case STEP_AGENT_TALKING:
		answer = answer_to_us(c, a);
		return answer && a->audible && answer->played_bytes >= (uint64_t)s->ms * BYTES_PER_MS;
	case STEP_AGENT_DONE:
		return answer_to_us(c, a) && !a->audible && agent_silent_ticks(a, tick) >= ticks(s->ms);
	case STEP_CLEAR:
		return clears > c->clears_before;
	case STEP_SPOKEN:
		return a->talker ? talker_has_spoken(a->talker, s->text, c->spoke ? c->spoke_tick : 0)
				 : a->ears && ears_heard(a->ears, s->text, c->spoke ? c->spoke_tick : 0);
	case STEP_LAST:
		return a->talker && talker_has_finished(a->talker, c->spoke ? c->spoke_tick : 0);
	case STEP_GATHER_SPEECH:
	case STEP_GATHER_DIGITS:
	case STEP_GATHER_UNCLEAR:
	case STEP_GATHER_NOTHING:
		return true; /* meant for a <Gather>, which did not come */
	default:
		return false;
	}
}

static bool has_limit(enum step_kind kind)
{
	return kind == STEP_AGENT_TALKING || kind == STEP_AGENT_DONE || kind == STEP_CLEAR || kind == STEP_END ||
	       kind == STEP_SPOKEN || kind == STEP_LAST;
}

static bool is_order(enum step_kind kind)
{
	return kind == STEP_NOISE || kind == STEP_LANG || kind == STEP_ERROR || kind == STEP_RAW || kind == STEP_CUT;
}

/* Speaking, keys and orders take up a tick at least. */
static bool takes_time(enum step_kind kind)
{
	return kind == STEP_SAY || kind == STEP_DTMF || kind == STEP_PROMPT || is_order(kind);
}

static void begin_to_speak(
    struct caller *c, const struct step *s, uint32_t tick, size_t clears, struct caller_news *news)
{
	c->spoke = true;
	c->spoke_tick = tick;
	c->clears_before = clears;
	news->began = s;
}

enum { LETTER_MS = 20, PROMPT_MIN_MS = 200 };

/* True when the last word has been said. */
static bool prompt(struct caller *c, const struct step *s, uint32_t tick, struct caller_news *news)
{
	long ms = s->ms ? s->ms : (long)strlen(s->text) * LETTER_MS;

	news->saying = s;
	news->said = tick - c->entered_tick;
	news->said_of = ticks(ms < PROMPT_MIN_MS && !s->ms ? PROMPT_MIN_MS : ms);
	if (news->said < news->said_of)
		return false;
	news->voice_ended = s;
	return true;
}

/* Fills the frame; true when the last of it has been said. */
static bool say(struct caller *c, const struct step *s, uint8_t frame[TICK_BYTES], struct caller_news *news)
{
	size_t left = s->speech.len - c->at;
	size_t n = left < TICK_BYTES ? left : TICK_BYTES;

	if (c->at < s->speech.voice_end) {
		news->saying = s;
		news->said = (uint32_t)(c->at / TICK_BYTES);
		news->said_of = (uint32_t)(s->speech.voice_end / TICK_BYTES);
	}
	memcpy(frame, s->speech.data + c->at, n);
	if (s->speech.voice_end > c->at && s->speech.voice_end <= c->at + n)
		news->voice_ended = s;
	c->at += n;
	return c->at == s->speech.len;
}

static bool press(struct caller *c, const struct step *s, uint32_t tick, struct caller_news *news)
{
	uint32_t gap = ticks(s->ms) ? ticks(s->ms) : 1;

	if ((tick - c->entered_tick) % gap == 0) {
		news->key = s->text[c->at++];
		if (!s->text[c->at])
			news->voice_ended = s;
	}
	return !s->text[c->at];
}

static bool act(
    struct caller *c, const struct step *s, uint32_t tick, uint8_t frame[TICK_BYTES], struct caller_news *news)
{
	if (s->kind == STEP_SAY)
		return say(c, s, frame, news);
	if (s->kind == STEP_DTMF)
		return press(c, s, tick, news);
	if (s->kind == STEP_PROMPT)
		return prompt(c, s, tick, news);
	news->order = s;
	return true;
}

void caller_tick(struct caller *c, const struct agent *a, uint32_t tick, size_t clears, uint8_t frame[TICK_BYTES],
    struct caller_news *news)
{
	*news = (struct caller_news){ 0 };
	memset(frame, MULAW_SILENCE, TICK_BYTES);
	/* As many steps as take no time; the bound stops a script that only repeats. */
	for (size_t steps = 0; steps <= c->script->count && !c->finished; steps++) {
		const struct step *s = &c->script->step[c->step];
		bool done = false;

		if (c->step == c->script->count || s->kind == STEP_HANGUP) {
			c->finished = news->hangup = true;
			return;
		}
		if (s->kind == STEP_REPEAT) {
			c->step = s->ms && c->repeated++ == s->ms ? c->step + 1 : 0;
			c->entered = false;
			continue;
		}
		if (!c->entered) {
			c->entered = true;
			c->entered_tick = tick;
			c->at = 0;
			if (takes_time(s->kind) && !is_order(s->kind))
				begin_to_speak(c, s, tick, clears, news);
		}
		if (takes_time(s->kind)) {
			done = act(c, s, tick, frame, news);
			if (done) {
				c->step++;
				c->entered = false;
			}
			return; /* either takes up the tick */
		}
		if (!wait_is_over(c, s, a, tick, clears)) {
			if (has_limit(s->kind) && tick - c->entered_tick >= ticks(s->limit_ms)) {
				c->finished = news->hangup = true;
				news->gave_up = s;
			}
			return;
		}
		c->step++;
		c->entered = false;
	}
}

bool caller_waits(const struct caller *c, const struct agent *a)
{
	const struct step *s = &c->script->step[c->step];

	if (c->finished || c->step == c->script->count || !has_limit(s->kind))
		return false;
	return s->kind != STEP_AGENT_DONE || !answer_to_us(c, a);
}

void caller_server_ended(struct caller *c)
{
	if (c->step < c->script->count && c->script->step[c->step].kind == STEP_END) {
		c->step++;
		c->entered = false;
	}
	if (c->step == c->script->count || c->script->step[c->step].kind == STEP_HANGUP)
		c->finished = true;
}

const struct step *caller_gather(struct caller *c)
{
	const struct script *s = c->script;

	if (c->step < s->count && s->step[c->step].kind >= STEP_GATHER_SPEECH &&
	    s->step[c->step].kind <= STEP_GATHER_NOTHING) {
		c->entered = false;
		return &s->step[c->step++];
	}
	return NULL;
}

bool caller_is_through(const struct caller *c)
{
	return c->step == c->script->count || c->script->step[c->step].kind == STEP_HANGUP;
}
