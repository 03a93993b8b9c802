/* What the stand-ins share: a kit that is wrong would make all of them wrong. */
#include "tools/kit/base64.h"
#include "tools/kit/chirp.h"
#include "tools/kit/command_line.h"
#include "tools/kit/form.h"
#include "tools/kit/g711.h"
#include "tools/kit/hist.h"
#include "tools/kit/http.h"
#include "tools/kit/sound.h"
#include "tools/kit/text.h"
#include "tools/kit/utf8.h"
#include "tools/kit/ws.h"
#include "tests/unit.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

/* --- text --- */

static void base64_is_strict(void **state)
{
	static const char *const bad[] = { "A", "AA", "AAA", "A===", "====", "AA=A", "AAB=", "AB==", "AA A", "AAA\n",
		"AAAA=", "AA==AAAA", "AAA-",
		"\xff"
		"AAA" };
	uint8_t bytes[300], back[300];
	char text[500];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(base64_get(back, bad[i], strlen(bad[i])), -1);
	for (size_t n = 0; n < sizeof bytes; n++) {
		bytes[n] = (uint8_t)(n * 37 + 11);
		assert_int_equal(base64_put(text, bytes, n), base64_size(n));
		assert_int_equal(base64_get(back, text, base64_size(n)), n);
		assert_memory_equal(bytes, back, n);
	}
}

static void text_that_is_no_utf8_is_told(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xe2\x28\xac" };
	static const char good[] = "a\xc3\xa9\xe2\x82\xac\xed\x9f\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf";

	(void)state;
	assert_true(utf8_ok(good, sizeof good - 1));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (utf8_ok(bad[i], strlen(bad[i])))
			fail_msg("case %zu", i);
}

static void a_string_is_written_as_json(void **state)
{
	struct text t = { 0 };

	(void)state;
	text_json(&t, "a\"b\\c\n\x01\xc3\xa9");
	text_json(&t, NULL);
	assert_string_equal(text_str(&t), "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa9\"null");
	text_clear(&t);
	text_base64(&t, (const uint8_t *)"hello", 5);
	assert_string_equal(text_str(&t), "aGVsbG8=");
	text_free(&t);
}

/* --- forms and signatures --- */

static cJSON *read_vectors(void)
{
	FILE *f = fopen("tests/fixtures/twilio-signatures.json", "rb");
	char *text = need(1 << 20);
	size_t n;
	cJSON *json;

	assert_non_null(f);
	n = fread(text, 1, (1 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	json = cJSON_Parse(text);
	free(text);
	assert_non_null(json);
	return json;
}

static const char *str(const cJSON *object, const char *name)
{
	const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));

	return s ? s : "";
}

/* Every good vector is what the phone would have sent itself. */
static void signatures_are_those_of_the_vectors(void **state)
{
	cJSON *json = read_vectors();
	const cJSON *v, *pair;
	int good = 0, seen = 0;

	(void)state;
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(json, "vectors"))
	{
		struct form f = { 0 };
		char signature[SIGNATURE_MAX];
		bool form = strcmp(str(v, "content_type"), "application/x-www-form-urlencoded") == 0;

		seen++;
		if (!cJSON_IsTrue(cJSON_GetObjectItem(v, "valid")))
			continue;
		cJSON_ArrayForEach(pair, cJSON_GetObjectItem(v, "params"))
		    form_add(&f, cJSON_GetArrayItem(pair, 0)->valuestring, cJSON_GetArrayItem(pair, 1)->valuestring);
		sign(signature, str(v, "auth_token"), str(v, "url_signed"), form ? &f : NULL);
		assert_string_equal(signature, str(v, "signature"));
		good++;
		form_free(&f);
	}
	assert_int_equal(seen, 25);
	assert_int_equal(good, 17);
	cJSON_Delete(json);
}

static void a_signed_url_loses_port_user_and_fragment(void **state)
{
	static const struct {
		const char *url, *signed_url;
	} cases[] = {
		{ "https://a.example:8443/x?y=1#rc=2", "https://a.example/x?y=1" },
		{ "http://a.example:8080/x", "http://a.example:8080/x" },
		{ "https://me:secret@a.example/x", "https://a.example/x" },
		{ "https://a.example", "https://a.example" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text t = { 0 };

		sign_webhook_url(&t, cases[i].url);
		assert_string_equal(text_str(&t), cases[i].signed_url);
		text_free(&t);
	}
}

static void a_form_is_encoded_as_twilio_does(void **state)
{
	struct form f = { 0 };
	struct text t = { 0 };

	(void)state;
	form_set(&f, "From", "+12025550123");
	form_set(&f, "FromCity", "SAN JOS\xC3\x89");
	form_set(&f, "ToCity", "");
	form_set(&f, "From", "+1");
	form_encode(&f, &t);
	assert_string_equal(text_str(&t), "From=%2B1&FromCity=SAN+JOS%C3%89&ToCity=");
	form_free(&f);
	text_free(&t);
}

static void a_form_is_read_as_it_was_written(void **state)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "a=%00", "%zz=1" };
	static const char body[] = "From=%2B1&Empty=&Flag&Name=a+b%26c";
	struct form f = { 0 };

	(void)state;
	assert_true(form_read(&f, body, sizeof body - 1));
	assert_int_equal(f.count, 4);
	assert_string_equal(form_get(&f, "From"), "+1");
	assert_string_equal(form_get(&f, "Empty"), "");
	assert_string_equal(form_get(&f, "Flag"), "");
	assert_string_equal(form_get(&f, "Name"), "a b&c");
	assert_null(form_get(&f, "name"));
	form_free(&f);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		assert_false(form_read(&f, bad[i], strlen(bad[i])));
		form_free(&f);
	}
}

/* --- HTTP and frames --- */

static void a_request_is_taken_at_any_split(void **state)
{
	static const char wire[] = "POST /a/b?c=1 HTTP/1.1\r\nHost: x\r\nX:  y \r\nx: z\r\nContent-Length: 5\r\n\r\n"
				   "helloGET / HTTP/1.1\r\n\r\n";
	const size_t first = strlen(wire) - strlen("GET / HTTP/1.1\r\n\r\n");
	char value[32];

	(void)state;
	for (size_t split = 1; split < first; split++) {
		struct http_request q = { 0 };
		struct text in = { 0 };

		text_add(&in, wire, split);
		assert_int_equal(http_request_take(&q, &in, 5), 0);
		text_puts(&in, wire + split);
		assert_int_equal(http_request_take(&q, &in, 5), 1);
		assert_string_equal(q.method, "POST");
		assert_string_equal(q.path, "/a/b");
		assert_string_equal(q.query, "c=1");
		assert_string_equal(text_str(&q.body), "hello");
		assert_int_equal(http_header(text_str(&q.head), "x", value, sizeof value), 2);
		assert_string_equal(value, "y, z");
		assert_int_equal(http_header(text_str(&q.head), "Hos", value, sizeof value), 0);
		http_request_free(&q);
		assert_int_equal(http_request_take(&q, &in, 5), 1);
		assert_string_equal(q.path, "/");
		assert_int_equal(in.len, 0);
		http_request_free(&q);
		text_free(&in);
	}
}

static void what_is_no_request_is_refused(void **state)
{
	static const char *const bad[] = { "hello\r\n\r\n", "GET /\r\n\r\n", "GET / FTP/1.1\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nhello!" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct http_request q = { 0 };
		struct text in = { 0 };

		text_puts(&in, bad[i]);
		assert_int_equal(http_request_take(&q, &in, 5), -1);
		http_request_free(&q);
		text_free(&in);
	}
}

static void values_are_read_from_a_query(void **state)
{
	char value[64];

	(void)state;
	assert_string_equal(
	    query_value("a=1&fault=drop%3Drst:5s&fault=x", "fault", 0, value, sizeof value), "drop=rst:5s");
	assert_string_equal(query_value("a=1&fault=drop%3Drst:5s&fault=x", "fault", 1, value, sizeof value), "x");
	assert_null(query_value("a=1&fault=x", "fault", 1, value, sizeof value));
}

static void the_websocket_key_is_answered_as_in_the_rfc(void **state)
{
	char accept[WS_ACCEPT_MAX];

	(void)state;
	ws_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void frames_survive_every_cut(void **state)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536 };
	static const uint8_t mask[4] = { 0x12, 0x00, 0xff, 0x80 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct text wire = { 0 }, payload = { 0 };
		struct ws_frame f;

		for (size_t k = 0; k < sizes[i]; k++)
			text_add(&payload, &(char){ (char)(k * 7) }, 1);
		ws_write(&wire, WS_FIN | WS_TEXT, payload.data, payload.len, mask);
		for (size_t len = 0; len < wire.len; len += len < 20 ? 1 : 997)
			assert_int_equal(ws_read((uint8_t *)wire.data, len, 1 << 20, &f), 0);
		assert_int_equal(ws_read((uint8_t *)wire.data, wire.len, 1 << 20, &f), (long)wire.len);
		assert_int_equal(f.len, sizes[i]);
		assert_true(f.fin && f.masked && f.opcode == WS_TEXT && f.shortest);
		if (f.len)
			assert_memory_equal(f.payload, payload.data, f.len);
		text_free(&wire);
		text_free(&payload);
	}
}

static void a_giant_frame_is_refused_by_its_head(void **state)
{
	uint8_t head[] = "\x81\xff\x00\x00\x00\x01\x00\x00\x00\x00";
	struct ws_frame f;

	(void)state;
	assert_int_equal(ws_read(head, 10, 17 << 20, &f), -1);
}

static void frames_no_server_may_send_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[12];
		size_t len;
	} bad[] = {
		{ { 0xC1, 0 }, 2 },                /* reserved bit */
		{ { 0x81, 0x80, 0, 0, 0, 0 }, 6 }, /* masked */
		{ { 0x83, 0 }, 2 },                /* unknown opcode */
		{ { 0x09, 0 }, 2 },                /* ping in fragments */
		{ { 0x88, 126, 0, 126 }, 4 },      /* long control frame */
		{ { 0x81, 126, 0, 5 }, 4 },        /* length not the shortest */
		{ { 0x81, 127, 0, 0, 0, 0, 0, 0, 1, 0 }, 10 },
	};
	uint8_t large[] = { 0x81, 127, 0, 0, 0, 0, 0xFF, 0, 0, 0 }, good[] = { 0x81, 2, 'h', 'i' };
	struct ws_frame f;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t bytes[12];

		memcpy(bytes, bad[i].bytes, sizeof bytes);
		ws_read(bytes, bad[i].len, 1 << 20, &f);
		assert_true(f.head); /* it is judged before its payload is there */
		assert_non_null(ws_fault(&f, WS_OF_SERVER, false));
	}
	assert_int_equal(ws_read(large, sizeof large, 1 << 20, &f), -1);
	assert_int_equal(ws_read(good, 1, 1 << 20, &f), 0);
	assert_int_equal(f.head, 0);
	assert_int_equal(ws_read(good, 3, 1 << 20, &f), 0);
	assert_int_equal(ws_read(good, 4, 1 << 20, &f), 4);
	assert_true(f.fin && f.opcode == WS_TEXT && f.len == 2);
	assert_null(ws_fault(&f, WS_OF_SERVER, false));
	assert_non_null(ws_fault(&f, WS_OF_CLIENT, false));
}

static void what_a_client_may_not_send_is_named(void **state)
{
	static const struct {
		struct ws_frame f;
		bool fragments, wrong;
	} cases[] = {
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_TEXT }, false, false },
		{ { .fin = true, .shortest = true, .masked = false, .opcode = WS_TEXT }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_TEXT, .rsv = 4 }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = 3 }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = 11 }, false, true },
		{ { .fin = false, .shortest = true, .masked = true, .opcode = WS_PING }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_PING, .len = 126 }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_PING, .len = 125 }, true, false },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_CONTINUATION }, false, true },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_CONTINUATION }, true, false },
		{ { .fin = true, .shortest = true, .masked = true, .opcode = WS_TEXT }, true, true },
		{ { .fin = true, .shortest = false, .masked = true, .opcode = WS_TEXT }, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(ws_fault(&cases[i].f, WS_OF_CLIENT, cases[i].fragments) != NULL, cases[i].wrong);
}

/* --- sound and figures --- */

static void g711_codes_come_back(void **state)
{
	static const struct {
		enum sound_format format;
		uint8_t code;
		int16_t value;
	} known[] = { { FORMAT_PCMU, 0xff, 0 }, { FORMAT_PCMU, 0x80, 32124 }, { FORMAT_PCMU, 0x00, -32124 },
		{ FORMAT_PCMA, 0xd5, 8 }, { FORMAT_PCMA, 0xaa, 32256 }, { FORMAT_PCMA, 0x2a, -32256 } };

	(void)state;
	for (int format = FORMAT_PCMU; format <= FORMAT_PCMA; format++)
		for (unsigned code = 0; code < 256; code++) {
			uint8_t byte = (uint8_t)code, again;
			int16_t sample;

			format_decode((enum sound_format)format, &byte, 1, &sample);
			format_encode((enum sound_format)format, &sample, 1, &again);
			/* mu-law's 0x7f is minus zero. */
			assert_int_equal(again, format == FORMAT_PCMU && code == 0x7f ? 0xff : code);
		}
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		int16_t sample;

		format_decode(known[i].format, &known[i].code, 1, &sample);
		assert_int_equal(sample, known[i].value);
	}
}

static void g711_takes_the_nearest_code(void **state)
{
	(void)state;
	for (int format = FORMAT_PCMU; format <= FORMAT_PCMA; format++) {
		int16_t values[256];

		for (int code = 0; code < 256; code++)
			format_decode((enum sound_format)format, &(uint8_t){ (uint8_t)code }, 1, &values[code]);
		for (int pcm = -32768; pcm <= 32767; pcm++) {
			int best = 65536;
			uint8_t code;

			for (int i = 0; i < 256; i++)
				best = abs(values[i] - pcm) < best ? abs(values[i] - pcm) : best;
			format_encode((enum sound_format)format, &(int16_t){ (int16_t)pcm }, 1, &code);
			assert_int_equal(abs(values[code] - pcm), best);
		}
	}
}

static void sound_survives_its_file(void **state)
{
	char path[] = "/tmp/kit-test-XXXXXX";
	int16_t left[500], right[500];
	struct sound s, twice;
	const char *why;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (int i = 0; i < 500; i++) {
		left[i] = (int16_t)(i * 65 - 16000);
		right[i] = (int16_t)-left[i];
	}
	assert_int_equal(sound_save(path, 16000, 2, (const int16_t *const[]){ left, right }, 500), 0);
	assert_int_equal(sound_load(&s, path, &why), 0);
	assert_true(s.channels == 2 && s.rate_hz == 16000 && s.count == 500);
	assert_memory_equal(s.samples, left, sizeof left);
	sound_resample(&twice, &s, 32000);
	assert_int_equal(twice.count, 1000);
	assert_in_range(twice.samples[500] - left[250] + 100, 0, 200);
	sound_free(&twice);
	sound_resample(&twice, &s, 16000);
	assert_memory_equal(twice.samples, left, sizeof left);
	sound_free(&twice);
	sound_free(&s);
	assert_int_equal(sound_load(&s, "/nonexistent.wav", &why), -1);
	unlink(path);
}

/* Spoken at `rate`, heard on a telephone line; the words that were heard. Caller frees. */
static char *by_telephone(const char *text, int rate)
{
	struct sound spoken = { .rate_hz = rate }, line;
	struct chirp_ear ear = { 0 };
	uint8_t *wire;
	size_t len;
	char *words;

	chirp_say(&spoken, text);
	sound_append_silence(&spoken, 100);
	sound_resample(&line, &spoken, CHIRP_HZ);
	wire = need(line.count);
	len = format_encode(FORMAT_PCMU, line.samples, line.count, wire);
	format_decode(FORMAT_PCMU, wire, len, line.samples);
	for (size_t at = 0; at < len; at += 160)
		chirp_hear(&ear, line.samples + at, len - at < 160 ? len - at : 160);
	words = chirp_text(&ear, 0);
	chirp_ear_free(&ear);
	free(wire);
	sound_free(&line);
	sound_free(&spoken);
	return words;
}

static void chirps_are_heard_as_they_were_spoken(void **state)
{
	struct text all = { 0 };
	char name[CHIRP_NAME], *words;

	(void)state;
	for (int number = 0; number < CHIRP_OWN; number += 7) { /* meets every syllable at every place */
		chirp_name(number, name);
		assert_int_equal(chirp_number(name, strlen(name)), number);
		text_printf(&all, "%s%s", all.len ? " " : "", name);
	}
	words = by_telephone(text_str(&all), 24000);
	assert_string_equal(words, text_str(&all));
	free(words);
	words = by_telephone("defigo, Defigo defigo.", CHIRP_HZ);
	assert_string_equal(words, "defigo defigo defigo");
	free(words);
	text_free(&all);
}

static void other_words_have_the_last_numbers(void **state)
{
	const char *text = " Say it\tso, I \n-- ", *word;
	size_t len;
	int count = 0;

	(void)state;
	while ((len = chirp_next(&text, &word))) {
		int number = chirp_number(word, len);

		assert_true(number == -1 ? word[0] == '-' : number >= CHIRP_OWN && number < CHIRPS);
		count++;
	}
	assert_int_equal(count, 5);
	assert_int_equal(chirp_number("So,", 3), chirp_number("so", 2));
}

static void what_is_no_chirp_is_no_word(void **state)
{
	static int16_t sound[CHIRP_HZ];
	struct chirp_ear ear = { 0 };
	unsigned random = 1;

	(void)state;
	for (int i = 0; i < CHIRP_HZ; i++) /* a tone of one kind, as a line that is held has */
		sound[i] = (int16_t)(1000 * sin(2 * M_PI * 440 * i / CHIRP_HZ));
	chirp_hear(&ear, sound, CHIRP_HZ);
	for (int i = 0; i < CHIRP_HZ; i++)
		sound[i] = (int16_t)((random = random * 1103515245 + 12345) >> 18);
	chirp_hear(&ear, sound, CHIRP_HZ);
	memset(sound, 0, sizeof sound);
	chirp_hear(&ear, sound, CHIRP_HZ);
	assert_int_equal(ear.count, 0);
	chirp_ear_free(&ear);
}

/* A frame that is lost in its middle does not make two of a word; half of one is one. */
static void a_word_with_a_hole_is_one(void **state)
{
	struct sound s = { .rate_hz = CHIRP_HZ };
	struct chirp_ear ear = { 0 };

	(void)state;
	chirp_say(&s, "defigo fibade");
	memset(s.samples + 1280, 0, 160 * sizeof s.samples[0]);
	chirp_hear(&ear, s.samples, s.count - 1600);
	assert_int_equal(ear.count, 2);
	assert_int_equal(ear.words[0].number, 123);
	assert_in_range(ear.words[0].samples, 2700, 3000);
	assert_int_equal(ear.words[1].number, 201);
	assert_in_range(ear.words[1].at, 3400, 3550);
	chirp_ear_free(&ear);
	sound_free(&s);
}

static void a_rank_is_right_to_three_percent(void **state)
{
	static struct hist h, sum;

	(void)state;
	assert_int_equal(hist_at(&h, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		hist_add(&h, i * 1000);
	hist_merge(&sum, &h);
	hist_merge(&sum, &h);
	assert_int_equal(sum.n, 2000);
	assert_in_range(hist_at(&sum, 0.5), 500000, 516000);
	assert_in_range(hist_at(&sum, 0.99), 990000, 1000000);
	assert_int_equal(hist_at(&sum, 1), 1000000);
}

/* --- options --- */

struct settings {
	const char *text, *called;
	int number;
	double share;
	bool flag;
};

static const char *call(void *into, const char *name, const char *value)
{
	assert_string_equal(name, "call");
	((struct settings *)into)->called = value;
	return strcmp(value, "bad") ? NULL : "is bad";
}

static const struct option_row rows[] = {
	{ .kind = OPTION_WORDS, .help = "words" },
	{ "text", "T", NULL, "a text", OPTION_TEXT, .at = offsetof(struct settings, text) },
	{ "number", "N", NULL, "1 to 9", OPTION_INT, .at = offsetof(struct settings, number), .least = 1, .most = 9 },
	{ "share", "X", "0.25", "any", OPTION_DOUBLE, .at = offsetof(struct settings, share) },
	{ "flag", NULL, NULL, "a flag", OPTION_FLAG, .at = offsetof(struct settings, flag) },
	{ "call", "X", NULL, "calls", OPTION_CALL, .call = call },
};

static int read_line(struct settings *s, const char *line)
{
	static char words[200];
	char *argv[12] = { words }, *rest = words;
	int argc = 0;

	*s = (struct settings){ 0 };
	snprintf(words, sizeof words, "test %s", line);
	while ((argv[argc] = strsep(&rest, " ")))
		argc++;
	return command_line_read("test", rows, sizeof rows / sizeof rows[0], s, argc, argv);
}

static void options_are_read_by_their_table(void **state)
{
	static const char *const bad[] = { "--nothing 1", "--text", "--number x", "--number 10", "--number 1.5",
		"--share y", "--flag=1", "--call bad",
		"--"
		"numbe 1" };
	struct settings s;

	(void)state;
	assert_int_equal(read_line(&s, "--text a --number=7 --share -0.5 --flag --call b"), 9);
	assert_string_equal(s.text, "a");
	assert_int_equal(s.number, 7);
	assert_true(s.share == -0.5 && s.flag);
	assert_string_equal(s.called, "b");
	assert_int_equal(read_line(&s, "--flag rest --text a"), 2);
	assert_true(s.share == 0.25); /* as usual */
	assert_int_equal(read_line(&s, "--flag -- --text a"), 3);
	assert_null(s.text);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (read_line(&s, bad[i]) != -1)
			fail_msg("taken: %s", bad[i]);
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(base64_is_strict),
	cmocka_unit_test(text_that_is_no_utf8_is_told),
	cmocka_unit_test(a_string_is_written_as_json),
	cmocka_unit_test(signatures_are_those_of_the_vectors),
	cmocka_unit_test(a_signed_url_loses_port_user_and_fragment),
	cmocka_unit_test(a_form_is_encoded_as_twilio_does),
	cmocka_unit_test(a_form_is_read_as_it_was_written),
	cmocka_unit_test(a_request_is_taken_at_any_split),
	cmocka_unit_test(what_is_no_request_is_refused),
	cmocka_unit_test(values_are_read_from_a_query),
	cmocka_unit_test(the_websocket_key_is_answered_as_in_the_rfc),
	cmocka_unit_test(frames_survive_every_cut),
	cmocka_unit_test(a_giant_frame_is_refused_by_its_head),
	cmocka_unit_test(frames_no_server_may_send_are_refused),
	cmocka_unit_test(what_a_client_may_not_send_is_named),
	cmocka_unit_test(g711_codes_come_back),
	cmocka_unit_test(g711_takes_the_nearest_code),
	cmocka_unit_test(sound_survives_its_file),
	cmocka_unit_test(chirps_are_heard_as_they_were_spoken),
	cmocka_unit_test(other_words_have_the_last_numbers),
	cmocka_unit_test(what_is_no_chirp_is_no_word),
	cmocka_unit_test(a_word_with_a_hole_is_one),
	cmocka_unit_test(a_rank_is_right_to_three_percent),
	cmocka_unit_test(options_are_read_by_their_table),
	{ 0 },
};
