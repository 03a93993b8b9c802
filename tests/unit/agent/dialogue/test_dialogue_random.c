/* The dialogue under anything at all: events at random, from a seeded generator, and
 * after each of them what must always be true.
 *
 *   - at most one response is asked for, and none while one is being made
 *   - nobody is asked for twice, and nobody who is owed an answer is forgotten
 *   - every utterance ends
 *   - an answer counts once, and only if something was to be heard or a tool was called
 *   - nothing is spoken after the farewell, nor after the end
 *   - no wait is without a deadline, and what is due is done at that time
 *   - nobody who waits for an answer is in silence for longer than the rules say
 *   - what was cut is not played, and is told of once
 *   - nobody is asked more than twice in a row whether he is there, nor while he waits
 *
 * The events come in sequences. One that breaks a rule is cut down to the events it
 * takes, and printed as steps for dialogue_kit.h, with its seed.
 *
 *   RANDOM_EVENTS=N  how many; DIALOGUE_SEED=N  the first sequence's seed
 */
#include <stddef.h>

#include "dialogue_acts.h"
#include "tests/unit.h"

ONE_THREAD;

enum { LENGTH = 100, DRAIN_STEPS = 1000 };

#ifndef RANDOM_EVENTS
#ifdef __SANITIZE_THREAD__
#define RANDOM_EVENTS 100000
#else
#define RANDOM_EVENTS 1000000
#endif
#endif

/* ---------------------------------------------------------------------- the rules */

static bool pending(struct world *w)
{
	const struct dialogue *d = &w->k.d;
	bool some = d->ears == EARS_PROTECTING || d->deaf_due;

	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		some |= d->utterances[i].state >= UTTERANCE_WANTED && d->utterances[i].state < UTTERANCE_MADE;
	for (size_t i = 0; i < BATCHES_MAX; i++)
		some |= d->batches[i].no != 0;
	return some || (w->owed && !w->courtesy) || w->asked || w->told || d->active || d->digit_count ||
	       d->farewell.state || d->machine;
}

/* The time by which something must happen, if the caller waits for an answer. */
static int64_t patience_us(const struct world *w)
{
	const struct dialogue *d = &w->k.d;
	int64_t from_us = w->sound_us > w->news_us ? w->sound_us : w->news_us;

	if (!w->owed || w->courtesy || d->speaking || !d->model || !d->caller || d->over || d->farewell.state)
		return NEVER_US;
	return from_us + (w->making ? KIT_SLOW_US : KIT_SILENCE_US);
}

static void look(struct world *w)
{
	const struct dialogue *d = &w->k.d;
	int64_t due;

	kit_settle(&w->k);
	mind_machine(w);
	settle_debts(w);
	if (w->renew) {
		session(w, &(struct act){ .p = 4 });
		session(w, &(struct act){ .p = 5 });
		w->renew = false;
		kit_settle(&w->k);
		settle_debts(w);
	}
	/* Given up in silence: what was cut, and what is done without. */
	if (w->asked && w->k.now >= w->asked_us + KIT_SILENCE_US && !utterance_asked(d, w->asked))
		w->asked = 0;
	if (w->making && w->k.now >= quiet_us(w))
		w->making = w->aside = 0;
	due = dialogue_due_us(d);
	if (w->k.spins)
		broken(w, "it never comes to rest");
	if (due <= w->k.now)
		broken(w, "something is due and not done");
	if (d->model && d->caller && !d->over && due == NEVER_US && pending(w))
		broken(w, "a wait has no deadline");
	if (due > patience_us(w))
		broken(w, "a caller in silence waits for too long");
	if (w->told_aloud) {
		fprintf(stderr, "%s%s\n", w->k.len ? "\t-> " : "", w->k.line);
		w->k.len = 0;
		w->k.line[0] = '\0';
	}
}

/* The loop wakes up when something is due. */
static void pass(struct world *w, int64_t until_us)
{
	int64_t due;

	while (!w->wrong && (due = dialogue_due_us(&w->k.d)) <= until_us) {
		w->k.now = due > w->k.now ? due : w->k.now;
		look(w);
	}
	w->k.now = until_us;
}

static void time_passes(struct world *w, const struct act *a)
{
	int64_t ms = a->p % 4 ? a->q % 1000 : a->q % 30000;

	step(w, "+%d", (int)ms);
	pass(w, w->k.now + ms * US_PER_MS);
}

/* --------------------------------------------------------------------- a sequence */

static void (*const acts[])(struct world *, const struct act *) = { time_passes, time_passes, time_passes, time_passes,
	caller_speaks, caller_speaks, caller_pauses, caller_pauses, caller_pauses, turn, turn, written, written, began,
	began, began, began, audio, audio, audio, audio, audio_over, part, over, over, over, over, refused, heard,
	heard, heard, dry, cut_served, cut_served, key, tool_called, tool_called, tool_answered, tool_answered,
	tool_ends, told, say, goodbye, machine, interrupted, session, session, waited, gone, stream_lost, stream_lost };

enum { ACTS = sizeof acts / sizeof acts[0] };

/* From here on all goes well: everybody who waits gets what he waits for. */
static void drain(struct world *w)
{
	const struct act plain = { .p = 1, .q = 3 };

	TAKE(w, .type = EVENT_MODEL_READY);
	TAKE(w, .type = EVENT_CALLER_THERE);
	w->news_us = w->k.now;
	caller_pauses(w, &plain);
	look(w);
	for (int i = 0; i < DRAIN_STEPS && !w->wrong && !w->over; i++) {
		int64_t due = dialogue_due_us(&w->k.d);

		if (w->asked && !w->making)
			began(w, &plain);
		else if (w->making && !w->said[w->making] && !w->making_cut && i % 2)
			audio(w, &plain); /* as an answer has */
		else if (w->making)
			over_as(w, w->making, false, false, false);
		else if (w->cuts_served < w->cuts)
			cut_served(w, &plain);
		else if (w->heard_upto < w->items)
			heard(w, &plain);
		else if (due < NEVER_US)
			w->k.now = due;
		else
			break;
		look(w);
	}
	if (w->over || w->wrong)
		return;
	if (w->owed && !w->courtesy)
		broken(w, "somebody who is owed an answer is forgotten");
	if (pending(w))
		broken(w, "an utterance does not end");
}

static const char *run(uint32_t seed, const struct act *list, size_t count, bool aloud)
{
	struct world w = { .told_aloud = aloud };

	kit_open(&w.k, &(struct dialogue_rules){ .greets = seed % 2,
			   .recalled = seed % 16 == 2,
			   .interruptible = seed % 5 != 0,
			   .asks = seed % 3 == 2,
			   .instant = seed % 3 != 2 && seed % 13 > 7,
			   .renews = seed % 11 < 5,
			   .knows = { [KNOWN_GREETING] = seed % 3 != 2 && seed % 10 > 4,
			       [KNOWN_HOLD] = seed % 3 != 2 && seed % 10 > 2,
			       [KNOWN_STILL_THERE] = seed % 3 != 2 && seed % 5 > 1,
			       [KNOWN_INSTANT] = seed % 3 != 2 && seed % 13 > 8,
			       [KNOWN_SORRY] = seed % 3 != 2 && seed % 4 > 1,
			       [KNOWN_IDLE] = seed % 3 != 2 && seed % 4 > 1,
			       [KNOWN_TIME_LIMIT] = seed % 3 != 2 && seed % 4 > 0 },
			   .protect_us = seed % 2 && seed % 3 == 0 ? 3 * US_PER_S : 0,
			   .reprompt_us = seed % 4 == 1 ? 5 * US_PER_S : 0,
			   .music_us = seed % 4 < 2 ? 30 * US_PER_S : 0,
			   .still_there = { .text = "there?", .exact = seed % 2 },
			   .parting = { .text = "bye" },
			   .idle_us = seed % 7 == 0 ? 60 * US_PER_S : 0 });
	w.k.look = saw;
	w.k.of = &w;
	if (seed % 8) {
		step(&w, "ready & there");
		TAKE(&w, .type = EVENT_MODEL_READY);
		TAKE(&w, .type = EVENT_CALLER_THERE);
		look(&w);
	}
	for (size_t i = 0; i < count && !w.wrong && !w.over; i++) {
		w.k.now += list[i].q % 64 * US_PER_MS;
		step(&w, "+%d & ", list[i].q % 64);
		settle_debts(&w);
		acts[list[i].what](&w, &list[i]);
		/* Several things may happen before the loop looks at the clock. */
		if (list[i].p % 8)
			look(&w);
		else
			step(&w, " &\n");
	}
	if (!w.over)
		drain(&w);
	dialogue_free(&w.k.d);
	return w.wrong;
}

static void make(uint32_t seed, struct act *list)
{
	uint32_t state = seed * 2654435761u + 1;

	for (size_t i = 0; i < LENGTH; i++)
		list[i] = (struct act){ .what = (uint8_t)roll(&state, ACTS),
			.p = (uint8_t)roll(&state, 240),
			.q = (uint16_t)roll(&state, 65000) };
}

/* Leaves out what it does not take to break the same rule, so many events at a time. */
static size_t leave_out(uint32_t seed, struct act *list, size_t count, size_t part, const char *wrong)
{
	struct act less[LENGTH];

	for (size_t at = 0; at + part <= count;) {
		memcpy(less, list, at * sizeof *list);
		memcpy(less + at, list + at + part, (count - at - part) * sizeof *list);
		if (run(seed, less, count - part, false) != wrong) {
			at += part;
			continue;
		}
		count -= part;
		memcpy(list, less, count * sizeof *list);
	}
	return count;
}

static size_t shrink(uint32_t seed, struct act *list, size_t count, const char *wrong)
{
	size_t before;

	do {
		before = count;
		for (size_t part = count / 2; part; part /= 2)
			count = leave_out(seed, list, count, part, wrong);
	} while (count < before);
	return count;
}

static long setting(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value ? atol(value) : otherwise;
}

static void no_events_break_a_rule(void **state)
{
	long sequences = setting("RANDOM_EVENTS", RANDOM_EVENTS) / LENGTH;
	uint32_t seed = (uint32_t)setting("DIALOGUE_SEED", 1);
	struct act list[LENGTH];

	(void)state;
	for (int i = 0; i < NAMES; i++) {
		snprintf(responses[i], sizeof responses[i], "r%d", i);
		snprintf(items[i], sizeof items[i], "i%d", i);
	}
	for (; sequences > 0; sequences--, seed++) {
		const char *wrong;
		size_t count;

		make(seed, list);
		wrong = run(seed, list, LENGTH, false);
		if (!wrong)
			continue;
		count = shrink(seed, list, LENGTH, wrong);
		fprintf(stderr, "DIALOGUE_SEED=%u: %s, by %zu events:\n", seed, wrong, count);
		run(seed, list, count, true);
		fail();
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(no_events_break_a_rule),
	{ 0 },
};
