#ifndef TESTS_DIALOGUE_KIT_H
#define TESTS_DIALOGUE_KIT_H
/* A dialogue told what happens in words, and read by what it orders.
 *
 * Steps, joined by " & " if they happen before the loop looks at the clock:
 *
 *   ready [open|deaf] [resent|again|lost]  away  configured  there   the session, what it was told, the stream
 *   lost [1:300 2:0]                    the stream is lost, and may come back: items, ms
 *   speaks  pauses  turn  written [x]   the caller; without x nothing was understood
 *   former [x]  matched x               of a turn before the last; there is a known answer to it
 *   began r1 [aside]  sign r1  part r1  over r1 [failed|turned|mute]   without "mute" something came of it
 *   audio r1 i1 800  ended r1 i1 [acts] bytes, as far as they are to be played
 *   refused 1  busy 1                   our request; 0: not told which
 *   first 1  heard 1 100  dry 1 800  cut 1 [1:300 2:0]  interrupted 0 [1:300]  left [1:300]   items, ms
 *   key 5  waited  gone
 *   call 1 r1 [filler]  answer 1  ends 1 r1  told           tools; "-" no filler
 *   transfers 1 r1  say x  exact x  goodbye x  firm x  limit x  hand-over x  machine x  machine_exact x
 *   +1500                               milliseconds later
 *   due 500                             asserts that the clock has the dialogue's next turn in so many milliseconds
 *
 * A known line has the item known_1, if it is the first item, and so on.
 * Orders come as a line: "ASK 1, CANCEL r1, CUT 1". Answers are only counted.
 */
#include "server/agent/dialogue/dialogue.h"
#include "server/agent/dialogue/dialogue_utterances.h"

#include "common/clock.h"
#include "tests/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KIT_TOOL_US = 8 * 1000000, KIT_SILENCE_US = 4000000, KIT_SLOW_US = 8000000, KIT_TICKS = 400 };
enum { KIT_KNOWN_BYTES = 16000 /* of a known line: 2 s */ };

struct kit {
	struct dialogue d;
	int64_t now;
	char line[4096]; /* the orders since the last step */
	size_t len;
	char step[1200]; /* with its words apart */
	char *words[8];
	size_t bytes; /* of the audio of this step */
	struct heard heard[ITEMS_MAX];
	void (*look)(void *of, const struct dialogue_order *order); /* also sees them; NULL: nobody */
	void *of;
	int answers; /* ANSWERED was ordered */
	bool spins;
};

static inline void kit_open(struct kit *k, const struct dialogue_rules *rules)
{
	memset(k, 0, sizeof *k);
	k->now = 100 * (int64_t)US_PER_S;
	dialogue_init(&k->d, rules);
	if (!rules->silence_us) {
		k->d.rules.silence_us = KIT_SILENCE_US;
		k->d.rules.slow_us = KIT_SLOW_US;
	}
}

static inline void kit_write(struct kit *k, const char *name, const char *word, int64_t number)
{
	size_t room = sizeof k->line - k->len;
	int len;

	if (number == INT64_MIN)
		len = snprintf(k->line + k->len, room, "%s%s%s%s", k->len ? ", " : "", name, word[0] ? " " : "", word);
	else
		len = snprintf(k->line + k->len, room, "%s%s%s%s %" PRId64, k->len ? ", " : "", name,
		    word[0] ? " " : "", word, number);
	k->len += len < (int)room ? (size_t)len : 0;
}

static inline void kit_write_heard(struct kit *k, const struct dialogue_order *o)
{
	kit_write(k, o->interrupted ? "CUT_SHORT" : "HEARD", o->item, o->heard.heard_ms);
	if (o->truncate_ms >= 0)
		kit_write(k, "TRUNCATE", o->item, o->truncate_ms);
}

static const char *const kit_lines[KNOWN_COUNT] = { [KNOWN_GREETING] = "greeting",
	[KNOWN_HOLD] = "hold",
	[KNOWN_STILL_THERE] = "still_there",
	[KNOWN_INSTANT] = "instant",
	[KNOWN_SORRY] = "sorry",
	[KNOWN_IDLE] = "idle",
	[KNOWN_TIME_LIMIT] = "time_limit",
	[KNOWN_COST_LIMIT] = "cost_limit" };

static inline void kit_show(struct kit *k, const struct dialogue_order *o)
{
	static const char *const names[] = {
#define X(name) #name,
		DIALOGUE_ORDERS_ALL(X)
#undef X
	};
	const int64_t none = INT64_MIN;

	switch (o->type) {
	case ORDER_GREET:
	case ORDER_ASK:
		kit_write(k, names[o->type], "", o->request);
		break;
	case ORDER_SPEAK:
		kit_write(k,
		    o->rest     ? "REST"
		    : o->filler ? "FILL"
		    : o->exact  ? "RECITE"
				: "SPEAK",
		    o->text, o->request);
		break;
	case ORDER_QUIET:
		kit_write(k, "QUIET", "", o->no);
		break;
	case ORDER_CUT_PLAYOUT:
		kit_write(k, "CUT", "", o->cut);
		break;
	case ORDER_PLAY:
		kit_write(k, "PLAY", "", o->no);
		break;
	case ORDER_PLAY_KNOWN:
		kit_write(k, "KNOWN", kit_lines[o->known], o->no);
		break;
	case ORDER_ITEM_MADE:
		kit_write(k, o->play ? "MADE" : "UNPLAYED", o->item, none);
		if (o->over)
			kit_write(k, "ITEM_OVER", o->item, none);
		break;
	case ORDER_ITEM_HEARD:
		kit_write_heard(k, o);
		break;
	case ORDER_LATENCY:
		kit_write(k, "LATENCY", o->item, o->after_event_us / US_PER_MS);
		break;
	case ORDER_TOOL_RESULT:
	case ORDER_TOOL_LATE:
	case ORDER_CALLED_OFF:
		kit_write(k, names[o->type], "", o->run);
		break;
	case ORDER_END:
		kit_write(k, "END", call_ending(o->end)->json, none);
		if (o->said)
			kit_write(k, "SAID", "", none);
		break;
	case ORDER_ANSWERED:
		k->answers++;
		break;
	default:
		kit_write(k, names[o->type], o->response[0] ? o->response : o->item[0] ? o->item : o->text, none);
	}
}

/* What the loop does with the orders of an event. */
static inline void kit_carry_out(struct kit *k, size_t bytes)
{
	uint32_t play = 0;

	for (size_t i = 0; i < k->d.order_count; i++) {
		const struct dialogue_order *o = &k->d.orders[i];

		if (k->look)
			k->look(k->of, o);
		else
			kit_show(k, o);
		if (o->type == ORDER_PLAY)
			play = o->no;
		if (o->type == ORDER_PLAY_KNOWN)
			dialogue_received(&k->d, o->no, KIT_KNOWN_BYTES, k->now);
	}
	if (play)
		dialogue_received(&k->d, play, bytes, k->now);
}

static inline bool kit_take(struct kit *k, const struct dialogue_event *e, size_t bytes)
{
	struct dialogue_event event = *e;
	bool taken;

	if (event.type == EVENT_AUDIO)
		event.count = (uint32_t)bytes;
	taken = dialogue_take(&k->d, &event, k->now);
	kit_carry_out(k, bytes);
	return taken;
}

static inline void kit_settle(struct kit *k)
{
	int ticks = 0;

	while (dialogue_tick(&k->d, k->now)) {
		kit_carry_out(k, 0);
		if (++ticks > KIT_TICKS) {
			k->spins = true;
			return;
		}
	}
}

static inline const char *kit_word(const struct kit *k, size_t n)
{
	return n < 8 && k->words[n] ? k->words[n] : "";
}

static inline uint32_t kit_number(const struct kit *k, size_t n)
{
	return (uint32_t)strtoul(kit_word(k, n), NULL, 10);
}

/* "1:300 2:0" from the n-th word on. */
static inline uint32_t kit_heard(struct kit *k, size_t n)
{
	uint32_t count = 0;

	for (; kit_word(k, n)[0]; n++, count++) {
		const char *colon = strchr(kit_word(k, n), ':');

		k->heard[count] = (struct heard){
			.no = kit_number(k, n), .heard_ms = colon ? (uint32_t)atoi(colon + 1) : 0, .confirmed = true
		};
	}
	return count;
}

static const struct kit_verb {
	const char *verb;
	enum dialogue_event_type type;
	bool exact, firm, busy;
	enum call_end end; /* CALL_NOT_ENDED: as if the agent ended it */
	/* What its words are: response, item, text, bytes, request, number, run, key, cut, heard … */
	const char *words;
} kit_verbs[] = {
	{ "ready", EVENT_MODEL_READY, .words = "ss" },
	{ "configured", EVENT_CONFIGURED, .words = "" },
	{ "there", EVENT_CALLER_THERE, .words = "" },
	{ "speaks", EVENT_CALLER_BEGAN, .words = "" },
	{ "pauses", EVENT_CALLER_ENDED, .words = "" },
	{ "turn", EVENT_TURN, .words = "" },
	{ "placed", EVENT_PLACED, .words = "" },
	{ "written", EVENT_WRITTEN, .words = "tN" },
	{ "former", EVENT_WRITTEN, .words = "t" },
	{ "matched", EVENT_WRITTEN, .words = "tNK" },
	{ "began", EVENT_BEGAN, .words = "rA" },
	{ "sign", EVENT_SIGN, .words = "r" },
	{ "over", EVENT_OVER, .words = "rh" },
	{ "audio", EVENT_AUDIO, .words = "rib" },
	{ "part", EVENT_PART, .words = "r" },
	{ "ended", EVENT_PART_OVER, .words = "ria" },
	{ "refused", EVENT_REFUSED, .words = "q" },
	{ "busy", EVENT_REFUSED, .busy = true, .words = "q" },
	{ "first", EVENT_FIRST_AUDIO, .words = "n" },
	{ "heard", EVENT_HEARD, .words = "nm" },
	{ "dry", EVENT_DRY, .words = "nC" },
	{ "cut", EVENT_CUT, .words = "cH" },
	{ "interrupted", EVENT_INTERRUPTED, .words = "cH" },
	{ "away", EVENT_MODEL_AWAY, .words = "" },
	{ "left", EVENT_CALLER_LEFT, .words = "H" },
	{ "waited", EVENT_WAITED, .words = "" },
	{ "gone", EVENT_GONE, .end = END_MODEL_LOST, .words = "" },
	{ "lost", EVENT_CALLER_AWAY, .words = "H" },
	{ "key", EVENT_KEY, .words = "k" },
	{ "call", EVENT_TOOL_CALLED, .words = "urf" },
	{ "answer", EVENT_TOOL_ANSWERED, .words = "u" },
	{ "ends", EVENT_TOOL_ENDS, .words = "ur" },
	{ "transfers", EVENT_TOOL_ENDS, .end = END_TRANSFERRED, .words = "ur" },
	{ "told", EVENT_TOLD, .words = "" },
	{ "say", EVENT_SAY, .words = "t" },
	{ "exact", EVENT_SAY, .exact = true, .words = "t" },
	{ "goodbye", EVENT_GOODBYE, .words = "t" },
	{ "firm", EVENT_GOODBYE, .firm = true, .words = "t" },
	{ "limit", EVENT_GOODBYE, .firm = true, .end = END_TIME_LIMIT, .words = "t" },
	{ "hand-over", EVENT_GOODBYE, .firm = true, .end = END_TRANSFERRED, .words = "t" },
	{ "machine", EVENT_MACHINE, .words = "t" },
	{ "machine_exact", EVENT_MACHINE, .exact = true, .words = "t" },
};

/* Most rows are not about sound, and need not tell of any to mean an answer that had some. */
static inline void kit_end(struct kit *k, struct dialogue_event *e, const char *how)
{
	struct utterance *u = utterance_of(&k->d, e->response);

	e->failed = !strcmp(how, "failed");
	e->turn_detected = !strcmp(how, "turned");
	e->claims = e->failed || e->turn_detected ? NULL : "completed";
	if (u && !how[0])
		u->said = true;
}

static inline void kit_fill(struct kit *k, struct dialogue_event *e, char what, size_t n)
{
	const char *word = kit_word(k, n);

	switch (what) {
	case 'r':
		e->response = strcmp(word, "-") != 0 ? word : "";
		break;
	case 'i':
		e->item = word;
		break;
	case 't':
		e->text = word;
		break;
	case 'N':
		e->newest = true;
		break;
	case 'K':
		e->known = KNOWN_INSTANT;
		break;
	case 'f':
		e->text = !word[0] ? "a moment" : !strcmp(word, "-") ? NULL : !strcmp(word, "own") ? "" : "a moment";
		break;
	case 'b':
		k->bytes = kit_number(k, n);
		break;
	case 'q':
		e->request = kit_number(k, n);
		break;
	case 'n':
		e->no = k->heard[0].no = kit_number(k, n);
		e->at_us = k->now;
		break;
	case 'm':
		k->heard[0].heard_ms = kit_number(k, n);
		k->heard[0].confirmed = true;
		break;
	case 'c':
		e->cut = kit_number(k, n);
		break;
	case 'C':
		e->count = kit_number(k, n);
		break;
	case 'H':
		e->count = kit_heard(k, n);
		break;
	case 's':
		e->deaf = !strcmp(word, "deaf") || (e->deaf && strcmp(word, "open") != 0);
		e->resent |= !strcmp(word, "resent");
		e->heard_again |= !strcmp(word, "again");
		e->lost |= !strcmp(word, "lost");
		e->alone |= !strcmp(word, "alone");
		break;
	case 'a':
		e->acts = !strcmp(word, "acts");
		break;
	case 'h':
		kit_end(k, e, word);
		break;
	case 'A':
		e->aside = !strcmp(word, "aside");
		break;
	case 'k':
		e->key = word[0];
		break;
	case 'u':
		e->run = kit_number(k, n);
		e->at_us = k->now + KIT_TOOL_US;
		break;
	default:
		break;
	}
}

static inline void kit_due_in_ms(const struct kit *k, int64_t ms)
{
	assert_int_equal((dialogue_due_us(&k->d) - k->now) / US_PER_MS, ms);
}

/* One step, without a look at the clock. False: it changed nothing; or, a mistake. */
static inline bool kit_do(struct kit *k, const char *step)
{
	struct dialogue_event e = { .response = "", .item = "", .text = "", .heard = k->heard, .end = END_AGENT_ENDED };
	char *rest = NULL, *word;
	size_t count = 0;

	snprintf(k->step, sizeof k->step, "%s", step);
	memset(k->words, 0, sizeof k->words);
	for (word = strtok_r(k->step, " ", &rest); word && count < 8; word = strtok_r(NULL, " ", &rest))
		k->words[count++] = word;
	if (step[0] == '+') {
		k->now += atoll(step + 1) * US_PER_MS;
		return true;
	}
	if (!strcmp(kit_word(k, 0), "due")) {
		kit_due_in_ms(k, atoll(kit_word(k, 1)));
		return true;
	}
	for (size_t i = 0; i < sizeof kit_verbs / sizeof kit_verbs[0]; i++) {
		const struct kit_verb *verb = &kit_verbs[i];

		if (strcmp(verb->verb, kit_word(k, 0)) != 0)
			continue;
		e.type = verb->type;
		e.deaf = k->d.ears == EARS_PROTECTING; /* as it was opened, if nothing else is said */
		e.exact = verb->exact;
		e.firm = verb->firm;
		e.busy = verb->busy;
		if (verb->end)
			e.end = verb->end;
		if (e.end == END_TIME_LIMIT)
			e.known = KNOWN_TIME_LIMIT;
		for (size_t n = 0; verb->words[n]; n++)
			kit_fill(k, &e, verb->words[n], n + 1);
		if (e.type == EVENT_MACHINE)
			e.text = "message";
		return kit_take(k, &e, k->bytes);
	}
	fprintf(stderr, "no such step: %s\n", step);
	abort();
}

/* Steps, then the clock. What was ordered stands in k->line. */
static inline bool kit_play(struct kit *k, const char *steps)
{
	bool taken = true;

	k->line[0] = '\0';
	k->len = 0;
	for (const char *at = steps, *end; *at; at = *end ? end + 3 : end) {
		char step[1200];

		end = strstr(at, " & ");
		if (!end)
			end = at + strlen(at);
		snprintf(step, sizeof step, "%.*s", (int)(end - at), at);
		taken = kit_do(k, step);
	}
	kit_settle(k);
	return taken;
}

/* A table of steps and what each is to be answered by; the first to be wrong is shown. */
struct kit_row {
	const char *steps, *orders;
};

static inline bool kit_follow(struct kit *k, const struct kit_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		kit_play(k, rows[i].steps);
		if (strcmp(k->line, rows[i].orders) != 0 || k->spins) {
			fprintf(stderr, "step %zu, \"%s\":\n  expected \"%s\"\n  ordered  \"%s\"%s\n", i, rows[i].steps,
			    rows[i].orders, k->line, k->spins ? " without end" : "");
			return false;
		}
	}
	return true;
}

#define FOLLOW(k, ...) \
	do { \
		const struct kit_row rows_[] = { __VA_ARGS__ }; \
		assert_true(kit_follow(k, rows_, sizeof rows_ / sizeof rows_[0])); \
	} while (0)

/* Steps that many calls have: the greeting is asked for and begins; the first answer begins, and a
 * second of it comes. */
/* clang-format off */
#define GREETING_BEGINS { "ready & there", "GREET 1" }, { "began r1", "" }
#define R1_SOUNDS { "began r1", "" }, { "audio r1 i1 8000", "PLAY 1" }
/* clang-format on */

static const struct dialogue_rules KIT_SILENT = { .interruptible = true };
static const struct dialogue_rules KIT_ASKING = { .interruptible = true, .asks = true };
static const struct dialogue_rules KIT_GREETING = { .greets = true, .interruptible = true };

static const struct dialogue_rules KIT_PROTECTED = {
	.greets = true, .interruptible = true, .protect_us = 3000 * US_PER_MS
};

/* A test has this one: both sides are there, nobody says anything. */
static struct kit k;

static inline int kit_setup(void **state)
{
	(void)state;
	kit_open(&k, &KIT_SILENT);
	kit_play(&k, "ready & there");
	return 0;
}

static inline int kit_teardown(void **state)
{
	(void)state;
	dialogue_free(&k.d);
	return 0;
}

static inline void open_as(const struct dialogue_rules *rules)
{
	dialogue_free(&k.d);
	kit_open(&k, rules);
}

static inline void assert_idle(void)
{
	assert_int_equal(dialogue_due_us(&k.d), NEVER_US);
	for (size_t i = 0; i < UTTERANCES_MAX; i++)
		assert_true(k.d.utterances[i].state == UTTERANCE_FREE || k.d.utterances[i].state == UTTERANCE_MADE);
}

static inline void assert_due_in_ms(int64_t ms)
{
	kit_due_in_ms(&k, ms);
}

/* A test that is no more than such a table. */
#define TALK(name, ...) \
	static void name(void **state) \
	{ \
		(void)state; \
		FOLLOW(&k, __VA_ARGS__); \
	} \
	_Static_assert(sizeof #name, "takes the semicolon")

#define CASE(name) cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

#endif
