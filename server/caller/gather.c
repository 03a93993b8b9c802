#include "server/caller/gather.h"

#include "audio/g711.h"
#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agent.h"
#include "server/caller/playout.h"
#include "server/line/keys/call_keys.h"
#include "server/phone/twiml.h"
#include "server/stats/stats.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
	AGENT_US = 100 * US_PER_MS, /* for the agent loop to take what it is told; it waits for nobody */
	WORDS_MAX = 16 * 1000,      /* bytes, of the caller's at once */
	SAID_MAX = 8 * 1000,        /* bytes of ours in one answer: Twilio takes 64 KB, escapes included */
	NOTHING_MAX = 3,            /* times in a row that the caller says nothing … */
	UNCLEAR_MAX = 2,            /* … or is asked to say it again */
	SPEECH_ENDS_MS = 1000,      /* Twilio finds the end of the caller's speech so late */
	HOLD_ROUNDS = 4, /* from one holding phrase to the next: 6 s and more, by Twilio's own time for each */
	KEYS_MAX = 64,   /* at once */
	KEY_MS = 300,
	MARGIN_US = 90 * US_PER_S /* for Twilio to be slow, and the caller to speak for long, before nobody is there */
};

#define UNCLEAR_BELOW 0.3

struct gather {
	struct playout playout;
	struct buf words;    /* the agent's, a line each, that are to be given to the phone */
	struct buf document; /* the last answer … */
	unsigned step;       /* … and its number */
	int64_t given_us;    /* the words it gave begin to be heard then; 0: it gave none */
	bool listened;       /* the caller was listened to in it */
	int64_t waits_us;    /* the caller waits since then, and hears nothing; 0: not so */
	int rounds;          /* answers without words since then */
	int unheard;         /* times in a row that nothing was heard, since the caller was asked */
	int nothing, unclear;
};

static struct gather *gather_open(struct call *c, int64_t now)
{
	struct gather *g = calloc(1, sizeof *g);

	if (!g)
		return NULL;
	buf_init(&g->words, 0);
	buf_init(&g->document, 0);
	playout_init(&g->playout, c, &g->words);
	playout_start(&g->playout);
	c->visits = g;
	/* Release: who sees the time may read the stream's name, which it has none of. */
	atomic_store_explicit(&c->started_us, now, memory_order_release);
	ring_put(&c->from_caller, FROM_STARTED, NULL, 0);
	bell_ring(&c->agent_bell);
	log_info(c->tag, "conversation by requests started");
	return g;
}

void gather_leave(struct call *c)
{
	struct gather *g = c->visits;
	struct from_cut nothing = { 0 };

	c->visits = NULL;
	if (g) {
		playout_leave(&g->playout, clock_now_us());
		buf_free(&g->words);
		buf_free(&g->document);
		free(g);
		return;
	}
	ring_put(&c->from_caller, FROM_LEFT, &nothing, sizeof nothing);
	bell_ring(&c->agent_bell);
}

/* -------------------------------------------------------------------- what the caller did */

static int patience_seconds(const struct agent *agent)
{
	int soon = agent->reprompt_seconds;

	return soon && soon < GATHER_PATIENCE_SECONDS ? soon : GATHER_PATIENCE_SECONDS;
}

/* How much of what was given can have been spoken before the caller began, at the earliest. */
static int64_t spoken_ms(const struct gather *g, const struct call_visit *v, int64_t now)
{
	int64_t passed = now > g->given_us ? (now - g->given_us) / US_PER_MS : 0;
	int64_t own = *v->keys ? (int64_t)strlen(v->keys) * KEY_MS + patience_seconds(g->playout.call->agent) * 1000
			       : (int64_t)strlen(v->words) * SPOKEN_MS_PER_BYTE + SPEECH_ENDS_MS;

	return passed > own ? passed - own : 0;
}

/* An estimate: voices differ, and one that lacks a fifth of the answer is taken for one that was faster. */
static bool was_interrupted(const struct gather *g, int64_t spoken)
{
	const struct ledger *l = &g->playout.ledger;
	int64_t made = l->item_count ? (int64_t)((l->sent - l->items[0].begin) / G711_BYTES_PER_MS) : 0;

	return g->listened && g->playout.call->agent->interruptible && spoken * 5 < made * 4;
}

/* How many bytes of the words are keys, which the ledger does not know. */
static size_t keys_in(const char *words, size_t len)
{
	const char *at = memchr(words, TWIML_KEYS, len), *end = words + len;
	size_t bytes = 0;

	while (at) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		const char *next = line_end ? line_end + 1 : end;

		bytes += (size_t)(next - at);
		at = memchr(next, TWIML_KEYS, (size_t)(end - next));
	}
	return bytes;
}

/* Before what the caller did. What was not given yet was not heard. */
static void tell_heard(struct gather *g, const struct call_visit *v, int64_t now)
{
	size_t unsaid = g->words.len - keys_in(buf_text(&g->words), g->words.len);
	uint64_t kept = unsaid * SPOKEN_MS_PER_BYTE * G711_BYTES_PER_MS;
	bool spoke = *v->words || *v->keys;
	int64_t spoken = g->given_us && spoke ? spoken_ms(g, v, now) : 0;

	if (!g->given_us)
		return;
	if (spoke && was_interrupted(g, spoken))
		playout_interrupted(&g->playout, NULL, 0, spoken, now);
	else
		ledger_proved(&g->playout.ledger, g->playout.ledger.sent - kept, now);
	playout_run(&g->playout, now);
	g->given_us = 0;
}

static void put_sound_words(struct buf *out, const char *text)
{
	size_t left = strlen(text), n;

	for (; left; text += n, left -= n) {
		n = utf8_sequence(text, left);
		buf_put(out, n ? text : "\xef\xbf\xbd", n ? n : 3);
		n = n ? n : 1;
	}
}

static void tell_words(struct call *c, const char *text)
{
	struct buf words;
	bool whole = true;
	size_t len;

	buf_init(&words, 0);
	put_sound_words(&words, text);
	len = utf8_whole(buf_text(&words), words.len, WORDS_MAX);
	if (len < words.len || !ring_put2(&c->from_caller, FROM_TEXT, &whole, sizeof whole, buf_text(&words), len)) {
		stat_add(gather_words_cut, 1);
		log_warn(c->tag, "the caller's words were cut: %zu bytes", words.len);
	}
	buf_free(&words);
}

/* "#" ends the group: Twilio has waited for more. */
static void tell_keys(struct call *c, const char *keys)
{
	static const char known[] = "0123456789*#";
	size_t told = 0;

	for (; *keys; keys++)
		if (strchr(known, *keys) && told++ < KEYS_MAX)
			ring_put(&c->from_caller, FROM_DIGIT, keys, 1);
	stat_add(twilio_digits_dropped, told > KEYS_MAX ? told - KEYS_MAX : 0);
	if (told)
		ring_put(&c->from_caller, FROM_DIGIT, "#", 1);
}

/* After REPROMPT_SECONDS, in steps of what Twilio listens for at once; 0: never. */
static bool is_to_be_asked(struct gather *g, const struct agent *agent)
{
	if (!agent->reprompt_seconds || ++g->unheard < agent->reprompt_seconds / GATHER_PATIENCE_SECONDS)
		return false;
	g->unheard = 0;
	return true;
}

/* The phrase that answers it, or PHRASE_COUNT: the agent does. */
static enum phrase tell_caller(struct gather *g, struct call *c, const struct call_visit *v)
{
	bool unclear = *v->words && !*v->keys && v->confidence >= 0 && v->confidence < UNCLEAR_BELOW;

	if (!*v->words && !*v->keys) {
		stat_add(gather_nothing, g->listened);
		if (!g->listened || !is_to_be_asked(g, c->agent))
			return PHRASE_COUNT;
		g->nothing++;
		return PHRASE_NOT_HEARD;
	}
	g->nothing = g->unheard = 0;
	if (unclear && g->unclear++ < UNCLEAR_MAX) {
		stat_add(gather_unclear, 1);
		return PHRASE_UNCLEAR;
	}
	g->unclear = 0;
	if (*v->keys)
		tell_keys(c, v->keys);
	else
		tell_words(c, v->words);
	return PHRASE_COUNT;
}

/* ------------------------------------------------------------------------- what is next */

static bool is_taken(struct call *c)
{
	/* Acquire: pairs with the release in conversation_answer_phone. */
	return atomic_load_explicit(&c->taken_to, memory_order_acquire) == ring_written(&c->from_caller);
}

/* Then what it says at once, as a greeting or a goodbye that was heard, need not wait for the next request. */
static void wait_for_agent(struct call *c, int64_t now)
{
	struct pollfd bell = { .fd = c->caller_bell.fd, .events = POLLIN };
	int64_t until = now + AGENT_US;

	bell_ring(&c->agent_bell);
	while (!is_taken(c) && !call_ended(c) && clock_now_us() < until) {
		poll(&bell, 1, clock_poll_ms(clock_now_us(), until));
		bell_clear(&c->caller_bell);
	}
}

/* How many bytes can be given: answers that are whole, or with `all` as far as the last one has come. */
static size_t ready(const struct gather *g, bool all)
{
	const char *words = buf_text(&g->words), *end;
	size_t most = utf8_whole(words, g->words.len, SAID_MAX);

	end = memrchr(words, '\n', most);
	if (end)
		return (size_t)(end + 1 - words);
	for (size_t n = most; all && n > 1; n--)
		if (words[n - 1] == ' ' && strchr(".!?", words[n - 2]))
			return n;
	return most < g->words.len ? most : 0;
}

/* The words are the phone's, and begin to be heard now; the time that keys among them take is not theirs. */
static void given(struct gather *g, size_t len, int64_t now)
{
	size_t keys = keys_in(buf_text(&g->words), len);

	buf_consume(&g->words, len);
	g->given_us = now + (int64_t)keys * CALL_KEY_MS * US_PER_MS;
	g->waits_us = 0;
	g->rounds = g->nothing = g->unheard = 0;
}

static int64_t said_us(size_t bytes)
{
	return (int64_t)bytes * SPOKEN_MS_PER_BYTE * US_PER_MS;
}

/* Writes the answer, and its number behind the address of the next request. */
static void put_answer(struct gather *g, struct call_visit *v, struct twiml_turn *turn, const struct spoken *say)
{
	struct buf url;

	buf_init(&url, 0);
	buf_printf(&url, "%s%u%s", v->next_url, ++g->step, v->next_rest);
	turn->voice = say->voice;
	turn->language = say->language;
	turn->next_url = buf_text(&url);
	buf_reset(&g->document);
	twiml_turn(&g->document, turn);
	if (buf_error(&url))
		g->document.err = buf_error(&url);
	buf_free(&url);
	g->listened = turn->heard_in;
}

static void listen_to(struct twiml_turn *turn, const struct agent *agent)
{
	turn->heard_in = *agent->say_language ? agent->say_language : agent_language_tag(agent, "en-US");
	turn->interruptible = agent->interruptible;
	turn->patience_seconds = patience_seconds(agent);
}

/* Nothing is there to be said, and something is to come. A tool has its own time limit. */
static void put_wait(struct gather *g, struct call *c, struct call_visit *v, int awaits, int64_t now)
{
	struct spoken hold = phrase_of(c->agent, PHRASE_ONE_MOMENT);
	struct twiml_turn turn = { .words = hold.text, .pause = true };

	if (!g->waits_us || awaits == AWAITS_TOOL)
		g->waits_us = now;
	if (now - g->waits_us >= GATHER_WAIT_US) {
		log_warn(c->tag, "no answer came for %d s", (int)(GATHER_WAIT_US / US_PER_S));
		stat_add(gather_given_up, 1);
		call_end(c, END_MODEL_FAILED);
		return;
	}
	if (++g->rounds % HOLD_ROUNDS == 2) {
		turn.len = strlen(hold.text);
		stat_add(gather_held, 1);
	}
	put_answer(g, v, &turn, &hold);
}

static void put_next(struct gather *g, struct call *c, struct call_visit *v, enum phrase phrase, int64_t now)
{
	struct spoken say = spoken_words(c->agent, "");
	/* Looked at before the words are counted: whoever listens has queued all of them. */
	int awaits = is_taken(c) ? atomic_load_explicit(&c->awaits, memory_order_relaxed) : AWAITS_MODEL;
	struct twiml_turn turn;
	size_t len;

	playout_run(&g->playout, now);
	len = ready(g, g->rounds > 0);
	turn = (struct twiml_turn){ .words = buf_text(&g->words), .len = len };
	if (awaits == AWAITS_CALLER && len == g->words.len)
		listen_to(&turn, c->agent);
	v->until_us = now + said_us(len) + MARGIN_US; /* in which keys are played, too */
	if (!len && !turn.heard_in) {
		put_wait(g, c, v, awaits, now);
		return;
	}
	if (!len && phrase != PHRASE_COUNT && g->nothing >= NOTHING_MAX) {
		call_end(c, END_IDLE);
		return;
	}
	if (!len && phrase != PHRASE_COUNT) {
		say = phrase_of(c->agent, phrase);
		turn.words = say.text;
		turn.len = strlen(say.text);
	}
	put_answer(g, v, &turn, &say);
	if (len)
		given(g, len, now);
}

void gather_visit(struct call *c, struct call_visit *v)
{
	int64_t now = clock_now_us();
	struct gather *g = c->visits;
	enum phrase phrase;

	v->until_us = now + MARGIN_US;
	if (call_ended(c))
		return;
	if (!g && !(g = gather_open(c, now))) {
		call_end(c, END_INTERNAL_ERROR);
		return;
	}
	if (v->hung_up) {
		call_end(c, END_CALLER_HUNG_UP);
		return;
	}
	if (v->step == g->step) {
		tell_heard(g, v, now);
		phrase = tell_caller(g, c, v);
		playout_run(&g->playout, now);
		wait_for_agent(c, now);
		put_next(g, c, v, phrase, clock_now_us());
	} else {
		stat_add(gather_repeated, 1);
	}
	if (buf_error(&g->document) || buf_error(&g->words))
		call_end(c, END_INTERNAL_ERROR);
	if (!call_ended(c))
		buf_put(v->out, buf_text(&g->document), g->document.len);
}
