/* The stand-in's parts that know neither sockets nor time. */
#include "tools/kit/file.h"
#include "tools/kit/http.h"
#include "tools/stamps.h"
#include "tools/standin_model/faults.h"
#include "tools/standin_model/script.h"
#include "tools/standin_model/upgrade.h"
#include "tools/standin_model/vad.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "tests/peers/fixture.h"
#include "tests/unit.h"

ONE_THREAD;

/* Turns. */

enum { RATE = 8000, TURNS = 8 };

struct heard {
	int started[TURNS], stopped[TURNS];
	int starts, stops;
};

static const struct vad_settings usual = { .threshold = 0.5, .prefix_padding_ms = 300, .silence_ms = 500 };

static void feed(struct vad *v, struct heard *h, int ms, double loudness, size_t chunk)
{
	size_t count = (size_t)ms * RATE / 1000;
	int16_t samples[RATE];

	for (size_t done = 0; done < count;) {
		size_t n = count - done < chunk ? count - done : chunk, used = 0;

		for (size_t i = 0; i < n; i++)
			samples[i] = (int16_t)(loudness * sin((double)(done + i) * 0.3));
		while (used < n) {
			enum vad_event event;
			int at = 0;

			used += vad_listen(v, &usual, samples + used, n - used, &event, &at);
			if (event == VAD_STARTED)
				h->started[h->starts++] = at;
			else if (event == VAD_STOPPED)
				h->stopped[h->stops++] = at;
		}
		done += n;
	}
}

struct stretch {
	int ms;
	double loudness;
};

/* What is heard in such stretches, one after the other, the last of 0 ms. */
static struct heard hear(const struct stretch *s, size_t chunk)
{
	struct heard h = { 0 };
	struct vad v;

	vad_init(&v, RATE);
	for (; s->ms; s++)
		feed(&v, &h, s->ms, s->loudness, chunk);
	return h;
}

#define HEAR(...) hear((const struct stretch[]){ __VA_ARGS__, { 0, 0 } }, 160)

static void silence_makes_no_turn(void **state)
{
	struct heard h = HEAR({ 60000, 0 }, { 10000, 300 }); /* then a noisy line */

	(void)state;
	assert_int_equal(h.starts + h.stops, 0);
}

static void a_turn_is_where_the_speech_is(void **state)
{
	struct heard h = HEAR({ 1000, 0 }, { 2000, 8000 }, { 2000, 0 });

	(void)state;
	assert_int_equal(h.starts, 1);
	assert_int_equal(h.stops, 1);
	assert_int_equal(h.started[0], 700);
	assert_int_equal(h.stopped[0], 3500);
}

static void a_moved_pause_moves_the_turn(void **state)
{
	(void)state;
	for (int pause_at = 1000; pause_at <= 4000; pause_at += 500) {
		struct heard h = HEAR({ pause_at, 8000 }, { 700, 0 }, { 5000 - pause_at, 8000 }, { 700, 0 });

		assert_int_equal(h.stops, 2);
		assert_int_equal(h.stopped[0], pause_at + 500);
		assert_int_equal(h.started[1], pause_at + 500); /* the prefix does not reach into the turn before */
		assert_int_equal(h.stopped[1], 5000 + 700 + 500);
	}
}

static void a_short_pause_or_a_click_changes_nothing(void **state)
{
	struct heard click = HEAR({ 1000, 0 }, { 40, 8000 }, { 1000, 0 });
	struct heard h = HEAR({ 1000, 0 }, { 40, 8000 }, { 1000, 0 }, { 1000, 8000 }, { 480, 0 }, { 1000, 8000 });

	(void)state;
	assert_int_equal(click.starts, 0);
	assert_int_equal(h.starts, 1);
	assert_int_equal(h.stops, 0);
}

static void how_audio_is_cut_into_pieces_changes_nothing(void **state)
{
	static const size_t chunks[] = { 1, 7, 159, 160, 161, 4000 };
	static const struct stretch all[] = { { 800, 0 }, { 600, 8000 }, { 800, 0 }, { 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
		struct heard h = hear(all, chunks[i]);

		assert_int_equal(h.started[0], 500);
		assert_int_equal(h.stopped[0], 1900);
	}
}

/* The upgrade. */

#define ASK(target, more) \
	"GET " target " HTTP/1.1\r\nHost: model.test\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" more "\r\n"
#define BEARER "Authorization: Bearer right\r\n"

static void upgrades_are_judged(void **state)
{
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{ ASK("/v1/realtime?model=m", BEARER), 101 },
		{ ASK("/openai/v1/realtime?model=m", "api-key: right\r\n"), 101 },
		{ ASK("/v1/realtime?deployment=m", BEARER), 101 },
		{ ASK("/v1/realtime?model=m", ""), 401 },
		{ ASK("/v1/realtime?model=m", "Authorization: Bearer wrong\r\n"), 401 },
		{ ASK("/v1/realtime?model=m", "Authorization: Basic right\r\n"), 401 },
		{ ASK("/v1/realtime?model=m", BEARER "api-key: right\r\n"), 401 },
		{ ASK("/v1/realtime?model=m", BEARER "OpenAI-Beta: realtime=v1\r\n"), 400 },
		{ ASK("/v1/realtime?model=m&model=n", BEARER), 400 },
		{ ASK("/v1/realtime?model=m&deployment=m", BEARER), 400 },
		{ ASK("/v1/realtime?model=", BEARER), 400 },
		{ ASK("/v1/realtime", BEARER), 400 },
		{ ASK("/v1/realtime/?model=m", BEARER), 404 },
		{ ASK("/v2/realtime?model=m", BEARER), 404 },
		{ "GET /v1/realtime?model=m HTTP/1.1\r\nHost: a\r\n" BEARER "\r\n", 400 },
		{ "POST /v1/realtime?model=m HTTP/1.1\r\nHost: a\r\n" BEARER "\r\n", 400 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct upgrade u;

		upgrade_judge(&u, cases[i].request, strlen(cases[i].request), "right");
		if (u.status != cases[i].status)
			fail_msg("case %zu: %d %s", i, u.status, u.reason);
		if (u.status == 101) /* the example of RFC 6455 §1.3 */
			assert_string_equal(u.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	}
}

/* Stamps. */

static void stamps_are_found_however_the_stream_is_cut(void **state)
{
	enum { UNITS = 5 };
	uint8_t stream[UNITS * STAMP_UNIT];

	(void)state;
	memset(stream, 'T', sizeof stream); /* the magic's first letter everywhere */
	for (uint32_t i = 0; i < UNITS; i++)
		stamp_put(
		    stream + i * STAMP_UNIT, &(struct stamp){ .kind = STAMP_CALLER, .seq = i, .sent_ns = 1ULL << 60 });
	for (size_t chunk = 1; chunk <= sizeof stream; chunk++) {
		struct text rest = { 0 };
		uint32_t seen = 0;

		for (size_t at = 0; at < sizeof stream; at += chunk) {
			size_t from = 0;
			struct stamp s;

			text_add(&rest, stream + at, chunk < sizeof stream - at ? chunk : sizeof stream - at);
			while (stamp_find((uint8_t *)rest.data, rest.len, &from, &s)) {
				assert_int_equal(s.seq, seen++);
				assert_true(s.sent_ns == 1ULL << 60);
			}
			text_drop(&rest, from);
		}
		assert_int_equal(seen, UNITS);
		text_free(&rest);
	}
}

/* What is to be said. */

/* The bridge's side of this is in tests/unit/model/. */
static void what_the_bridge_wants_said_is_known_by_its_wording(void **state)
{
	char instructions[400];

	(void)state;
	snprintf(instructions, sizeof instructions, "Be brief.\n\n%sGood bye.\nCome again.", words_to_say("say"));
	assert_string_equal(script_words_to_say(instructions), "Good bye.\nCome again.");
	snprintf(instructions, sizeof instructions, "Be brief.\n\n%sHello.", words_to_say("greeting"));
	assert_non_null(strstr(instructions, words_to_say("say")));
	assert_null(script_words_to_say(instructions));
	assert_null(script_words_to_say("Say exactly what you think."));
}

/* Faults. */

static void faults_are_ordered_for_some_connections(void **state)
{
	struct faults f;

	(void)state;
	assert_non_null(faults_order("nonsense"));
	assert_non_null(faults_order("drop=rst:nowhere"));
	assert_null(faults_order("refuse=429@-3"));
	assert_null(faults_order("drop=rst:7s@5"));
	assert_null(faults_order("fail=quota:2@4-"));
	assert_null(faults_order("garbage=deep:answer"));
	assert_non_null(faults_order("drop=rst:answerx"));
	assert_null(faults_order("error=quota:answer2@/4"));
	faults_for(&f, 3);
	assert_true(f.f[FAULT_REFUSE].on && f.f[FAULT_REFUSE].number == 429);
	assert_false(f.f[FAULT_DROP].on);
	faults_for(&f, 5);
	assert_false(f.f[FAULT_REFUSE].on);
	assert_true(f.f[FAULT_DROP].on && f.f[FAULT_DROP].at == AT_SECONDS && f.f[FAULT_DROP].at_seconds == 7);
	assert_true(f.f[FAULT_FAIL].on && f.f[FAULT_FAIL].times == 2);
	assert_string_equal(f.f[FAULT_FAIL].what, "quota");
	assert_false(fault_due(&f, FAULT_GARBAGE, AT_CREATED));
	assert_true(fault_due(&f, FAULT_GARBAGE, AT_ANSWER));
	assert_false(fault_due(&f, FAULT_GARBAGE, AT_ANSWER));
	assert_true(fault_again(&f, FAULT_FAIL));
	assert_true(fault_again(&f, FAULT_FAIL));
	assert_false(fault_again(&f, FAULT_FAIL));
	assert_false(f.f[FAULT_ERROR].on);
	faults_count_from(10);
	faults_for(&f, 18);
	assert_false(fault_due(&f, FAULT_ERROR, AT_ANSWER));
	assert_false(fault_due(&f, FAULT_ERROR, AT_DONE));
	assert_true(fault_due(&f, FAULT_ERROR, AT_ANSWER));
	assert_false(fault_due(&f, FAULT_ERROR, AT_ANSWER));
	faults_count_from(0);
}

/* The script of a call in chirps. */
static void what_was_heard_says_which_turn_it_was(void **state)
{
	char path[] = "build/tmp/script-XXXXXX";
	int fd = mkstemp(path);
	struct text file = { 0 };
	struct script script;
	const char *rest;

	(void)state;
	close(fd);
	text_puts(&file,
	    "{\"greeting\":{\"say\":\"bababa babade\"},\"turns\":[{\"hear\":\"fibaba fibade fibafi\",\"say\":"
	    "\"gobaba gobade gobafi\"},{\"hear\":\"fideba fidede\",\"say\":\"\",\"calls\":[{\"name\":\"look\"}],"
	    "\"then\":{\"say\":\"godeba godede\"}}]}");
	assert_int_equal(file_write(path, &file), 0);
	text_free(&file);
	script_load(&script, path, NULL, false);
	unlink(path);
	assert_true(script_in_chirps(&script));
	assert_int_equal(script_find_turn(&script, "fideba fidede"), 1);
	assert_int_equal(script_find_turn(&script, "fidede"), 1);
	assert_int_equal(script_find_turn(&script, "fidede fibafi fibade"), 0);
	assert_int_equal(script_find_turn(&script, "nibaba"), -1);
	assert_int_equal(script_find_turn(&script, "what was that"), -1);
	assert_ptr_equal(script_then(&script, "look"), script.turns[1].then);
	assert_null(script_then(&script, "end_call"));
	assert_non_null(script_rest(&script, "gobaba", &rest));
	assert_string_equal(rest, "gobade gobafi");
	assert_non_null(script_rest(&script, "gobaba gob", &rest));
	assert_string_equal(rest, "gobade gobafi");
	assert_ptr_equal(script_rest(&script, "godeba", &rest), script.turns[1].then);
	assert_string_equal(rest, "godede");
	assert_non_null(script_rest(&script, "bababa", &rest));
	assert_string_equal(rest, "babade");
	assert_null(script_rest(&script, "gobaba gobade gobafi", &rest));
	assert_null(script_rest(&script, "gobade", &rest));
	assert_null(script_rest(&script, "", &rest));
	script_free(&script);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(silence_makes_no_turn),
	cmocka_unit_test(a_turn_is_where_the_speech_is),
	cmocka_unit_test(a_moved_pause_moves_the_turn),
	cmocka_unit_test(a_short_pause_or_a_click_changes_nothing),
	cmocka_unit_test(how_audio_is_cut_into_pieces_changes_nothing),
	cmocka_unit_test(upgrades_are_judged),
	cmocka_unit_test(stamps_are_found_however_the_stream_is_cut),
	cmocka_unit_test(what_the_bridge_wants_said_is_known_by_its_wording),
	cmocka_unit_test(faults_are_ordered_for_some_connections),
	cmocka_unit_test(what_was_heard_says_which_turn_it_was),
	{ 0 },
};
