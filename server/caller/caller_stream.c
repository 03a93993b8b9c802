#include "server/caller/caller_stream.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/caller/caller_private.h"
#include "server/caller/gate.h"
#include "server/caller/gather.h"
#include "server/line/calls.h"
#include "server/line/calls_admit.h"
#include "server/line/calls_carry.h"
#include "server/line/keys/call_keys.h"
#include "server/phone/channel.h"
#include "server/recording/recorder.h"
#include "server/stats/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	READ_AT_ONCE = 64,     /* messages, before the loop looks around */
	INVALID_MAX = 200,     /* nonsense of this amount is not an accident */
	WORDS_MAX = 16 * 1000, /* bytes in one message to the agent loop */
	COMPLAINT_SHOWN = 160
};

/* ------------------------------------------------------------ what the phone says */

/* Why this start is not the start of our call, in words; NULL if it is. */
static const char *start_problem(struct call *c, const struct phone_event *e)
{
	struct call_facts facts = { .call_sid = e->call_sid, .from = e->caller, .to = e->called };

	if (e->unusable)
		return e->unusable;
	if (c->announced && strcmp(e->call_sid, c->call_sid))
		return "not the announced call";
	return c->announced ? NULL : call_name(c, &facts);
}

static void begin_recording(struct caller *p, int64_t now)
{
	struct call *c = p->call;

	if (c->record != RECORDING_LOCAL)
		return;
	p->recording = recording_begin(calls_recorder(c->calls), c->call_sid, c->agent, clock_wall_ms(), now);
	if (!p->recording)
		log_warn(c->tag, "not recorded: DATA_DIR is not set, or there is no memory");
	p->playout.recording = p->uplink.recording = p->recording;
	/* Release: pairs with the acquire in calls_shown.c. */
	atomic_store_explicit(&c->recording, p->recording, memory_order_release);
}

/* Nothing of the call begins: what was cut off is for the agent loop to say again. */
static void on_start_again(struct caller *p)
{
	struct call *c = p->call;

	call_name_stream(c, &p->another);
	ring_put(&c->from_caller, FROM_BACK, NULL, 0);
	bell_ring(&c->agent_bell);
	stat_add(calls_unparked, 1);
	log_info(c->tag, "another stream carries on; stream=%.10s", c->stream.id);
}

static void on_start(struct caller *p, const struct phone_event *e, int64_t now)
{
	struct call *c = p->call;
	const char *problem;

	if (p->started) {
		log_warn(c->tag, "twilio: second start ignored");
		p->invalid++;
		return;
	}
	problem = start_problem(c, e);
	if (problem) {
		log_warn(c->tag, "twilio: start refused: %s", problem);
		call_lose(c, END_STREAM_INVALID);
		return;
	}
	p->started = true;
	p->last_frame_us = now;
	if (p->again) {
		on_start_again(p);
		playout_start(&p->playout);
		return;
	}
	begin_recording(p, now);
	playout_start(&p->playout);
	/* Release: who sees the time may read the stream's name. */
	atomic_store_explicit(&c->started_us, now, memory_order_release);
	ring_put(&c->from_caller, FROM_STARTED, NULL, 0);
	bell_ring(&c->agent_bell);
	log_info(c->tag, "stream started; stream=%.10s", c->stream.id);
}

static void on_audio(struct caller *p, const struct phone_event *e, int64_t now)
{
	p->last_frame_us = now;
	if (!uplink_frame(&p->uplink, e, now))
		p->invalid++;
}

static void on_key(struct caller *p, char key)
{
	struct ring *ring = &p->call->from_caller;

	/* A flood of keys must leave room for what cannot be dropped. */
	if (ring_used(ring) > FROM_CALLER_BYTES / 4 || !ring_put(ring, FROM_DIGIT, &key, 1))
		stat_add(twilio_digits_dropped, 1);
	bell_ring(&p->call->agent_bell);
}

/* The words of a part that finds no room come again with the next one; at a turn's end they would be
 * missed, and so may take more of it. What then is left is for what cannot be dropped. */
static void on_text(struct caller *p, const struct phone_event *e)
{
	struct call *c = p->call;
	size_t len = utf8_whole(buf_text(&p->words), p->words.len, WORDS_MAX);
	bool told;

	if (e->last && e->language.p && ring_used(&c->from_caller) <= FROM_CALLER_BYTES / 4)
		ring_put(&c->from_caller, FROM_LANGUAGE, e->language.p, e->language.n);
	told = ring_used(&c->from_caller) <= FROM_CALLER_BYTES / (e->last ? 2 : 4) &&
	       ring_put2(&c->from_caller, FROM_TEXT, &e->last, sizeof e->last, buf_text(&p->words), len);
	bell_ring(&c->agent_bell);
	if (!e->last || (told && len == p->words.len))
		return;
	stat_add(relay_words_cut, 1);
	if (!p->words_cut)
		log_warn(c->tag, "the caller's words were cut: %zu bytes of %zu kept", told ? len : 0, p->words.len);
	p->words_cut = true;
}

static void on_played(struct caller *p, const struct phone_event *e, int64_t now)
{
	if (e->on)
		playout_quiet(&p->playout, now);
	else
		playout_spoken(&p->playout, buf_text(&p->words), p->words.len, now);
}

/* Once: the rest is counted. What it quotes of our message is the conversation's, and no log's. */
static void on_complaint(struct caller *p)
{
	struct call *c = p->call;

	stat_add(relay_complaints, 1);
	if (!p->complained)
		log_warn(c->tag, "twilio complains: %.*s",
		    (int)utf8_whole(buf_text(&p->words), strcspn(buf_text(&p->words), "{"), COMPLAINT_SHOWN),
		    buf_text(&p->words));
	p->complained = true;
}

/* Whoever points the wrong thing here hears it in a sentence, once. */
static void tell_stray(struct caller *p, const struct phone_event *e)
{
	if (e->type == PHONE_STARTED || !e->unusable || p->strayed)
		return;
	log_warn(p->call->tag, "twilio: a message that does not belong here: %s", e->unusable);
	p->strayed = true;
}

static void on_message(struct caller *p, const char *text, size_t len, int64_t now)
{
	struct call *c = p->call;
	struct phone_event e;

	/* Readers see the last one's name before the start. */
	c->channel->parse(p->again && !p->started ? &p->another : &c->stream, text, len, &e);
	tell_stray(p, &e);
	/* Before its start a stream has nothing to say, except that it is over. */
	if (e.type > PHONE_STARTED && e.type != PHONE_STOPPED && !p->started)
		e.type = PHONE_INVALID;
	if (e.text.p) {
		buf_reset(&p->words);
		foreign_put_text(&p->words, e.text);
	}
	switch (e.type) {
	case PHONE_INVALID:
		p->invalid++;
		return;
	case PHONE_TEXT:
		on_text(p, &e);
		return;
	case PHONE_VOICE:
		gate_tell(c, e.on);
		return;
	case PHONE_PLAYED:
		on_played(p, &e, now);
		return;
	case PHONE_COMPLAINT:
		on_complaint(p);
		return;
	case PHONE_UNKNOWN:
		stat_add(twilio_unknown_messages, 1);
		return;
	case PHONE_NOTHING:
		return;
	case PHONE_STARTED:
		on_start(p, &e, now);
		return;
	case PHONE_AUDIO:
		on_audio(p, &e, now);
		return;
	case PHONE_KEY:
		on_key(p, e.key);
		return;
	case PHONE_MARK:
		playout_echo(&p->playout, e.mark, now);
		return;
	case PHONE_INTERRUPTED:
		playout_interrupted(&p->playout, e.text.p ? buf_text(&p->words) : NULL, p->words.len, e.spoken_ms, now);
		return;
	case PHONE_STOPPED:
		call_stopped(c);
		return;
	}
}

/* Nonsense is counted where it is found; here it is told, once, and bounded. */
static void judge_nonsense(struct caller *p, uint64_t before)
{
	struct call *c = p->call;

	if (p->invalid == before)
		return;
	stat_add(twilio_invalid_messages, p->invalid - before);
	atomic_store_explicit(&c->counters.invalid_messages, p->invalid, memory_order_relaxed);
	if (before == 0)
		log_warn(c->tag, "twilio: message that makes no sense ignored");
	if (p->invalid - p->invalid_before >= INVALID_MAX)
		call_lose(c, END_STREAM_INVALID);
}

static void on_broken(struct caller *p, int err)
{
	bool invalid = err == -EPROTO || err == -EMSGSIZE || err == -EILSEQ;

	if (caller_over(p->call))
		return;
	if (err != -EPIPE && err != -ECONNRESET)
		log_warn(p->call->tag, "twilio: stream broke off: %s", strerror(-err));
	call_lose(p->call, invalid ? END_STREAM_INVALID : END_STREAM_LOST);
}

/* Where a Close is not how a caller hangs up, the caller may still be there; nor is one that gives another
 * reason. */
static void on_close(struct caller *p, const struct ws_message *m)
{
	struct call *c = p->call;

	if (c->channel->closes && m->close_code != WS_CLOSE_NORMAL)
		log_warn(c->tag, "twilio: closed with %d: %.60s", m->close_code, m->data);
	if (c->channel->closes && m->close_code == WS_CLOSE_NORMAL)
		call_end(c, END_CALLER_HUNG_UP);
	else
		call_lose(c, END_STREAM_LOST);
}

void caller_read(struct caller *p, int64_t now)
{
	struct call *c = p->call;
	uint64_t before = p->invalid;
	struct ws_message m;
	int got = 1;

	for (int i = 0; i < READ_AT_ONCE && !caller_over(c); i++) {
		got = phone_socket_next(&p->socket, &m);
		if (got <= 0)
			break;
		if (m.opcode == WS_TEXT)
			on_message(p, m.data, m.len, now);
		else if (m.opcode == WS_BINARY)
			p->invalid++;
		else if (m.opcode == WS_CLOSE)
			on_close(p, &m);
	}
	/* Play-out wants its turn too, however much the phone has to say. */
	p->more_to_read = got > 0;
	if (got < 0)
		on_broken(p, got);
	judge_nonsense(p, before);
}

/* ------------------------------------------------------------- its begin and its end */

static void begin_anew(struct caller *p, struct call *c, int fd, int64_t now)
{
	memset(p, 0, sizeof *p);
	p->call = c;
	playout_init(&p->playout, c, &p->socket.out);
	uplink_init(&p->uplink, c, fd, now);
	buf_init(&p->words, 0);
}

/* What stays over the park: the ledger's positions and the recording's, the caller's audio that a session may still
 * need, and what was complained of. The lateness of frames and the stream's name begin anew. */
static void take_up(struct caller *p, struct caller *kept, int fd, int64_t now)
{
	int64_t started = atomic_load_explicit(&kept->call->started_us, memory_order_relaxed);

	*p = *kept;
	free(kept);
	p->again = true;
	p->started = p->more_to_read = false;
	p->invalid_before = p->invalid;
	memset(&p->another, 0, sizeof p->another);
	playout_again(&p->playout, &p->socket.out);
	uplink_again(&p->uplink, fd, (uint64_t)((now - started) / US_PER_MS), now);
}

void caller_begin(struct caller *p, struct call *c, int fd, int64_t now_us)
{
	struct caller *kept = call_unpark(c);

	if (kept)
		take_up(p, kept, fd, now_us);
	else
		begin_anew(p, c, fd, now_us);
	p->last_frame_us = now_us;
}

bool caller_park(struct caller *p, int64_t now_us)
{
	struct call *c = p->call;
	bool pressing = call_is_pressing(c);
	struct caller *kept;

	if (call_ended(c))
		return false;
	kept = malloc(sizeof *kept);
	if (!kept) {
		call_end(c, call_lost(c));
		return false;
	}
	log_write(pressing ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, c->tag, "parked: %s",
	    pressing ? "keys are pressed" : call_ending(call_lost(c))->text);
	uplink_park(&p->uplink);
	playout_park(&p->playout, now_us);
	*kept = *p;
	if (call_park(c, kept))
		return true;
	free(kept);
	return false;
}

/* What was heard is known now or never. The agent loop writes it down while we
 * wait for the phone's Close; so the model writer goes back first, then what was
 * heard, and the handshake comes last. */
void caller_end(struct caller *p, int64_t now_us)
{
	uplink_leave(&p->uplink);
	playout_leave(&p->playout, now_us);
	if (p->recording)
		recording_end(p->recording, now_us);
	uplink_close(&p->uplink);
	buf_free(&p->words);
}

/* The socket is long gone, and with it whatever play-out would have for it. */
void caller_leave(struct call *c)
{
	struct caller *kept = c->channel->requests ? NULL : call_unpark(c);
	struct buf nowhere;

	if (c->channel->requests)
		gather_leave(c);
	if (!kept)
		return;
	buf_init(&nowhere, 0);
	playout_again(&kept->playout, &nowhere);
	caller_end(kept, clock_now_us());
	buf_free(&nowhere);
	free(kept);
}
