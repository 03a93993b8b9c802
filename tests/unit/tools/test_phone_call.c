/* The simulated phone against a tiny bridge of this test's own: what it really
 * does on the wire. The bridge counts the caller's frames, which are the
 * phone's clock, so nothing here looks at the time of day.
 */
#include "tools/kit/base64.h"
#include "tools/phone/run.h"
#include "tools/kit/form.h"
#include "tools/kit/text.h"
#include "tools/kit/ws.h"
#include "tools/stamps.h"
#include "tests/unit.h"
#include "tests/unit/tools/listener_kit.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <ctype.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOKEN "a-token-of-this-test"
#define PUBLIC "https://bridge.example.com"
static char report_path[64], sound_path[64], script_path[64]; /* of this process alone */

enum { MESSAGES_MAX = 2000 };

/* --- the bridge --- */

struct message {
	char event[16], name[40];
	uint64_t frames; /* media messages that came before it */
};

/* One stream as the bridge saw it. */
struct seen {
	int fd;
	char sid[40];
	struct message list[MESSAGES_MAX];
	size_t count;
	uint64_t frames;
	bool closed;
	uint8_t first_audio[160];
};

struct bridge {
	int listener, port;
	pthread_t thread;
	void (*scenario)(struct seen *s);
	struct seen seen;
	_Atomic int requests, streams, bad_signatures, misshapen, refuse_upgrade;
	char asked[200];   /* what a gather brought */
	const char *after; /* what connect-action answers */
};

static struct bridge bridge;

static void put(int fd, const void *bytes, size_t len)
{
	if (send(fd, bytes, len, MSG_NOSIGNAL) != (ssize_t)len)
		print_message("the phone has gone\n");
}

static void put_frame(int fd, int first, const void *payload, size_t len)
{
	uint8_t head[4] = { (uint8_t)first, (uint8_t)len, 0, 0 };
	struct text t = { 0 };

	if (len >= 126) {
		head[1] = 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
	}
	text_add(&t, head, len >= 126 ? 4 : 2);
	text_add(&t, payload, len);
	put(fd, t.data, t.len);
	text_free(&t);
}

static void put_text(int fd, const char *s)
{
	put_frame(fd, 0x81, s, strlen(s));
}

static void say(struct seen *s, const char *format, const char *value)
{
	struct text t = { 0 };

	text_printf(&t, "{\"event\":\"%s\",\"streamSid\":\"%s\"", format, s->sid);
	if (strcmp(format, "mark") == 0)
		text_printf(&t, ",\"mark\":{\"name\":\"%s\"}", value);
	else if (strcmp(format, "media") == 0)
		text_printf(&t, ",\"media\":{\"payload\":\"%s\"}", value);
	text_puts(&t, "}");
	put_text(s->fd, t.data);
	text_free(&t);
}

static void play(struct seen *s, int ms, uint8_t code)
{
	uint8_t audio[160];
	char payload[220];

	memset(audio, code, sizeof audio);
	payload[base64_put(payload, audio, sizeof audio)] = '\0';
	for (; ms > 0; ms -= 20)
		say(s, "media", payload);
}

static bool get(int fd, void *out, size_t len)
{
	return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len;
}

/* The next frame's opcode, its payload unmasked in `t`; -1 at the end. */
static int next_frame(int fd, struct text *t, bool *fin)
{
	uint8_t head[2], wide[8], mask[4];
	uint64_t len;

	text_free(t);
	if (!get(fd, head, 2) || !(head[1] & 0x80))
		return -1;
	len = head[1] & 0x7F;
	if (len >= 126) {
		size_t n = len == 126 ? 2 : 8;

		if (!get(fd, wide, n))
			return -1;
		len = 0;
		for (size_t i = 0; i < n; i++)
			len = len << 8 | wide[i];
	}
	if (!get(fd, mask, 4))
		return -1;
	for (uint64_t i = 0; i < len; i++) {
		uint8_t c;

		if (!get(fd, &c, 1))
			return -1;
		c ^= mask[i & 3];
		text_add(t, &c, 1);
	}
	*fin = head[0] & 0x80;
	return head[0] & 15;
}

/* --- what the phone sends has the shape of the fixtures --- */

static cJSON *read_fixture(const char *name)
{
	char path[120], text[4096];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "tests/fixtures/%s.json", name);
	f = fopen(path, "rb");
	if (!f)
		return NULL;
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	fclose(f);
	return cJSON_Parse(text);
}

/* The same fields of the same types; what a call is free to choose may differ. */
static bool same_shape(const cJSON *a, const cJSON *b)
{
	const cJSON *child;

	if (!a || !b || a->type != b->type || cJSON_GetArraySize(a) != cJSON_GetArraySize(b))
		return false;
	cJSON_ArrayForEach(child, a) if (child->string && !same_shape(child, cJSON_GetObjectItemCaseSensitive(
										 b, child->string))) return false;
	return true;
}

static void check_message(const cJSON *message, const char *event)
{
	char name[60];
	cJSON *fixture;

	snprintf(name, sizeof name, "twilio-stream-%s", event);
	fixture = read_fixture(name);
	if (cJSON_GetObjectItem(fixture, "start")) {
		/* The one parameter of this test's TwiML. */
		cJSON *own = cJSON_CreateObject();

		cJSON_AddStringToObject(own, "a", "1 & 2");
		cJSON_ReplaceItemInObject(cJSON_GetObjectItem(fixture, "start"), "customParameters", own);
	}
	if (!same_shape(message, fixture))
		bridge.misshapen++;
	cJSON_Delete(fixture);
}

static void check_form(const char *path, const struct form *f)
{
	const char *name = strcmp(path, "/twilio/voice") == 0    ? "twilio-webhook-voice-inbound"
			   : strcmp(path, "/after") == 0         ? "twilio-webhook-connect-action-stream"
			   : strcmp(path, "/stream-status") == 0 ? "twilio-stream-status-started"
								 : "twilio-webhook-status-completed";
	cJSON *fixture = read_fixture(name);
	size_t count = f->count;

	if (strcmp(path, "/gathered") == 0) {
		cJSON_Delete(fixture);
		for (size_t i = 0; i < f->count; i++)
			if (strcmp(f->field[i].name, "SpeechResult") == 0)
				snprintf(bridge.asked, sizeof bridge.asked, "%s", f->field[i].value);
		return;
	}
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->field[i].name, "StreamError") == 0)
			count--; /* only with an error */
		else if (!cJSON_GetObjectItemCaseSensitive(fixture, f->field[i].name))
			bridge.misshapen++;
	}
	if ((int)count != cJSON_GetArraySize(fixture))
		bridge.misshapen++;
	cJSON_Delete(fixture);
}

static void note(struct seen *s, const char *text)
{
	cJSON *j = cJSON_Parse(text);
	const char *event = cJSON_GetStringValue(cJSON_GetObjectItem(j, "event"));
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "mark"), "name"));
	const char *digit = cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "dtmf"), "digit"));
	struct message *m = &s->list[s->count];

	if (event)
		check_message(j, event);
	if (event && strcmp(event, "media") == 0) {
		const char *payload =
		    cJSON_GetStringValue(cJSON_GetObjectItem(cJSON_GetObjectItem(j, "media"), "payload"));

		if (!s->frames++ && payload && strlen(payload) == 216)
			base64_get(s->first_audio, payload, 216);
	} else if (s->count < MESSAGES_MAX) {
		snprintf(m->event, sizeof m->event, "%s", event ? event : "?");
		snprintf(m->name, sizeof m->name, "%s", name ? name : digit ? digit : "");
		m->frames = s->frames;
		s->count++;
		if (event && strcmp(event, "start") == 0)
			snprintf(
			    s->sid, sizeof s->sid, "%s", cJSON_GetStringValue(cJSON_GetObjectItem(j, "streamSid")));
	}
	cJSON_Delete(j);
}

/* Reads until `frames` media messages have come, or `event` named `name`, or the
 * end. False at the end. */
static bool listen_until(struct seen *s, uint64_t frames, const char *event, const char *name)
{
	struct text t = { 0 }, whole = { 0 };
	bool fin, found = false;

	while (!found && s->frames < frames) {
		int opcode = next_frame(s->fd, &t, &fin);
		size_t before = s->count;

		if (opcode < 0 || opcode == 8) {
			if (opcode == 8)
				put_frame(s->fd, 0x88, text_str(&t), t.len >= 2 ? 2 : 0);
			s->closed = true;
			break;
		}
		if (opcode == 9)
			put_frame(s->fd, 0x8A, text_str(&t), t.len);
		if (opcode > 2)
			continue;
		text_add(&whole, text_str(&t), t.len);
		if (!fin)
			continue;
		note(s, text_str(&whole));
		text_free(&whole);
		found = event && s->count > before && strcmp(s->list[before].event, event) == 0 &&
			(!name || strcmp(s->list[before].name, name) == 0);
	}
	text_free(&t);
	text_free(&whole);
	return !s->closed;
}

static void listen_to_the_end(struct seen *s)
{
	listen_until(s, UINT64_MAX, NULL, NULL);
}

/* Our own close, and the phone's. */
static void hang_up(struct seen *s)
{
	put_frame(s->fd, 0x88, "\x03\xE8", 2);
	listen_to_the_end(s);
}

static void decode_into(struct form *f, char *body)
{
	for (char *rest = body, *pair; (pair = strtok_r(rest, "&", &rest));) {
		char *value = strchr(pair, '='), *out = value;

		*value++ = '\0';
		for (char *in = value; *in; in++) {
			unsigned c;

			if (*in == '%' && sscanf(in + 1, "%2x", &c) == 1) {
				*++out = (char)c;
				in += 2;
			} else {
				*++out = *in == '+' ? ' ' : *in;
			}
		}
		out[1] = '\0';
		form_add(f, pair, value);
	}
}

static const char *header(const char *head, const char *name, char *out, size_t size)
{
	const char *at = strcasestr(head, name);

	snprintf(
	    out, size, "%.*s", at ? (int)strcspn(at + strlen(name) + 2, "\r") : 0, at ? at + strlen(name) + 2 : "");
	return out;
}

static void check_signature(const char *head, const char *url, const struct form *f)
{
	char expected[SIGNATURE_MAX], found[64];

	sign(expected, TOKEN, url, f);
	if (strcmp(header(head, "X-Twilio-Signature", found, sizeof found), expected) != 0)
		bridge.bad_signatures++;
}

static void answer_http(int fd, const char *body)
{
	struct text t = { 0 };

	text_printf(
	    &t, "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	put(fd, t.data, t.len);
	text_free(&t);
}

/* What is seen is of one stream at a time, though a call may open more. */
static pthread_mutex_t listening = PTHREAD_MUTEX_INITIALIZER;

static void answer_upgrade(int fd, const char *head)
{
	char key[64], accept[WS_ACCEPT_MAX];
	struct text t = { 0 };

	check_signature(head, "wss://bridge.example.com/stream/tok1", NULL);
	if (bridge.refuse_upgrade || !strstr(head, "/stream/tok1 ")) {
		put(fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 47);
		return;
	}
	ws_accept(accept, header(head, "Sec-WebSocket-Key", key, sizeof key));
	text_printf(&t,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	put(fd, t.data, t.len);
	text_free(&t);
	pthread_mutex_lock(&listening);
	bridge.seen.fd = fd;
	bridge.seen.closed = false;
	if (listen_until(&bridge.seen, UINT64_MAX, "start", NULL))
		bridge.scenario(&bridge.seen);
	pthread_mutex_unlock(&listening);
}

static const char welcome[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect action=\"/after\">"
			      "<Stream url=\"wss://bridge.example.com/stream/tok1\" "
			      "statusCallback=\"https://bridge.example.com/stream-status\">"
			      "<Parameter name=\"a\" value=\"1 &amp; 2\"/></Stream></Connect></Response>";

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct text head = { 0 }, url = { 0 };
	struct form f = { 0 };
	char length[32], path[200] = "", *body;
	size_t want;
	char c;

	while (!strstr(text_str(&head), "\r\n\r\n") && get(fd, &c, 1))
		text_add(&head, &c, 1);
	sscanf(text_str(&head), "%*s %199s", path);
	bridge.requests++;
	if (strncmp(text_str(&head), "GET", 3) == 0) {
		answer_upgrade(fd, text_str(&head));
	} else if (head.len) {
		want = strtoul(header(text_str(&head), "Content-Length", length, sizeof length), NULL, 10);
		body = need(want + 1);
		if (get(fd, body, want)) {
			text_printf(&url, PUBLIC "%s", path);
			decode_into(&f, body);
			check_signature(text_str(&head), text_str(&url), &f);
			check_form(path, &f);
			form_free(&f);
		}
		free(body);
		answer_http(fd, strcmp(path, "/twilio/voice") == 0 ? welcome
				: strcmp(path, "/after") == 0      ? bridge.after
								   : "<Response/>");
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, &c, 1, 0) > 0)
		;
	close(fd);
	text_free(&head);
	text_free(&url);
	return NULL;
}

static void *accept_all(void *arg)
{
	listener_serve(bridge.listener, serve);
	return arg;
}

static void open_bridge(void (*scenario)(struct seen *s))
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof a;

	memset(&bridge, 0, sizeof bridge);
	snprintf(report_path, sizeof report_path, "build/tmp/phone-test-%d.json", getpid());
	snprintf(sound_path, sizeof sound_path, "build/tmp/phone-test-%d.wav", getpid());
	snprintf(script_path, sizeof script_path, "build/tmp/phone-test-%d.script", getpid());
	bridge.scenario = scenario;
	bridge.after = "<Response><Say>Good bye &amp; thanks.</Say><Hangup/></Response>";
	bridge.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(bridge.listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(bridge.listener, 64), 0);
	assert_int_equal(getsockname(bridge.listener, (struct sockaddr *)&a, &size), 0);
	bridge.port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&bridge.thread, NULL, accept_all, NULL), 0);
}

/* Places a call with these options (NULL-terminated) and closes the bridge. */
static int call(const char *const *options)
{
	char server[40];
	char *args[40] = { "phone", "--server", server, "--public-url", PUBLIC, "--token", TOKEN, "--report",
		report_path, "--out", sound_path, "--limit", "60" };
	int n = 13, status;

	snprintf(server, sizeof server, "127.0.0.1:%d", bridge.port);
	while (*options)
		args[n++] = (char *)(uintptr_t)*options++;
	status = phone_run(n, args);
	shutdown(bridge.listener, SHUT_RDWR);
	pthread_join(bridge.thread, NULL);
	close(bridge.listener);
	assert_int_equal(bridge.misshapen, 0);
	return status;
}

#define CALL(...) call((const char *const[]){ __VA_ARGS__, NULL })
/* A call with those options to a bridge that does this exits with that status. */
#define CHECK_CALL(scenario, status, ...) \
	do { \
		open_bridge(scenario); \
		assert_int_equal(CALL(__VA_ARGS__), status); \
	} while (0)

static const struct message *find(const char *event, const char *name)
{
	for (size_t i = 0; i < bridge.seen.count; i++)
		if (strcmp(bridge.seen.list[i].event, event) == 0 &&
		    (!name || strcmp(bridge.seen.list[i].name, name) == 0))
			return &bridge.seen.list[i];
	fail_msg("no %s %s came", event, name ? name : "");
	return NULL;
}

static cJSON *read_report(void)
{
	FILE *f = fopen(report_path, "rb");
	struct text t = { 0 };
	char piece[4096];
	size_t n;
	cJSON *j;

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		text_add(&t, piece, n);
	fclose(f);
	j = cJSON_Parse(text_str(&t));
	assert_non_null(j);
	text_free(&t);
	return j;
}

static double number(const cJSON *report, const char *name)
{
	const cJSON *n = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(report, "calls"), 0), name);

	assert_true(cJSON_IsNumber(n));
	return n->valuedouble;
}

/* The right channel of the call, 8 samples to a millisecond. */
static int16_t *read_right(size_t *len)
{
	FILE *f = fopen(sound_path, "rb");
	uint8_t frame[4], head[44];
	int16_t *right = need(8000 * 60 * sizeof *right);

	assert_non_null(f);
	assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
	for (*len = 0; *len < 8000 * 60 && fread(frame, 1, 4, f) == 4; ++*len)
		right[*len] = (int16_t)(frame[2] | frame[3] << 8);
	fclose(f);
	return right;
}

/* --- the tests --- */

static uint64_t asked_at;

static void plays_a_second(struct seen *s)
{
	listen_until(s, 5, NULL, NULL);
	asked_at = s->frames;
	play(s, 500, 0x10);
	say(s, "mark", "half");
	play(s, 500, 0x10);
	say(s, "mark", "all");
	listen_until(s, UINT64_MAX, "mark", "all");
	listen_to_the_end(s);
}

static int remove_files(void **state)
{
	(void)state;
	unlink(report_path);
	unlink(sound_path);
	return 0;
}

static void marks_come_back_only_after_play_out(void **state)
{
	cJSON *j;

	(void)state;
	CHECK_CALL(plays_a_second, 0, "--seconds", "1.6", "--expect", "marks_played=2", "--expect", "heard_ms=1000");
	/* 25 frames are 500 ms on the phone's clock. */
	assert_true(find("mark", "half")->frames - asked_at >= 25);
	assert_true(find("mark", "all")->frames - asked_at >= 50);
	assert_true(find("stop", NULL)->frames >= 79);
	j = read_report();
	assert_int_equal(number(j, "marks_flushed"), 0);
	assert_int_equal(number(j, "played_ms"), 1000);
	cJSON_Delete(j);
	assert_int_equal(bridge.bad_signatures, 0);
}

static void a_late_phone_returns_marks_late(void **state)
{
	(void)state;
	CHECK_CALL(plays_a_second, 0, "--seconds", "1.8", "--fault", "play-late=300", "--expect", "marks_played=2");
	assert_true(find("mark", "half")->frames - asked_at >= 40);
	assert_true(find("mark", "all")->frames - asked_at >= 65);
}

static void a_phone_can_keep_marks_to_itself(void **state)
{
	(void)state;
	CHECK_CALL(plays_a_second, 0, "--seconds", "1.4", "--fault", "no-echo", "--expect", "marks=2");
	for (size_t i = 0; i < bridge.seen.count; i++)
		assert_string_not_equal(bridge.seen.list[i].event, "mark");
}

static uint64_t cleared_at;

static void is_interrupted(struct seen *s)
{
	listen_until(s, 5, NULL, NULL);
	play(s, 200, 0x10);
	say(s, "mark", "before");
	play(s, 2000, 0x10);
	say(s, "mark", "late");
	say(s, "mark", "later");
	listen_until(s, UINT64_MAX, "mark", "before");
	listen_until(s, s->frames + 10, NULL, NULL);
	say(s, "clear", NULL);
	cleared_at = s->frames;
	listen_until(s, UINT64_MAX, "mark", "later");
	listen_to_the_end(s);
}

static void a_clear_returns_every_mark_and_silences_the_line(void **state)
{
	cJSON *j, *clear;
	int16_t *right;
	size_t len, last = 0;
	double at_ms, played_ms;

	(void)state;
	CHECK_CALL(is_interrupted, 0, "--seconds", "2", "--expect", "clears=1", "--expect", "cut_answers=1", "--expect",
	    "answers=1", "--expect", "marks_played=1", "--expect", "marks_flushed=2");
	/* 2200 ms of audio were sent; played out, the marks would take 110 frames. */
	assert_true(find("mark", "late")->frames < 105);
	assert_true(find("mark", "later")->frames == find("mark", "late")->frames);
	j = read_report();
	clear = cJSON_GetArrayItem(
	    cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(j, "calls"), 0), "clears"), 0);
	at_ms = cJSON_GetObjectItem(clear, "at_ms")->valuedouble;
	played_ms = number(j, "played_ms");
	assert_true(cJSON_GetObjectItem(clear, "unplayed_ms")->valuedouble > 0);
	assert_int_equal(played_ms + cJSON_GetObjectItem(clear, "unplayed_ms")->valuedouble, 2200);
	right = read_right(&len);
	for (size_t i = 0; i < len; i++)
		if (right[i])
			last = i;
	/* What was in the air at the clear may end: one tick, and one of grace. */
	assert_true((double)last / 8 < at_ms + 40);
	assert_true((double)last / 8 > 200);
	assert_true(len / 8 >= 1900);
	free(right);
	cJSON_Delete(j);
}

static void asks_a_mark_of_silence(struct seen *s)
{
	listen_until(s, 5, NULL, NULL);
	say(s, "mark", "idle");
	asked_at = s->frames;
	listen_to_the_end(s);
}

static void a_mark_in_silence_comes_back_unasked_for_audio(void **state)
{
	(void)state;
	CHECK_CALL(asks_a_mark_of_silence, 0, "--seconds", "1", "--expect", "marks_played=1", "--expect", "heard_ms=0");
	find("mark", "idle");
}

static void says_good_bye(struct seen *s)
{
	listen_until(s, 10, NULL, NULL);
	hang_up(s);
}

static void after_the_servers_close_the_action_decides(void **state)
{
	(void)state;
	CHECK_CALL(says_good_bye, 0, "--expect", "end=server", "--expect", "close_code=1000", "--expect",
	    "say=Good bye & thanks.", "--expect", "action=200");
	/* voice, stream, started, error, stopped, after, completed */
	assert_int_equal(bridge.requests, 7);
	assert_int_equal(bridge.bad_signatures, 0);
}

static void an_unmet_expectation_is_a_failure(void **state)
{
	(void)state;
	CHECK_CALL(says_good_bye, 1, "--expect", "end=server", "--expect", "say=Never said");
}

static void a_number_to_dial_is_dialled(void **state)
{
	(void)state;
	open_bridge(says_good_bye);
	bridge.after = "<Response><Say>One moment.</Say><Dial><Number>+12025550177</Number></Dial></Response>";
	assert_int_equal(CALL("--expect", "end=server", "--expect", "dial=+12025550177", "--no-status"), 0);
	assert_int_equal(bridge.requests, 3);
}

static void says_good_bye_once(struct seen *s)
{
	if (bridge.streams++ == 0)
		says_good_bye(s);
	else
		listen_to_the_end(s);
}

static void the_action_may_open_another_stream(void **state)
{
	(void)state;
	open_bridge(says_good_bye_once);
	bridge.after = welcome;
	assert_int_equal(CALL("--seconds", "0.8", "--expect", "streams=2", "--expect", "end=caller"), 0);
	find("stop", NULL);
	assert_int_equal(bridge.bad_signatures, 0);
}

static void what_is_gathered_goes_to_the_action(void **state)
{
	FILE *f;

	(void)state;
	open_bridge(says_good_bye);
	bridge.after =
	    "<Response><Gather input=\"speech\" action=\"/gathered\"><Say>Please speak.</Say></Gather></Response>";
	f = fopen(script_path, "w");
	assert_non_null(f);
	fputs("wait-end\ngather-speech \"a table for two\"\n", f);
	fclose(f);
	assert_int_equal(CALL("--script", script_path, "--expect", "end=server", "--expect", "say=Please speak."), 0);
	unlink(script_path);
	assert_string_equal(bridge.asked, "a table for two");
}

static void speaks_nonsense(struct seen *s)
{
	struct text t = { 0 };

	text_printf(&t, "{\"event\":\"clear\",\"streamSid\":\"%s\",\"more\":1}", s->sid);
	put_text(s->fd, t.data);
	put_text(s->fd, "{\"event\":\"clear\",\"streamSid\":\"MZ1\"}");
	put_frame(s->fd, 0x82, "binary", 6);
	text_free(&t);
	listen_to_the_end(s);
}

static void what_twilio_would_warn_of_is_counted(void **state)
{
	(void)state;
	CHECK_CALL(speaks_nonsense, 0, "--seconds", "0.5", "--expect", "warnings=3", "--expect", "clears=0");
	CHECK_CALL(speaks_nonsense, 1, "--seconds", "0.5");
}

static void sends_masked(struct seen *s)
{
	put(s->fd, "\x81\x81\0\0\0\0x", 7);
	listen_to_the_end(s);
}

static void a_masked_frame_ends_the_stream(void **state)
{
	(void)state;
	CHECK_CALL(sends_masked, 0, "--seconds", "2", "--expect", "end=violation");
}

static void fragments_a_message(struct seen *s)
{
	struct text t = { 0 };

	text_printf(&t, "{\"event\":\"mark\",\"streamSid\":\"%s\",\"mark\":{\"name\":\"in pieces\"}}", s->sid);
	put_frame(s->fd, 0x01, t.data, 10);
	put_frame(s->fd, 0x89, "ping", 4);
	put_frame(s->fd, 0x80, t.data + 10, t.len - 10);
	text_free(&t);
	listen_until(s, UINT64_MAX, "mark", "in pieces");
	listen_to_the_end(s);
}

static void a_fragmented_message_is_understood(void **state)
{
	(void)state;
	CHECK_CALL(fragments_a_message, 0, "--seconds", "0.5", "--expect", "marks=1");
}

static void only_listens(struct seen *s)
{
	listen_to_the_end(s);
}

static void pieces_and_fragments_are_still_whole_messages(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "0.5", "--fault", "fragmented", "--expect", "pongs>=10");
	assert_true(bridge.seen.frames >= 12); /* of 25; a phone that is held up sends fewer */
	find("stop", NULL);
	CHECK_CALL(only_listens, 0, "--seconds", "0.5", "--fault", "split=7");
	assert_true(bridge.seen.frames >= 12);
	find("stop", NULL);
}

static void doubled_frames_come_twice(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "0.5", "--fault", "doubled");
	assert_true(bridge.seen.frames >= 48);
}

static void late_frames_come_all_the_same(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "1", "--fault", "late=300@200");
	assert_true(bridge.seen.frames >= 49);
}

static void withheld_frames_never_come(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "0.6", "--fault", "withhold@200");
	assert_in_range(bridge.seen.frames, 9, 11);
}

static void keys_are_pressed_one_by_one(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--dtmf", "4#", "--seconds", "0.8");
	assert_true(find("dtmf", "#")->frames - find("dtmf", "4")->frames >= 12);
}

static void a_refused_upgrade_is_told(void **state)
{
	(void)state;
	open_bridge(only_listens);
	bridge.refuse_upgrade = 1;
	assert_int_equal(CALL("--seconds", "1", "--expect", "upgrade=403", "--expect", "refusal=no"), 0);
	CHECK_CALL(only_listens, 0, "--seconds", "1", "--fault", "wrong-token", "--expect", "upgrade=403");
	open_bridge(only_listens);
	bridge.refuse_upgrade = 1;
	assert_int_equal(CALL("--seconds", "1"), 1);
}

static void a_wrong_signature_is_wrong(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "0.3", "--fault", "bad-signature", "--no-status");
	assert_int_equal(bridge.bad_signatures, 1);
	CHECK_CALL(only_listens, 0, "--seconds", "0.3", "--fault", "upgrade-no-signature", "--no-status");
	assert_int_equal(bridge.bad_signatures, 1);
}

static void drops_the_line(struct seen *s)
{
	listen_until(s, 10, NULL, NULL);
}

static void a_socket_without_a_close_frame_is_a_lost_stream(void **state)
{
	(void)state;
	CHECK_CALL(drops_the_line, 0, "--seconds", "5", "--expect", "end=lost");
}

static void stamped_frames_carry_their_number(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 0, "--seconds", "0.3", "--stamps");
	assert_memory_equal(bridge.seen.first_audio, "TKL1C", 5);
}

static void put_unit(struct seen *s, uint16_t turn, uint32_t seq, uint8_t flags)
{
	struct stamp st = { .kind = STAMP_ANSWER, .flags = flags, .turn = turn, .seq = seq, .sent_ns = 1 };
	uint8_t unit[STAMP_UNIT];
	char payload[220];

	memset(unit, 0x10, sizeof unit);
	stamp_put(unit, &st);
	/* In two messages: stamps are looked for in the stream of bytes. */
	payload[base64_put(payload, unit, 33)] = 0;
	say(s, "media", payload);
	payload[base64_put(payload, unit + 33, sizeof unit - 33)] = 0;
	say(s, "media", payload);
}

static void answers_with_stamps(struct seen *s)
{
	static const uint32_t order[] = { 0, 1, 3, 2, 2, 5 };

	listen_until(s, 5, NULL, NULL);
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
		put_unit(s, 1, order[i], order[i] == 0 ? STAMP_FIRST : 0);
	say(s, "clear", NULL);
	put_unit(s, 1, 6, 0);
	put_unit(s, 2, 0, STAMP_FIRST);
	put_unit(s, 2, 1, STAMP_LAST);
	listen_to_the_end(s);
}

static void units_of_answers_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		int is;
	} counts[] = { { "units_received", 9 }, { "units_lost", 1 }, { "units_reordered", 1 }, { "units_doubled", 1 },
		{ "units_stale", 1 }, { "answers_begun", 2 }, { "answers_ended", 1 }, { "clears", 1 } };
	cJSON *j;

	(void)state;
	open_bridge(answers_with_stamps);
	assert_int_equal(
	    CALL("--seconds", "0.6", "--stamps", "--expect", "stale=1", "--expect", "lost=1", "--expect", "warnings=1"),
	    0);
	j = read_report();
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		assert_int_equal(
		    cJSON_GetObjectItem(cJSON_GetObjectItem(j, "load"), counts[i].name)->valueint, counts[i].is);
	cJSON_Delete(j);
}

static void a_wrong_option_is_refused(void **state)
{
	(void)state;
	CHECK_CALL(only_listens, 2, "--expect", "happiness>=3");
	CHECK_CALL(only_listens, 2, "--fault", "no-such-fault");
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(marks_come_back_only_after_play_out),
	cmocka_unit_test(a_late_phone_returns_marks_late),
	cmocka_unit_test(a_phone_can_keep_marks_to_itself),
	cmocka_unit_test(a_clear_returns_every_mark_and_silences_the_line),
	cmocka_unit_test(a_mark_in_silence_comes_back_unasked_for_audio),
	cmocka_unit_test(after_the_servers_close_the_action_decides),
	cmocka_unit_test(an_unmet_expectation_is_a_failure),
	cmocka_unit_test(a_number_to_dial_is_dialled),
	cmocka_unit_test(the_action_may_open_another_stream),
	cmocka_unit_test(what_is_gathered_goes_to_the_action),
	cmocka_unit_test(what_twilio_would_warn_of_is_counted),
	cmocka_unit_test(a_masked_frame_ends_the_stream),
	cmocka_unit_test(a_fragmented_message_is_understood),
	cmocka_unit_test(pieces_and_fragments_are_still_whole_messages),
	cmocka_unit_test(doubled_frames_come_twice),
	cmocka_unit_test(late_frames_come_all_the_same),
	cmocka_unit_test(withheld_frames_never_come),
	cmocka_unit_test(keys_are_pressed_one_by_one),
	cmocka_unit_test(a_refused_upgrade_is_told),
	cmocka_unit_test(a_wrong_signature_is_wrong),
	cmocka_unit_test(a_socket_without_a_close_frame_is_a_lost_stream),
	cmocka_unit_test(stamped_frames_carry_their_number),
	cmocka_unit_test(units_of_answers_are_told_apart),
	cmocka_unit_test(a_wrong_option_is_refused),
	GROUP(NULL, remove_files),
};
