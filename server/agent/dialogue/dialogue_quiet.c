#include "server/agent/dialogue/dialogue_quiet.h"

#include "common/clock.h"
#include "server/agent/dialogue/dialogue_cues.h"
#include "server/agent/dialogue/dialogue_known.h"
#include "server/agent/dialogue/dialogue_state.h"
#include "server/agent/dialogue/dialogue_tools.h"
#include "server/agent/dialogue/dialogue_utterances.h"
#include "server/agent/dialogue/dialogue_word.h"

/* --------------------------------------------------------------------- what is heard */

/* A question that was not said by now has its answer. */
static void sign_of_life(struct dialogue *d)
{
	cue_drop(d, UTTERANCE_STILL_THERE);
	d->quiet = (struct quiet){ 0 };
}

/* A voice makes a question pointless before its words are known; music does not. */
static void sounds(struct dialogue *d, int64_t now_us)
{
	struct quiet *q = &d->quiet;

	if (!q->sounds_us || (!d->speaking && now_us > q->sounded_us + MUSIC_PAUSE_US))
		q->sounds_us = now_us;
	q->sounded_us = now_us;
	if (!q->music)
		cue_drop(d, UTTERANCE_STILL_THERE);
}

void quiet_mind(struct dialogue *d, enum dialogue_event_type type, int64_t now_us)
{
	switch (type) {
	case EVENT_KEY:
		sign_of_life(d);
		break;
	case EVENT_CALLER_BEGAN:
		sounds(d, now_us);
		break;
	case EVENT_CALLER_ENDED:
		d->quiet.sounded_us = now_us;
		break;
	case EVENT_TURN:
		if (d->speaking)
			d->quiet.sounded_us = now_us;
		if (d->rules.asks)
			sign_of_life(d);
		else
			d->quiet.unwritten = true;
		break;
	default:
		break;
	}
}

bool quiet_written(struct dialogue *d, const struct dialogue_event *e, int64_t now_us)
{
	d->quiet.unwritten = false;
	if (e->text[0])
		sign_of_life(d);
	known_written(d, e, now_us);
	return true;
}

/* ---------------------------------------------------------------------- by the clock */

/* Over music the farewell is firm: the sound would call it off. */
static void ask_or_part(struct dialogue *d, bool music, int64_t now_us)
{
	const struct dialogue_words *words = &d->rules.still_there, *last = &d->rules.parting;
	struct quiet *q = &d->quiet;

	cue_drop(d, UTTERANCE_STILL_THERE); /* the last one was not said in all this time */
	q->asked_us = now_us;
	q->music = music;
	if (q->asked < QUESTIONS_MAX) {
		dialogue_order(d, ORDER_QUIET)->no = ++q->asked;
		if (d->model)
			cue_add(d, UTTERANCE_STILL_THERE, words->text, words->exact, false);
		else
			known_say(d, KNOWN_STILL_THERE, now_us);
		return;
	}
	dialogue_order(d, ORDER_QUIET);
	word_goodbye(d,
	    &(struct dialogue_event){ .type = EVENT_GOODBYE,
		.text = last->text,
		.exact = last->exact,
		.known = KNOWN_IDLE,
		.firm = music,
		.end = END_IDLE },
	    now_us);
}

/* Without a session he is told every few seconds that it takes its time, and that is no reason not to ask. */
int64_t quiet_us(struct dialogue *d)
{
	int64_t played_us = d->model ? later(d->silent_from_us, d->held_until_us) : d->silent_from_us;
	bool can_ask = d->model || (d->rules.knows[KNOWN_STILL_THERE] && !d->rules.asks);

	if (!d->rules.reprompt_us || !can_ask || !d->caller || d->speaking || items_unfinished(d) ||
	    !dialogue_listens(d))
		return NEVER_US;
	return later(later(d->voice_us, played_us), d->quiet.asked_us) + d->rules.reprompt_us;
}

/* A turn that nobody writes down was an answer for all we know. */
void quiet_ask(struct dialogue *d, int64_t now_us)
{
	if (d->quiet.unwritten)
		sign_of_life(d);
	ask_or_part(d, false, now_us);
}

/* The next question over music: from the end of the last one. But the model answers music, time and again, and
 * is talked over by it: nobody waits for that for ever. */
static int64_t again_us(struct dialogue *d)
{
	int64_t wait_us = d->rules.reprompt_us ? d->rules.reprompt_us : ASK_AGAIN_US;
	int64_t latest_us = d->quiet.asked_us + LONG_SPEECH_US + wait_us;

	if (!d->quiet.asked)
		return 0;
	return cue_has(d, UTTERANCE_STILL_THERE)
		   ? latest_us
		   : earlier(latest_us, later(d->quiet.asked_us, d->silent_from_us) + wait_us);
}

int64_t quiet_music_us(struct dialogue *d)
{
	const struct quiet *q = &d->quiet;
	int64_t due_us;

	if (!d->rules.music_us || !q->sounds_us || q->unwritten || !d->model || !d->caller || d->farewell.state ||
	    d->machine || tools_running(d))
		return NEVER_US;
	due_us = later(q->sounds_us + d->rules.music_us, again_us(d));
	return d->speaking || due_us <= q->sounded_us + MUSIC_PAUSE_US ? due_us : NEVER_US;
}

void quiet_ask_over_music(struct dialogue *d, int64_t now_us)
{
	ask_or_part(d, true, now_us);
}
