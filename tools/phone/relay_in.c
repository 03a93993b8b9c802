/* What the server sends on a relay's socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/kit/ws.h"
#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/relay_message.h"

#define TOO_MANY "Too many consecutive malformed messages."

/* Twilio says so, and goes on; not for ever. */
static void refuse(struct call *c, const char *text, size_t len, const char *why)
{
	struct relay_session *s = relay_now(c);
	struct text what = { 0 };
	char warning[160];

	snprintf(warning, sizeof warning, "64107 invalid message: %s", why);
	note_warning(c, warning);
	note_event(c, "it was: %.*s", len < 300 ? (int)len : 300, text);
	c->relay.malformed++;
	s->bad_in_a_row++;
	text_printf(&what, "Invalid message received, code: 64107, message: %.*s", len < 200 ? (int)len : 200, text);
	if (s->bad_in_a_row < BAD_IN_A_ROW_MAX) {
		relay_error(c, 0, text_str(&what));
	} else {
		s->error_code = 64105;
		s->error = TOO_MANY;
		stream_send(c, WS_CLOSE, "\x03\xEF" TOO_MANY, 2 + sizeof TOO_MANY - 1);
		c->stream.close_sent = true;
		stream_end(c, END_VIOLATION);
	}
	text_free(&what);
}

/* A stand-in model writes when it sent this ("stamp NANOSECONDS "). */
static void read_stamp(struct call *c, const char *words, uint64_t now_ns)
{
	const char *stamp = strstr(words, "stamp ");
	uint64_t sent_ns = stamp ? strtoull(stamp + 6, NULL, 10) : 0;

	if (!sent_ns)
		return;
	c->stats->answers_begun++;
	if (now_ns >= c->steady_begin_ns && now_ns < c->steady_end_ns)
		hist_add(&c->stats->answer_first, now_ns > sent_ns ? now_ns - sent_ns : 0);
}

static struct manner manner_of(const struct call *c, const struct relay_message *m)
{
	const struct relay_noun *noun = c->stream.verb->relay;

	return (struct manner){
		.language = m->language ? m->language : relay_now(c)->speaks,
		.interruptible = m->interruptible < 0 ? noun->interruptible
				 : m->interruptible   ? INPUT_ANY
						      : INPUT_NONE,
		.preemptible = m->preemptible < 0 ? noun->preemptible : m->preemptible > 0,
	};
}

/* After an interruption. What the server sent before it knew is under way, and Twilio has
 * thrown it away; what it sent after must not belong to the answer that was cut off. */
static bool is_of_the_past(struct call *c, const struct relay_message *m)
{
	struct relay_session *s = relay_now(c);

	if (s->fences) {
		c->relay.in_flight++;
		return true;
	}
	if (!s->unanswerable)
		return false;
	c->relay.stale++;
	c->stale_units++;
	c->stats->units_stale++;
	note_warning(c, m->last && !*m->words ? "`last` came for an answer that was cut off"
					      : "a token came of an answer that was cut off");
	return true;
}

static void on_words(struct call *c, const struct relay_message *m, uint64_t now_ns)
{
	struct relay_session *s = relay_now(c);
	struct turn *turn = c->turn_count ? &c->turns[c->turn_count - 1] : NULL;
	struct manner manner = manner_of(c, m);

	if (m->language && !relay_noun_speaks(c->stream.verb->relay, m->language))
		note_warning(c, "64101 a token is of a language that the session does not have");
	if (is_of_the_past(c, m))
		return;
	c->relay.tokens++;
	c->media++;
	if (*m->words && turn && turn->voice_end_ns && !turn->arrival_ns)
		turn->arrival_ns = now_ns;
	if (*m->words && !c->first_media_ns) {
		c->first_media_ns = now_ns;
		hist_add(&c->stats->stream_first_audio, now_ns - c->stream.open_ns);
	}
	if (c->options->stamps)
		read_stamp(c, m->words, now_ns);
	if (m->last && !*m->words && !s->talker.in_cycle)
		note_warning(c, "`last` came where no answer was");
	talker_words(&s->talker, m->words, m->last, &manner);
	if (m->last)
		note_event(c, "the agent's answer is complete: %s",
		    text_str(&s->talker.cycles[s->talker.cycle_count - 1].sent));
}

static void on_language(struct call *c, const struct relay_message *m)
{
	struct relay_session *s = relay_now(c);
	const char *const asked[] = { m->speaks, m->hears };
	char **const into[] = { &s->speaks, &s->hears };
	char line[200];

	for (int i = 0; i < 2; i++) {
		if (!asked[i])
			continue;
		if (!relay_noun_speaks(c->stream.verb->relay, asked[i])) {
			note_warning(c, "64101 a language is asked for that the session does not have");
			relay_error(c, 64101, "Invalid parameter value: language");
			continue;
		}
		free(*into[i]);
		*into[i] = need_copy(asked[i]);
	}
	snprintf(line, sizeof line, "%.80s %.80s", m->speaks ? m->speaks : "-", m->hears ? m->hears : "-");
	text_line(&c->relay.languages, line);
	note_event(c, "languages spoken and heard: %s", line);
}

static void on_end(struct call *c, const struct relay_message *m)
{
	struct relay_session *s = relay_now(c);

	s->ended = true;
	s->handoff = m->handoff ? need_copy(m->handoff) : NULL;
	if (m->handoff)
		text_line(&c->relay.handoffs, m->handoff);
	c->unplayed_at_close = 0;
	for (size_t i = 0; i < s->talker.cycle_count; i++) {
		const struct cycle *cycle = &s->talker.cycles[i];

		if (!cycle->cut)
			c->unplayed_at_close += (size_t)((double)(cycle->sent.len - cycle->spoken) / c->options->pace *
							 1000 * BYTES_PER_MS);
	}
	note_event(c, "the server ends the session: %s", m->handoff ? m->handoff : "no handoffData");
	relay_hang_up(c);
	stream_closing(c);
}

void relay_text(struct call *c, const char *text, size_t len, uint64_t now_ns)
{
	struct relay_session *s = relay_now(c);
	struct relay_message m;
	struct manner manner;
	const char *why;

	if (c->stream.close_sent || s->ended)
		return; /* on its way when we closed */
	if (has_fault(c->options, FAULT_TAKES_NONE) &&
	    c->relay.malformed < (uint64_t)fault_value(c->options, FAULT_TAKES_NONE)) {
		refuse(c, text, len, "said to be");
		return;
	}
	if (relay_message_read(&m, text, len, &why) != 0) {
		refuse(c, text, len, why);
		relay_message_free(&m);
		return;
	}
	s->bad_in_a_row = 0;
	manner = manner_of(c, &m);
	switch (m.kind) {
	case RELAY_TEXT:
		on_words(c, &m, now_ns);
		break;
	case RELAY_PLAY:
		text_line(&c->relay.plays, m.words);
		if (!is_of_the_past(c, &m))
			talker_sound(&s->talker, m.words, m.loops, &manner);
		break;
	case RELAY_KEYS:
		text_puts(&c->relay.digits, m.words);
		if (!is_of_the_past(c, &m))
			talker_keys(&s->talker, m.words, &manner);
		break;
	case RELAY_LANGUAGE:
		on_language(c, &m);
		break;
	case RELAY_END:
		on_end(c, &m);
		break;
	}
	relay_message_free(&m);
}

bool relay_pong(struct call *c, const void *payload, size_t len)
{
	struct relay_session *s = relay_now(c);

	if (!s || len != 3 || memcmp(payload, "cut", 3) != 0)
		return false;
	if (s->fences)
		s->fences--;
	return true;
}
