/* The media stream's life: connecting, reading, ending. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tools/phone/call.h"
#include "tools/phone/clock.h"
#include "tools/phone/request.h"
#include "tools/kit/ws.h"

enum { CLOSE_LIMIT_MS = 5000 };

/* --- the end --- */

void stream_drop(struct call *c)
{
	timer_stop(c->loop, &c->stream.tick);
	timer_stop(c->loop, &c->stream.guard);
	loop_drop(c->loop, &c->stream.source);
	if (c->stream.state != STREAM_NONE)
		c->stream.state = STREAM_DONE;
}

void stream_close(struct stream *s)
{
	playout_close(&s->play);
	text_free(&s->out);
	text_free(&s->in);
	text_free(&s->whole);
	http_free(&s->answer);
	free(s->path);
	free(s->signed_url);
	*s = (struct stream){ .source = { .fd = -1 } };
}

enum call_end stream_closed_by(const struct call *c)
{
	const struct relay_session *session = c->stream.verb->relay ? relay_now(c) : NULL;

	return c->stream.stop_sent ? END_CALLER : session && session->error_code ? END_CUT : END_SERVER;
}

static void after_end(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, stream.guard);

	(void)now_ns;
	call_stream_ended(c);
}

/* The call goes on from a timer: whoever found the end may still be reading. */
void stream_end(struct call *c, enum call_end end)
{
	struct stream *s = &c->stream;
	bool was_open = s->state == STREAM_OPEN || s->state == STREAM_CLOSING;

	if (s->state == STREAM_DONE)
		return;
	c->end = end == END_CALLER && c->ordered ? END_ORDERED : end;
	if (!s->verb->relay)
		c->unplayed_at_close = (size_t)playout_waiting(&s->play);
	stream_drop(c);
	if (end == END_UPGRADE_REFUSED)
		webhook_stream_status(c, "stream-error", "31920 Stream - WebSocket - Handshake Error");
	else if (end != END_CALLER && end != END_CUT && end != END_ORDERED)
		webhook_stream_status(c, "stream-error", "31921 Stream - WebSocket - Close Error");
	if (was_open) {
		note_event(c, "the stream ended: %s%s", call_end_name(end),
		    c->unplayed_at_close && end == END_SERVER ? ", before all audio was played" : "");
		webhook_stream_status(c, "stream-stopped", NULL);
	}
	s->guard.fire = after_end;
	timer_set(c->loop, &s->guard,
	    s->verb->relay ? mono_ns() + relay_over(c)
	    : c->cut       ? mono_ns() + (uint64_t)c->cut->ms * NS_PER_MS
			   : 0);
}

static void close_took_too_long(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, stream.guard);

	(void)now_ns;
	if (!has_fault(c->options, FAULT_NO_CLOSE) && !c->stream.deaf && !c->stream.mute)
		note_warning(c, "the server did not answer our close frame within 5 s");
	stream_end(c, stream_closed_by(c));
}

void stream_closing(struct call *c)
{
	struct stream *s = &c->stream;

	s->state = STREAM_CLOSING;
	timer_stop(c->loop, &s->tick);
	s->guard.fire = close_took_too_long;
	timer_set(c->loop, &s->guard, mono_ns() + CLOSE_LIMIT_MS * NS_PER_MS);
}

void stream_cut(struct call *c, const struct step *s)
{
	c->cut = s;
	mischief_cut(c);
}

void stream_hang_up(struct call *c)
{
	if (c->stream.state != STREAM_OPEN || c->stream.stop_sent)
		return;
	note_event(c, "the caller hangs up");
	stream_stop(c);
}

static void send_stop(struct call *c)
{
	struct stream *s = &c->stream;
	char message[300];
	int n = snprintf(message, sizeof message,
	    "{\"event\":\"stop\",\"sequenceNumber\":\"%llu\",\"stop\":{\"accountSid\":\"%s\",\"callSid\":\"%s\"},"
	    "\"streamSid\":\"%s\"}",
	    (unsigned long long)++s->sequence, c->options->account, c->sid, s->sid);

	stream_send(c, WS_TEXT, message, (size_t)n);
	mischief_after_stop(c);
	if (!has_fault(c->options, FAULT_NO_CLOSE)) {
		stream_send(c, WS_CLOSE, "\x03\xE8", 2);
		s->close_sent = true;
	}
}

void stream_stop(struct call *c)
{
	struct stream *s = &c->stream;

	if (s->state != STREAM_OPEN || s->stop_sent)
		return;
	s->stop_sent = true;
	if (!s->verb->relay)
		send_stop(c);
	else if (!has_fault(c->options, FAULT_NO_CLOSE))
		relay_hang_up(c);
	stream_closing(c);
}

/* --- the beginning --- */

static void begin_to_talk(struct call *c, uint64_t now_ns)
{
	static const char connected[] = "{\"event\":\"connected\",\"protocol\":\"Call\",\"version\":\"1.0.0\"}";
	const struct options *o = c->options;
	struct stream *s = &c->stream;
	struct text start = { 0 };

	s->state = STREAM_OPEN;
	s->open_ns = now_ns;
	c->upgrade_ns = now_ns - s->begun_ns;
	c->cut = NULL;
	hist_add(&c->stats->upgrade, c->upgrade_ns);
	c->streams++;
	note_event(c, "the stream is open");
	timer_stop(c->loop, &s->guard);
	if (s->verb->relay) {
		relay_open(c);
	} else if (!has_fault(o, FAULT_NO_START)) {
		uint8_t silence[TICK_BYTES];

		memset(silence, 0xFF, sizeof silence);
		stream_send(c, WS_TEXT, connected, sizeof connected - 1);
		for (long i = 0; has_fault(o, FAULT_MEDIA_FIRST) && i < o->fault[FAULT_MEDIA_FIRST].value; i++)
			stream_media(c, silence, sizeof silence);
		stream_start_message(c, &start);
		stream_send(c, WS_TEXT, start.data, start.len);
		text_free(&start);
	}
	webhook_stream_status(c, "stream-started", NULL);
	s->deaf = has_fault(o, FAULT_NEVER_READ) || has_fault(o, FAULT_SLOW_READ);
	stream_want_events(c);
	stream_begin_ticks(c, now_ns);
}

/* The answer to the upgrade; what follows a 101 is left in s->in. */
static void read_upgrade(struct call *c, const void *bytes, size_t len, uint64_t now_ns)
{
	struct stream *s = &c->stream;
	char why[160];

	if (http_feed(&s->answer, bytes, len, why, sizeof why) != 0) {
		note_failure(c, "the upgrade failed: %s", why);
		c->upgrade_status = s->answer.status;
		stream_end(c, END_UPGRADE_REFUSED);
	} else if (s->answer.done && s->answer.status != 101) {
		c->upgrade_status = s->answer.status;
		snprintf(c->refusal, sizeof c->refusal, "%.*s", (int)s->answer.body.len, text_str(&s->answer.body));
		note_event(c, "the stream was refused with %d", s->answer.status);
		note_failure(c, "the upgrade was answered %d", s->answer.status);
		stream_end(c, END_UPGRADE_REFUSED);
	} else if (s->answer.done) {
		c->upgrade_status = 101;
		upgrade_check(c);
		text_add(&s->in, text_str(&s->answer.raw), s->answer.raw.len);
		begin_to_talk(c, now_ns);
	}
}

static void on_bytes(struct call *c, uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct stream *s = &c->stream;
	size_t took;

	if (s->state == STREAM_CONNECTING || s->state == STREAM_UPGRADING) {
		read_upgrade(c, bytes, len, now_ns);
		bytes = NULL;
		len = 0;
	}
	if (s->state != STREAM_OPEN && s->state != STREAM_CLOSING)
		return;
	if (!s->in.len && len) { /* nearly always */
		took = inbound_frames(c, bytes, len, now_ns);
		if (took < len)
			text_add(&s->in, bytes + took, len - took);
		return;
	}
	text_add(&s->in, bytes, len);
	if (s->in.len)
		text_drop(&s->in, inbound_frames(c, (uint8_t *)s->in.data, s->in.len, now_ns));
}

static void on_end_of_socket(struct call *c, int err)
{
	struct stream *s = &c->stream;

	if (s->state == STREAM_CONNECTING || s->state == STREAM_UPGRADING) {
		if (err)
			note_failure(c, "no stream: %s", strerror(err));
		else
			read_upgrade(c, NULL, 0, mono_ns());
		stream_end(c, END_UPGRADE_REFUSED);
	} else if (s->stop_sent || (s->close_sent && s->verb->relay)) {
		stream_end(c, stream_closed_by(c));
	} else {
		note_warning(c, err == ECONNRESET ? "31903 the server reset the connection"
						  : "31924 the server ended the connection without a close frame");
		stream_end(c, END_LOST);
	}
}

/* Reads what is there, or `most` bytes of it. */
static void read_some(struct call *c, size_t most)
{
	struct stream *s = &c->stream;
	uint8_t bytes[32768];

	while (most && s->source.fd >= 0) {
		size_t want = most < sizeof bytes ? most : sizeof bytes;
		ssize_t n = recv(s->source.fd, bytes, want, 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			on_end_of_socket(c, n < 0 ? errno : 0);
			return;
		}
		on_bytes(c, bytes, (size_t)n, mono_ns());
		if ((size_t)n < want)
			return;
		most -= (size_t)n;
	}
}

void stream_read_slowly(struct call *c, size_t bytes)
{
	read_some(c, bytes);
}

static void on_ready(struct source *source, uint32_t events)
{
	struct call *c = OWNER(source, struct call, stream);
	struct stream *s = &c->stream;

	if (events & EPOLLOUT) {
		if (s->state == STREAM_CONNECTING)
			s->state = STREAM_UPGRADING;
		stream_flush(c);
	}
	if (s->deaf && events & (EPOLLHUP | EPOLLERR))
		on_end_of_socket(c, ECONNRESET);
	else if (!s->deaf && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		read_some(c, SIZE_MAX);
}

static void no_upgrade_in_time(struct timer *t, uint64_t now_ns)
{
	struct call *c = OWNER(t, struct call, stream.guard);

	(void)now_ns;
	note_failure(c, "31901 no answer to the upgrade in time");
	stream_end(c, END_UPGRADE_REFUSED);
}

void stream_open(struct call *c, const struct verb *v)
{
	const struct options *o = c->options;
	struct stream *s = &c->stream;
	const char *path;
	bool done[FAULT_COUNT];
	bool small = has_fault(o, FAULT_NEVER_READ) || has_fault(o, FAULT_SLOW_READ);

	stream_drop(c);
	memcpy(done, s->done_fault, sizeof done);
	stream_close(s);
	if (v->relay) /* what spoils a session leaves the next one alone */
		memcpy(s->done_fault, done, sizeof done);
	s->verb = v;
	s->state = STREAM_CONNECTING;
	s->begun_ns = mono_ns();
	playout_init(&s->play, has_fault(o, FAULT_PLAY_LATE) ? (int)(o->fault[FAULT_PLAY_LATE].value / TICK_MS) : 0);
	sid_new(s->sid, "MZ");
	upgrade_make_key(c);
	s->signed_url = upgrade_url(c, v);
	mischief_url(c, s->signed_url);
	path = webhook_path(c, s->signed_url);
	if (!path) {
		note_failure(c, "the stream's url names another host: %s", s->signed_url);
		stream_end(c, END_UPGRADE_REFUSED);
		return;
	}
	s->path = need_copy(path);
	upgrade_write(c, &s->out);
	s->source = (struct source){ on_ready, connect_begin(&o->address, small ? 4096 : 0) };
	s->guard.fire = no_upgrade_in_time;
	timer_set(c->loop, &s->guard, mono_ns() + (uint64_t)o->patience_s * NS_PER_S);
	if (s->source.fd < 0 || loop_watch(c->loop, &s->source, EPOLLIN | EPOLLOUT) != 0) {
		note_failure(c, "31902 no connection for the stream");
		stream_end(c, END_UPGRADE_REFUSED);
	}
}
