/* The caller loop on a thread of its own, over the silent channel: the test is
 * the phone at one end, and the agent loop at the other. */
#include "common/memory.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/ws_frame.h"
#include "server/caller/caller_loop.h"
#include "server/caller/caller_stream.h"
#include "server/line/call.h"
#include "server/line/calls_carry.h"
#include "server/line/keys/call_keys.h"
#include "server/line/calls.h"
#include "server/line/calls_admit.h"
#include "server/stats/stats.h"
#include "tests/peers/silent_channel.h"
#include "tests/unit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GUARD_MS = 20 * 1000 }; /* against hanging; nothing is measured by it */

static struct config cfg;
static struct call *line;
static int sockets[2]; /* the loop's, the phone's */
static struct ws_reader *reader;
static pthread_t loop;
static bool name_is_free = true;
static char named[64];

/* ------------------------------------------------------- the table, stood in for */

void call_end(struct call *c, enum call_end why)
{
	int none = CALL_NOT_ENDED;

	atomic_compare_exchange_strong(&c->end, &none, (int)why);
	bell_ring(&c->caller_bell);
}

void call_mind_memory(struct call *c)
{
	if (memory_missed())
		call_end(c, END_INTERNAL_ERROR);
}

static bool parks;
static void *kept;

void call_lose(struct call *c, enum call_end why)
{
	if (parks)
		atomic_store(&c->lost, (int)why);
	else
		call_end(c, why);
}

static bool pressing;

bool call_is_pressing(struct call *c)
{
	(void)c;
	return pressing;
}

void call_stopped(struct call *c)
{
	if (pressing)
		call_lose(c, END_STREAM_LOST);
	else
		call_end(c, END_CALLER_HUNG_UP);
}

bool call_park(struct call *c, void *what)
{
	if (call_ended(c))
		return false;
	kept = what;
	return true;
}

void *call_unpark(struct call *c)
{
	void *what = kept;

	(void)c;
	kept = NULL;
	return what;
}

void call_name_stream(struct call *c, const struct phone_stream *stream)
{
	c->stream = *stream;
}

struct recorder *calls_recorder(const struct calls *calls)
{
	(void)calls;
	return NULL;
}

const char *call_name(struct call *c, const struct call_facts *facts)
{
	(void)c;
	snprintf(named, sizeof named, "%s %s %s", facts->call_sid, facts->from, facts->to);
	return name_is_free ? NULL : "that call is here already";
}

/* ------------------------------------------------------------------- both ends */

static ssize_t read_phone(void *arg, uint8_t *out, size_t size)
{
	ssize_t n = recv(sockets[1], out, size, 0);

	(void)arg;
	return n < 0 ? -errno : n;
}

static void *run(void *arg)
{
	(void)arg;
	caller_loop(line, sockets[0]);
	return NULL;
}

static int begin_over(const struct phone_channel *channel)
{
	struct timeval guard = { .tv_sec = GUARD_MS / 1000 };

	cfg = (struct config){ .playout_lead_ms = 400, .backlog_ms = 1000, .stream_silent_seconds = GUARD_MS / 1000 };
	memset(&stats, 0, sizeof stats);
	line = aligned_alloc(_Alignof(struct call), sizeof *line);
	memset(line, 0, sizeof *line);
	line->cfg = &cfg;
	line->channel = channel;
	line->announced = true;
	snprintf(line->call_sid, sizeof line->call_sid, "CA1");
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) || bell_open(&line->agent_bell) ||
	    bell_open(&line->caller_bell) || ring_open(&line->from_caller, FROM_CALLER_BYTES) ||
	    ring_open(&line->to_caller, TO_CALLER_BYTES) || model_writer_open(&line->writer) ||
	    ws_reader_open(&reader, false, 65536, read_phone, NULL))
		return -1;
	setsockopt(sockets[1], SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof guard);
	return 0;
}

static int run_loop(void)
{
	return pthread_create(&loop, NULL, run, NULL);
}

/* Over the channel that the table names, or one of sound. */
static int begin(void **state)
{
	return begin_over(*state ? *state : &silent_channel) || run_loop();
}

static int begin_impatient(void **state)
{
	if (begin_over(*state ? *state : &silent_channel))
		return -1;
	cfg.stream_silent_seconds = 1;
	return run_loop();
}

static int begin_unannounced(void **state)
{
	(void)state;
	if (begin_over(&silent_channel))
		return -1;
	line->announced = false;
	line->call_sid[0] = '\0';
	return run_loop();
}

static int begin_unannounced_twice(void **state)
{
	name_is_free = false;
	return begin_unannounced(state);
}

static int end(void **state)
{
	(void)state;
	call_end(line, END_DRAINED);
	close(sockets[1]); /* or it would wait for our Close */
	pthread_join(loop, NULL);
	name_is_free = true;
	parks = pressing = false;
	close(sockets[0]);
	ws_reader_close(reader);
	bell_close(&line->agent_bell);
	bell_close(&line->caller_bell);
	ring_close(&line->from_caller);
	ring_close(&line->to_caller);
	model_writer_close(&line->writer);
	free(line);
	return 0;
}

static void send_frame(enum ws_opcode opcode, const void *body, size_t len)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	struct buf out;

	buf_init(&out, 0);
	ws_put_frame(&out, opcode, body, len, mask);
	assert_int_equal(send(sockets[1], out.data, out.len, MSG_NOSIGNAL), out.len);
	buf_free(&out);
}

static void phone_says(const char *text)
{
	send_frame(WS_TEXT, text, strlen(text));
}

/* The next message to the phone, which must be of this kind; "" if it has no text. */
static const char *phone_gets(enum ws_opcode opcode)
{
	struct ws_message m;

	if (ws_reader_next(reader, &m) != 1)
		fail_msg("nothing came to the phone");
	assert_int_equal(m.opcode, opcode);
	return m.data;
}

static void expect_phone_gets(const char *const *texts)
{
	for (; *texts; texts++)
		assert_string_equal(phone_gets(WS_TEXT), *texts);
}

#define EXPECT_PHONE_GETS(...) expect_phone_gets((const char *const[]){ __VA_ARGS__, NULL })

/* The next message, past what does not begin like that. */
static const char *phone_gets_next(const char *beginning)
{
	const char *text;

	do
		text = phone_gets(WS_TEXT);
	while (strncmp(text, beginning, strlen(beginning)) != 0);
	return text;
}

/* The next message to the agent loop; its body is copied to `body`. */
static enum from_caller_type told(void *body, size_t size)
{
	struct pollfd bell = { .fd = line->agent_bell.fd, .events = POLLIN };
	enum from_caller_type type;
	struct ring_message r;

	while (!ring_next(&line->from_caller, &r)) {
		if (poll(&bell, 1, GUARD_MS) != 1)
			fail_msg("nothing was told");
		bell_clear(&line->agent_bell);
	}
	assert_true(r.len <= size);
	memcpy(body, r.body, r.len);
	type = (enum from_caller_type)r.type;
	ring_pop(&line->from_caller);
	return type;
}

static void expect_told(enum from_caller_type type)
{
	struct from_cut any;

	assert_int_equal(told(&any, sizeof any), type);
}

/* `ms` of an item, and its end. */
static void agent_says(uint32_t no, size_t ms)
{
	struct to_audio head = { .no = no };
	uint8_t audio[8000];

	memset(audio, (int)no, sizeof audio);
	assert_true(ring_put2(&line->to_caller, TO_AUDIO, &head, sizeof head, audio, ms * 8));
	assert_true(ring_put(&line->to_caller, TO_ITEM_END, &no, sizeof no));
	if (ring_wanted(&line->to_caller))
		bell_ring(&line->caller_bell);
}

static void start(void)
{
	phone_says("start MZ1 CA1");
	expect_told(FROM_STARTED);
}

/* Waits until the loop has left, which is what it tells last. */
static enum call_end ending(void)
{
	char any[20000];

	while (told(any, sizeof any) != FROM_LEFT)
		;
	return call_ended(line);
}

/* A start that will not do ends the call. */
static void expect_refused(const char *start_message)
{
	phone_says(start_message);
	assert_int_equal(ending(), END_STREAM_INVALID);
}

/* The caller hangs up in a call that went on until then; all has been counted. */
static void hang_up(void)
{
	phone_says("stop");
	assert_int_equal(ending(), END_CALLER_HUNG_UP);
}

static uint64_t invalid(void)
{
	return atomic_load(&line->counters.invalid_messages);
}

/* ----------------------------------------------------------------------- started */

static void a_start_of_the_announced_call_begins_it(void **state)
{
	(void)state;
	phone_says("hello");
	start();
	assert_int_not_equal(atomic_load(&line->started_us), 0);
	assert_string_equal(line->stream.id, "MZ1");
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
}

static void a_start_of_another_call_ends_it(void **state)
{
	(void)state;
	expect_refused("start MZ1 CA2");
	assert_int_equal(atomic_load(&line->started_us), 0);
}

static void a_start_that_the_channel_cannot_use_ends_it(void **state)
{
	(void)state;
	expect_refused("start MZ1 CA1 nobody");
}

static void a_start_nobody_announced_names_the_call(void **state)
{
	(void)state;
	phone_says("start MZ1 CA7 +12025550123 +12025550100");
	expect_told(FROM_STARTED);
	assert_string_equal(named, "CA7 +12025550123 +12025550100");
}

static void a_start_nobody_announced_of_a_call_that_is_here_ends_it(void **state)
{
	(void)state;
	expect_refused("start MZ1 CA7");
}

static void a_second_start_is_counted_and_changes_nothing(void **state)
{
	(void)state;
	start();
	phone_says("start MZ2 CA1");
	hang_up();
	assert_int_equal(invalid(), 1);
	assert_string_equal(line->stream.id, "MZ1");
}

static void before_its_start_a_stream_has_nothing_to_say(void **state)
{
	static const char *const early[] = { "key 1", "mark g0.1", "audio 0 \"AAAA\"", "interrupted", "text x" };

	(void)state;
	for (size_t i = 0; i < sizeof early / sizeof *early; i++)
		phone_says(early[i]);
	start(); /* which is the first that is told of */
	hang_up();
	assert_int_equal(invalid(), sizeof early / sizeof *early);
	assert_int_equal(atomic_load(&line->counters.frames_in), 0);
}

/* ------------------------------------------------------------- what the caller does */

static void keys_are_told_one_by_one_in_their_order(void **state)
{
	char key;

	(void)state;
	start();
	for (const char *k = "0123456789*#ABCD"; *k; k++) {
		char text[] = { 'k', 'e', 'y', ' ', *k, '\0' };

		phone_says(text);
		assert_int_equal(told(&key, 1), FROM_DIGIT);
		assert_int_equal(key, *k);
	}
}

static void a_flood_of_keys_leaves_room_for_what_cannot_be_dropped(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 2000; i++)
		phone_says("key 1");
	hang_up(); /* FROM_LEFT found its place */
	assert_true(atomic_load(&stats.twilio_digits_dropped) > 0);
}

static void audio_waits_for_a_model_that_is_not_there_yet(void **state)
{
	uint8_t silence[160] = { 0 };
	char text[300] = "audio 0 \"";
	size_t len = strlen(text);

	(void)state;
	start();
	len += base64_encode(text + len, silence, sizeof silence);
	strcpy(text + len, "\"");
	phone_says(text);
	phone_says("audio 20 \"@@@@\"");
	hang_up();
	assert_int_equal(atomic_load(&line->counters.frames_in), 1);
	assert_int_equal(invalid(), 1);
}

static void news_of_unknown_kind_is_counted(void **state)
{
	(void)state;
	start();
	phone_says("confetti");
	hang_up();
	assert_int_equal(atomic_load(&stats.twilio_unknown_messages), 1);
	assert_int_equal(invalid(), 0);
}

static void a_stop_is_the_caller_hanging_up(void **state)
{
	struct from_cut left;

	(void)state;
	start();
	agent_says(1, 900);
	phone_gets_next("mark MZ1");
	expect_told(FROM_FIRST_AUDIO);
	phone_says("stop");
	assert_int_equal(told(&left, sizeof left), FROM_LEFT);
	assert_int_equal(call_ended(line), END_CALLER_HUNG_UP);
	assert_int_equal(left.count, 1);
	assert_int_equal(left.items[0].no, 1);
}

static void a_stop_before_the_start_ends_the_stream_at_once(void **state)
{
	(void)state;
	phone_says("stop");
	expect_told(FROM_LEFT);
	assert_int_equal(call_ended(line), END_CALLER_HUNG_UP);
	assert_int_equal(invalid(), 0);
}

/* The far side's Close, of so many bytes, is answered by ours and nothing more. */
static void close_is(const char *said, size_t len, enum call_end end)
{
	start();
	send_frame(WS_CLOSE, said, len);
	assert_int_equal(ending(), end);
	assert_string_equal(phone_gets(WS_CLOSE), "");
}

#define CLOSE(name, said, end) \
	static void name(void **state) \
	{ \
		(void)state; \
		close_is(said, sizeof said - 1, end); \
	}

CLOSE(a_close_without_a_stop_is_a_stream_that_was_lost, "\x03\xe8", END_STREAM_LOST)

static void a_socket_that_breaks_off_is_a_stream_that_was_lost(void **state)
{
	(void)state;
	start();
	shutdown(sockets[1], SHUT_WR);
	assert_int_equal(ending(), END_STREAM_LOST);
}

static void frames_that_stop_coming_end_the_call(void **state)
{
	(void)state;
	start();
	assert_int_equal(ending(), END_STREAM_SILENT);
}

static void nonsense_in_plenty_ends_the_call(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 100; i++) {
		phone_says("key");
		send_frame(WS_BINARY, "x", 1);
	}
	assert_int_equal(ending(), END_STREAM_INVALID);
	assert_true(invalid() >= 200);
}

static void a_ping_is_answered(void **state)
{
	(void)state;
	send_frame(WS_PING, "there?", 6);
	assert_string_equal(phone_gets(WS_PONG), "there?");
}

/* --------------------------------------------------------------- what it is played */

static void a_mark_that_comes_back_confirms_what_was_heard(void **state)
{
	struct heard heard;

	(void)state;
	start();
	agent_says(1, 100);
	EXPECT_PHONE_GETS("audio MZ1 160 1", "mark MZ1 g0.1", "audio MZ1 640 1", "mark MZ1 g0.2");
	expect_told(FROM_FIRST_AUDIO);
	phone_says("mark g0.2");
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_int_equal(heard.heard_ms, 100);
	assert_true(heard.confirmed);
}

static void without_marks_the_clock_tells_what_was_heard(void **state)
{
	int64_t from = clock_now_us();
	struct heard heard;

	(void)state;
	start();
	agent_says(1, 100);
	EXPECT_PHONE_GETS("audio MZ1 160 1", "audio MZ1 640 1");
	expect_told(FROM_FIRST_AUDIO);
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_true(clock_now_us() - from >= 100 * US_PER_MS);
	assert_int_equal(heard.heard_ms, 100);
	assert_false(heard.confirmed);
	/* Nobody waited for a mark: none is missed. */
	assert_int_equal(atomic_load(&stats.turns_marks_unconfirmed), 0);
}

static void a_phone_that_stops_playing_tells_at_once_what_was_heard(void **state)
{
	struct from_cut cut;

	(void)state;
	start();
	agent_says(1, 1000);
	phone_gets_next("mark MZ1 g0.1");
	expect_told(FROM_FIRST_AUDIO);
	phone_says("mark g0.1");
	phone_says("interrupted hello");
	assert_int_equal(told(&cut, sizeof cut), FROM_INTERRUPTED);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.items[0].no, 1);
	assert_in_range(cut.items[0].heard_ms, 20, 999);
	/* The agent loop answers with a cut of its own; what comes behind it is played. */
	atomic_store(&line->stale_to, ring_written(&line->to_caller));
	atomic_fetch_add(&line->cuts_wanted, 1);
	bell_ring(&line->caller_bell);
	assert_int_equal(told(&cut, sizeof cut), FROM_CUT);
	agent_says(2, 20);
	phone_gets_next("audio MZ1 160 2");
	phone_gets_next("mark MZ1 g1.");
}

static void a_cut_clears_what_the_phone_holds(void **state)
{
	struct from_cut cut;

	(void)state;
	start();
	agent_says(1, 1000);
	phone_gets_next("mark MZ1");
	expect_told(FROM_FIRST_AUDIO);
	atomic_store(&line->stale_to, ring_written(&line->to_caller));
	atomic_fetch_add(&line->cuts_wanted, 1);
	bell_ring(&line->caller_bell);
	phone_gets_next("clear MZ1");
	assert_int_equal(told(&cut, sizeof cut), FROM_CUT);
	assert_int_equal(cut.cut, 1);
	assert_int_equal(cut.items[0].no, 1);
}

/* ---------------------------------------------------------------- in words */

static void expect_turn(bool last, const char *words)
{
	char body[20000];

	memset(body, 0, sizeof body);
	assert_int_equal(told(body, sizeof body), FROM_TEXT);
	assert_int_equal(*(bool *)body, last);
	assert_string_equal(body + sizeof(bool), words);
}

static void what_the_caller_says_is_told_in_words(void **state)
{
	bool speaks;

	(void)state;
	start();
	phone_says("voice on");
	assert_int_equal(told(&speaks, sizeof speaks), FROM_VOICE);
	assert_true(speaks);
	phone_says("part good");
	expect_turn(false, "good");
	phone_says("text good \\ud83d morning, \xd7\xa9");
	expect_turn(true, "good \xef\xbf\xbd morning, \xd7\xa9");
	phone_says("voice off");
	assert_int_equal(told(&speaks, sizeof speaks), FROM_VOICE);
	assert_false(speaks);
	hang_up();
	assert_int_equal(stat_get(relay_words_cut), 0);
}

static void the_language_of_a_turn_is_told_before_its_words(void **state)
{
	char tag[PHONE_LANGUAGE_SIZE] = "";

	(void)state;
	start();
	phone_says("spanish no");
	assert_int_equal(told(tag, sizeof tag), FROM_LANGUAGE);
	assert_string_equal(tag, "es-ES");
	expect_turn(true, "no");
	phone_says("text no");
	expect_turn(true, "no");
	hang_up();
}

static void a_turn_that_is_too_long_is_cut_at_a_character_and_counted(void **state)
{
	char *said = malloc(60000), body[20000];
	struct from_cut left;
	size_t len = 5;
	struct ring_message r;

	(void)state;
	start();
	strcpy(said, "text ");
	for (int i = 0; i < 10000; i++, len += 3)
		memcpy(said + len, "\xe4\xbd\xa0", 4);
	phone_says(said);
	phone_says("stop");
	memset(body, 0, sizeof body);
	assert_int_equal(told(body, sizeof body), FROM_TEXT);
	len = strlen(body + 1);
	assert_true(len > 15000 && len % 3 == 0 && !memcmp(body + 1, said + 5, len));
	assert_int_equal(told(&left, sizeof left), FROM_LEFT);
	assert_false(ring_next(&line->from_caller, &r));
	assert_int_equal(stat_get(relay_words_cut), 1);
	free(said);
}

static void a_flood_of_words_leaves_room_for_what_cannot_be_dropped(void **state)
{
	char said[6000] = "text ";

	(void)state;
	start();
	memset(said + 5, 'a', sizeof said - 6);
	for (int i = 0; i < 200; i++) {
		memcpy(said, i % 2 ? "part" : "text", 4);
		phone_says(said);
		phone_says("voice on");
	}
	hang_up(); /* FROM_LEFT found its place */
	assert_in_range(stat_get(relay_words_cut), 1, 100);
}

static void complaints_are_counted_and_end_no_call(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 300; i++)
		phone_says("complaint code: 64107, message: {\"token\":\"secret\"}");
	hang_up();
	assert_int_equal(stat_get(relay_complaints), 300);
	assert_int_equal(invalid(), 0);
}

static void caller_interrupts(const char *text)
{
	struct from_cut cut;

	phone_says(text);
	assert_int_equal(told(&cut, sizeof cut), FROM_INTERRUPTED);
	assert_int_equal(cut.count, 1);
	assert_int_equal(cut.items[0].heard_ms, 7 * SPOKEN_MS_PER_BYTE);
	assert_true(cut.items[0].confirmed);
}

static void agent_says_text(uint32_t no, const char *text)
{
	struct to_audio head = { .no = no };

	assert_true(ring_put2(&line->to_caller, TO_AUDIO, &head, sizeof head, text, strlen(text)));
	if (ring_wanted(&line->to_caller))
		bell_ring(&line->caller_bell);
}

static void an_answer_in_words_is_cut_where_the_caller_interrupts(void **state)
{
	struct from_cut cut;

	(void)state;
	start();
	agent_says_text(1, "We open at nine.");
	EXPECT_PHONE_GETS("text MZ1 We open at nine.");
	expect_told(FROM_FIRST_AUDIO);
	caller_interrupts("interrupted we open");
	agent_says_text(1, " And at ten.");
	for (int i = 0; i < 1000; i++)
		phone_says("interrupted we open");
	phone_says("voice on");
	expect_told(FROM_VOICE); /* all of them were read, and none was told again */
	atomic_store(&line->stale_to, ring_written(&line->to_caller));
	atomic_fetch_add(&line->cuts_wanted, 1);
	bell_ring(&line->caller_bell);
	assert_int_equal(told(&cut, sizeof cut), FROM_CUT);
	agent_says_text(2, "Sorry?");
	EXPECT_PHONE_GETS("text MZ1 Sorry?");
}

static void words_that_were_played_are_told_as_heard(void **state)
{
	struct heard heard;
	uint32_t no = 1;

	(void)state;
	start();
	agent_says_text(1, "We open at nine.");
	assert_true(ring_put(&line->to_caller, TO_ITEM_END, &no, sizeof no));
	bell_ring(&line->caller_bell);
	expect_told(FROM_FIRST_AUDIO);
	phone_gets_next("text MZ1 .");
	phone_says("played We open at nine");
	assert_int_equal(told(&heard, sizeof heard), FROM_HEARD);
	assert_true(heard.confirmed);
}

CLOSE(a_normal_close_is_the_caller_hanging_up, "\x03\xe8", END_CALLER_HUNG_UP)

CLOSE(another_close_is_a_stream_that_was_lost, "\x03\xefToo many", END_STREAM_LOST)

static void the_end_is_said_and_the_phone_closes_first(void **state)
{
	(void)state;
	start();
	call_end(line, END_AGENT_ENDED);
	EXPECT_PHONE_GETS("end MZ1 {\"reason\":\"agent_ended\",\"handle\":\"MZ1\"}");
	send_frame(WS_CLOSE, "\x03\xe8", 2);
	assert_string_equal(phone_gets(WS_CLOSE), "");
	assert_int_equal(ending(), END_AGENT_ENDED);
}

static void a_phone_that_does_not_close_is_left_all_the_same(void **state)
{
	(void)state;
	start();
	call_end(line, END_IDLE);
	phone_gets_next("end MZ1");
	assert_string_equal(phone_gets(WS_CLOSE), "");
	assert_int_equal(ending(), END_IDLE);
}

static void a_stream_that_never_started_has_no_end_to_say(void **state)
{
	(void)state;
	call_end(line, END_IDLE);
	assert_string_equal(phone_gets(WS_CLOSE), "");
}

/* Longer than a stream of audio may be silent. */
static void a_caller_in_words_may_be_silent(void **state)
{
	struct timespec rest = { .tv_sec = 1, .tv_nsec = 500 * 1000 * 1000 };

	(void)state;
	start();
	nanosleep(&rest, NULL);
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
	hang_up();
}

static void a_stream_that_never_starts_may_not(void **state)
{
	(void)state;
	assert_int_equal(ending(), END_STREAM_SILENT);
}

/* ------------------------------------------------------------------------ parked */

/* A second of an answer is with the phone when its socket breaks off. */
static void lose_stream(void)
{
	struct from_cut parked;

	parks = true;
	start();
	agent_says(1, 1000);
	expect_told(FROM_FIRST_AUDIO);
	close(sockets[1]);
	assert_int_equal(told(&parked, sizeof parked), FROM_PARKED);
	assert_int_equal(parked.count, 1);
	assert_int_equal(parked.items[0].no, 1);
	assert_true(parked.items[0].heard_ms < 1000);
	pthread_join(loop, NULL);
	close(sockets[0]);
	assert_int_equal(call_lost(line), END_STREAM_LOST);
	assert_int_equal(call_ended(line), CALL_NOT_ENDED);
	assert_non_null(kept);
}

static void stream_comes_back(void)
{
	ws_reader_close(reader);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(ws_reader_open(&reader, false, 65536, read_phone, NULL), 0);
	atomic_store(&line->lost, CALL_NOT_ENDED);
	assert_int_equal(run_loop(), 0);
}

static void a_stream_that_was_lost_is_followed_by_another(void **state)
{
	int64_t started;
	struct from_cut cut;

	(void)state;
	lose_stream();
	started = atomic_load(&line->started_us);
	stream_comes_back();
	phone_says("start MZ2 CA1");
	expect_told(FROM_BACK);
	assert_string_equal(line->stream.id, "MZ2");
	assert_int_equal(atomic_load(&line->started_us), started);
	/* What was queued is not played: the agent loop cuts it, and says something else. */
	send_frame(WS_PING, "", 0);
	phone_gets(WS_PONG);
	atomic_store(&line->stale_to, ring_written(&line->to_caller));
	atomic_fetch_add(&line->cuts_wanted, 1);
	bell_ring(&line->caller_bell);
	assert_int_equal(told(&cut, sizeof cut), FROM_CUT);
	assert_int_equal(cut.count, 0);
	agent_says(2, 20);
	expect_told(FROM_FIRST_AUDIO);
	assert_string_equal(phone_gets(WS_TEXT), "audio MZ2 160 2");
	hang_up();
	assert_null(kept);
}

/* It is no hang-up: the phone comes back behind the keys that it plays. */
static void a_stream_that_makes_room_for_keys_is_followed_by_another(void **state)
{
	struct from_cut parked;

	(void)state;
	parks = pressing = true;
	start();
	agent_says(1, 1000);
	expect_told(FROM_FIRST_AUDIO);
	phone_says("stop");
	assert_int_equal(told(&parked, sizeof parked), FROM_PARKED);
	assert_int_equal(parked.count, 1);
	pthread_join(loop, NULL);
	close(sockets[1]);
	close(sockets[0]);
	pressing = false;
	stream_comes_back();
	phone_says("start MZ2 CA1");
	expect_told(FROM_BACK);
	hang_up();
}

static void a_start_of_another_call_does_not_follow(void **state)
{
	(void)state;
	lose_stream();
	stream_comes_back();
	parks = false; /* there is no third */
	expect_refused("start MZ2 CA2");
	assert_string_equal(line->stream.id, "MZ1");
}

static void a_call_that_ends_while_it_is_parked_is_left_for_its_loop(void **state)
{
	struct from_cut left;

	(void)state;
	lose_stream();
	call_end(line, END_STREAM_LOST);
	caller_leave(line);
	assert_int_equal(told(&left, sizeof left), FROM_LEFT);
	assert_int_equal(left.count, 0);
	assert_null(kept);
	caller_leave(line);  /* nothing is left */
	stream_comes_back(); /* for the teardown */
}

static void a_call_that_is_over_is_not_parked(void **state)
{
	(void)state;
	parks = true;
	start();
	hang_up();
	assert_null(kept);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define TEST_BEGUN(name, how) cmocka_unit_test_setup_teardown(name, how, end)
#define TEST_OVER(name, how, channel) cmocka_unit_test_prestate_setup_teardown(name, how, end, (void *)&channel)

const struct CMUnitTest unit_tests[] = {
	TEST(a_start_of_the_announced_call_begins_it),
	TEST(a_start_of_another_call_ends_it),
	TEST(a_start_that_the_channel_cannot_use_ends_it),
	TEST_BEGUN(a_start_nobody_announced_names_the_call, begin_unannounced),
	TEST_BEGUN(a_start_nobody_announced_of_a_call_that_is_here_ends_it, begin_unannounced_twice),
	TEST(a_second_start_is_counted_and_changes_nothing),
	TEST(before_its_start_a_stream_has_nothing_to_say),
	TEST(keys_are_told_one_by_one_in_their_order),
	TEST(a_flood_of_keys_leaves_room_for_what_cannot_be_dropped),
	TEST(audio_waits_for_a_model_that_is_not_there_yet),
	TEST(news_of_unknown_kind_is_counted),
	TEST(a_stop_is_the_caller_hanging_up),
	TEST(a_stop_before_the_start_ends_the_stream_at_once),
	TEST(a_close_without_a_stop_is_a_stream_that_was_lost),
	TEST(a_socket_that_breaks_off_is_a_stream_that_was_lost),
	TEST_BEGUN(frames_that_stop_coming_end_the_call, begin_impatient),
	TEST(nonsense_in_plenty_ends_the_call),
	TEST(a_ping_is_answered),
	TEST(a_mark_that_comes_back_confirms_what_was_heard),
	TEST_OVER(without_marks_the_clock_tells_what_was_heard, begin, silent_channel_without_marks),
	TEST(a_phone_that_stops_playing_tells_at_once_what_was_heard),
	TEST(a_cut_clears_what_the_phone_holds),
	TEST(a_stream_that_was_lost_is_followed_by_another),
	TEST(a_stream_that_makes_room_for_keys_is_followed_by_another),
	TEST(a_start_of_another_call_does_not_follow),
	TEST(a_call_that_ends_while_it_is_parked_is_left_for_its_loop),
	TEST(a_call_that_is_over_is_not_parked),
#define TEST_OF_TEXT(name) TEST_OVER(name, begin, silent_channel_of_text)
	TEST_OF_TEXT(what_the_caller_says_is_told_in_words),
	TEST_OF_TEXT(the_language_of_a_turn_is_told_before_its_words),
	TEST_OF_TEXT(a_turn_that_is_too_long_is_cut_at_a_character_and_counted),
	TEST_OF_TEXT(a_flood_of_words_leaves_room_for_what_cannot_be_dropped),
	TEST_OF_TEXT(complaints_are_counted_and_end_no_call),
	TEST_OF_TEXT(an_answer_in_words_is_cut_where_the_caller_interrupts),
	TEST_OF_TEXT(words_that_were_played_are_told_as_heard),
	TEST_OF_TEXT(a_normal_close_is_the_caller_hanging_up),
	TEST_OF_TEXT(another_close_is_a_stream_that_was_lost),
	TEST_OF_TEXT(the_end_is_said_and_the_phone_closes_first),
	TEST_OF_TEXT(a_phone_that_does_not_close_is_left_all_the_same),
	TEST_OF_TEXT(a_stream_that_never_started_has_no_end_to_say),
	TEST_OVER(a_caller_in_words_may_be_silent, begin_impatient, silent_channel_of_text),
	TEST_OVER(a_stream_that_never_starts_may_not, begin_impatient, silent_channel_of_text),
	{ 0 },
};
