#include "server/config/config.h"
#include "server/config/config_check.h"
#include "server/config/config_print.h"
#include "server/config/config_warnings.h"
#include "server/config/config_table.h"

#include "common/clock.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ONE_THREAD;

/* An environment: "NAME=value" strings up to a NULL. */
static const char *look(void *arg, const char *name)
{
	const char **env = arg;
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static struct config cfg;

static int load(const char *const *env)
{
	config_free(&cfg);
	buf_reset(&written);
	return config_load(&cfg, look, (void *)(uintptr_t)env, &written);
}

static int load_one(const char *pair)
{
	const char *env[] = { pair, NULL };

	return load(env);
}

static void accepts(const char *pair)
{
	if (load_one(pair) != 0)
		fail_msg("%s was refused: %s", pair, buf_text(&written));
	assert_string_equal(buf_text(&written), "");
}

/* One sentence, which holds `words`. */
static void refuses(const char *pair, const char *words)
{
	if (load_one(pair) != -EINVAL)
		fail_msg("%s was accepted", pair);
	if (!strstr(buf_text(&written), words))
		fail_msg("%s: \"%s\" does not say \"%s\"", pair, buf_text(&written), words);
	assert_ptr_equal(strchr(buf_text(&written), '\n'), buf_text(&written) + written.len - 1);
}

static int setup(void **state)
{
	memset(&cfg, 0, sizeof cfg);
	return written_begin(state);
}

static int teardown(void **state)
{
	config_free(&cfg);
	return written_end(state);
}

static void an_empty_environment_gives_the_defaults(void **state)
{
	(void)state;
	assert_int_equal(load_one(NULL), 0);
	assert_string_equal(buf_text(&written), "");
	assert_string_equal(cfg.listen, "127.0.0.1");
	assert_int_equal(cfg.port, 8080);
	assert_string_equal(cfg.public_url, "");
	assert_int_equal(cfg.trusted_proxy_count, 4);
	assert_int_equal(cfg.twilio_auth_token_count, 0);
	assert_true(cfg.twilio_validate);
	assert_false(cfg.stream_unannounced);
	assert_string_equal(cfg.openai_url, "wss://api.openai.com/v1/realtime");
	assert_string_equal(cfg.openai_model, "gpt-realtime-2.1");
	assert_string_equal(cfg.openai_safety_identifier, "");
	assert_int_equal(cfg.audio_format, AUDIO_PCMU);
	assert_string_equal(cfg.voice, "marin");
	assert_true(cfg.speed > 0.999 && cfg.speed < 1.001);
	assert_non_null(strstr(cfg.instructions, "telephone"));
	assert_string_equal(cfg.transcription_model, "gpt-transcribe");
	assert_int_equal(cfg.turn_detection, TURN_SERVER_VAD);
	assert_int_equal(cfg.vad_silence_ms, 500);
	assert_string_equal(cfg.noise_reduction, "");
	assert_string_equal(cfg.reasoning_effort, "");
	assert_int_equal(cfg.max_output_tokens, 4096);
	assert_int_equal(cfg.greeting_mode, GREETING_INSTRUCTION);
	assert_string_equal(cfg.greeting, "Greet the caller in one short sentence and ask how you can help.");
	assert_int_equal(cfg.max_calls, 100);
	assert_int_equal(cfg.max_call_seconds, 3500);
	assert_int_equal(cfg.backlog_ms, 8000);
	assert_int_equal(cfg.uplink_batch, UPLINK_AUTO);
	assert_int_equal(cfg.playout_lead_ms, 400);
	assert_int_equal(cfg.log_format, LOG_FORMAT_TEXT);
	assert_int_equal(cfg.log_level, LOG_LEVEL_INFO);
}

static void what_is_set_arrives(void **state)
{
	const char *env[] = { "OPENAI_API_KEY=sk-abc", "TWILIO_AUTH_TOKEN= one , two,", "PORT=0", "OPENAI_SPEED=1.25",
		"TWILIO_VALIDATE=off", "OPENAI_AUDIO_FORMAT=pcm", "TRANSCRIPTION_MODEL=off", "MAX_OUTPUT_TOKENS=inf",
		"NOISE_REDUCTION=far_field", "REASONING_EFFORT=low", "LOG_LEVEL=debug", "UPLINK_BATCH_MS=40",
		"TURN_DETECTION=semantic_vad", "OPENAI_SAFETY_IDENTIFIER=caller", "PUBLIC_URL=https://a.example/",
		NULL };

	(void)state;
	assert_int_equal(load(env), 0);
	assert_string_equal(cfg.openai_api_key, "sk-abc");
	assert_int_equal(cfg.twilio_auth_token_count, 2);
	assert_string_equal(cfg.twilio_auth_tokens[0], "one");
	assert_string_equal(cfg.twilio_auth_tokens[1], "two");
	assert_int_equal(cfg.port, 0);
	assert_true(cfg.speed > 1.249 && cfg.speed < 1.251);
	assert_false(cfg.twilio_validate);
	assert_int_equal(cfg.audio_format, AUDIO_PCM);
	assert_string_equal(cfg.transcription_model, "");
	assert_int_equal(cfg.max_output_tokens, 0);
	assert_string_equal(cfg.noise_reduction, "far_field");
	assert_string_equal(cfg.reasoning_effort, "low");
	assert_int_equal(cfg.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(cfg.uplink_batch, UPLINK_40);
	assert_int_equal(cfg.turn_detection, TURN_SEMANTIC_VAD);
	assert_string_equal(cfg.openai_safety_identifier, "caller");
	assert_string_equal(cfg.public_url, "https://a.example");
}

static void an_empty_setting_is_an_unset_one(void **state)
{
	(void)state;
	for (const struct setting *s = config_table; s->name; s++) {
		char pair[64];

		snprintf(pair, sizeof pair, "%s= \t\r\n", s->name);
		accepts(pair);
	}
	accepts("PORT=");
	assert_int_equal(cfg.port, 8080);
}

/* A token of Entra is long. */
static void key_of_the_model_may_have_4096_bytes(void **state)
{
	static const char *const names[] = { "OPENAI_API_KEY", "OPENAI_API_KEY_2", "TEXT_API_KEY" };
	char pair[5000];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(pair, sizeof pair, "%s=%04096d", names[i], 7);
		accepts(pair);
		snprintf(pair, sizeof pair, "%s=%04097d", names[i], 7);
		refuses(pair, names[i]);
	}
}

static void blanks_and_carriage_returns_around_a_value_go(void **state)
{
	(void)state;
	accepts("OPENAI_API_KEY= sk-abc\r\n");
	assert_string_equal(cfg.openai_api_key, "sk-abc");
	accepts("PORT=9000\r");
	assert_int_equal(cfg.port, 9000);
}

static void numbers_keep_to_their_range(void **state)
{
	(void)state;
	accepts("MAX_CALL_SECONDS=14100");
	refuses(
	    "MAX_CALL_SECONDS=14101", "MAX_CALL_SECONDS is \"14101\": it must be a whole number from 1 to 14100 s.");
	refuses("MAX_CALLS=0", "from 1 to");
	accepts("SILENCE_MAX_MS=8000");
	refuses("SLOW_ANSWER_MAX_MS=3999", "SLOW_ANSWER_MAX_MS is \"3999\": it must not be less than SILENCE_MAX_MS.");
	refuses("SILENCE_MAX_MS=8001",
	    "SLOW_ANSWER_MAX_MS is \"8000\": it must not be less than SILENCE_MAX_MS (this is its default");
	refuses("PORT=65536", "from 0 to 65535.");
	refuses("OUTBOUND_MAX_DAY=1000001", "a whole number from 0 to 1000000 calls.");
	refuses("PORT=-1", "whole number");
	refuses("PORT=+1", "whole number");
	refuses("PORT=80x", "PORT is \"80x\"");
	refuses("PORT=0x50", "whole number");
	refuses("PORT=80 80", "whole number");
	refuses("PORT=8e1", "whole number");
	refuses("PORT=80.0", "whole number");
	refuses("PORT=99999999999999999999999999", "whole number");
	refuses("VAD_THRESHOLD=1.01", "from 0 to 1.");
	refuses("VAD_THRESHOLD=nan", "number");
	refuses("VAD_THRESHOLD=.", "number");
	refuses("VAD_THRESHOLD=0.5.5", "number");
	accepts("OPENAI_SPEED=0.25");
	refuses("OPENAI_SPEED=0.24", "0.25 to 1.5");
	refuses("MAX_OUTPUT_TOKENS=0", "1 to 4096 tokens, or inf");
}

/* Each bound of each number: it is accepted, the next one is not. */
static void every_number_is_held_at_both_ends(void **state)
{
	char pair[64];

	(void)state;
	for (const struct setting *s = config_table; s->name; s++) {
		if (s->type != SETTING_INT)
			continue;
		for (int end = 0; end < 2; end++) {
			int bound = (int)(end ? s->max : s->min);
			/* The two that must fit each other do so behind the one that is looked at. */
			const char *env[] = { pair, "SILENCE_MAX_MS=100", "SLOW_ANSWER_MAX_MS=120000", NULL };

			snprintf(pair, sizeof pair, "%s=%d", s->name, bound);
			assert_int_equal(load(env), 0);
			assert_int_equal(*(const int *)(const void *)((const char *)&cfg + s->at), bound);
			snprintf(pair, sizeof pair, "%s=%d", s->name, end ? bound + 1 : bound - 1);
			refuses(pair, "must be a whole number");
		}
	}
}

static void every_word_of_a_choice_gives_its_place(void **state)
{
	(void)state;
	for (const struct setting *s = config_table; s->name; s++) {
		const char *word = s->words;

		for (int at = 0; s->type == SETTING_CHOICE && *word; at++) {
			size_t n = strcspn(word, "|");
			char pair[96];
			int got;

			snprintf(pair, sizeof pair, "%s=%.*s", s->name, (int)n, word);
			word += n + (word[n] == '|');
			if (strcmp(pair, "GREETING_MODE=exact") == 0)
				continue; /* wants the words as well */
			accepts(pair);
			memcpy(&got, (const char *)&cfg + s->at, sizeof got);
			assert_int_equal(got, at);
		}
	}
	refuses("LOG_LEVEL=verbose", "one of error/warn/info/debug");
	refuses("LOG_LEVEL=inf", "one of");
	refuses("NOISE_REDUCTION=yes", "one of off/near_field/far_field");
	refuses("TWILIO_VALIDATE=maybe", "one of off/on");
	refuses("TWILIO_VALIDATE=2", "one of off/on");
	refuses("REASONING_EFFORT=|", "one of");
}

static void words_are_taken_as_people_type_them(void **state)
{
	static const char *const on[] = { "on", "ON", "true", "True", "TRUE", "yes", "1" };
	static const char *const off[] = { "off", "Off", "false", "FALSE", "No", "0", "none" };
	char pair[64];

	(void)state;
	for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
		snprintf(pair, sizeof pair, "STREAM_UNANNOUNCED=%s", on[i]);
		accepts(pair);
		assert_true(cfg.stream_unannounced);
		snprintf(pair, sizeof pair, "TWILIO_VALIDATE=%s", off[i]);
		accepts(pair);
		assert_false(cfg.twilio_validate);
		/* What a row calls "off" is off by these words as well. */
		snprintf(pair, sizeof pair, "TRANSCRIPTION_MODEL=%s", off[i]);
		accepts(pair);
		assert_string_equal(cfg.transcription_model, "");
		snprintf(pair, sizeof pair, "NOISE_REDUCTION=%s", off[i]);
		accepts(pair);
		assert_string_equal(cfg.noise_reduction, "");
		snprintf(pair, sizeof pair, "RECORD=%s", off[i]);
		accepts(pair);
		assert_int_equal(cfg.record, RECORDING_OFF);
	}
	accepts("LOG_LEVEL=DEBUG");
	assert_int_equal(cfg.log_level, LOG_LEVEL_DEBUG);
	accepts("LOG_LEVEL=Warning");
	assert_int_equal(cfg.log_level, LOG_LEVEL_WARN);
	accepts("LOG_FORMAT=JSON");
	assert_int_equal(cfg.log_format, LOG_FORMAT_JSON);
	accepts("UPLINK_BATCH_MS=Auto");
	assert_int_equal(cfg.uplink_batch, UPLINK_AUTO);
	accepts("MAX_OUTPUT_TOKENS=INF");
	assert_int_equal(cfg.max_output_tokens, 0);
	/* The model's service gets the word as it knows it. */
	accepts("NOISE_REDUCTION=Far_Field");
	assert_string_equal(cfg.noise_reduction, "far_field");
	accepts("REASONING_EFFORT=LOW");
	assert_string_equal(cfg.reasoning_effort, "low");
}

static void what_was_pasted_along_is_told(void **state)
{
	(void)state;
	refuses("OPENAI_API_KEY=OPENAI_API_KEY=sk-secret",
	    "OPENAI_API_KEY is set (24 characters, not shown): it begins with its own name once more");
	refuses("PORT=PORT=80", "its own name");
	refuses("INSTRUCTIONS=INSTRUCTIONS=Be kind.", "its own name");
	refuses("TWILIO_AUTH_TOKEN=TWILIO_AUTH_TOKEN=a,b", "its own name");
	accepts("INSTRUCTIONS=PORT=80 is what you say.");
	refuses("OPENAI_API_KEY=Bearer sk-x", "visible ASCII");
	refuses("PORT=80 # the port", "a comment behind a value is taken for part of it");
	refuses("OPENAI_VOICE=marin # or cedar", "a comment behind a value");
	refuses("MAX_CALLS=\"3\"", "quotation marks around a value are taken for part of it");
	refuses("LOG_LEVEL='debug'", "quotation marks around a value");
	refuses("LOG_LEVEL='", "error/warn/info/debug.\n");
}

static void the_model_url_names_a_host_and_a_path(void **state)
{
	(void)state;
	accepts("OPENAI_REALTIME_URL=wss://localhost:9443/v1/realtime");
	accepts("OPENAI_REALTIME_URL=wss://x.openai.azure.com/openai/v1/realtime?model=mine");
	accepts("OPENAI_REALTIME_URL=wss://h/");
	refuses("OPENAI_REALTIME_URL=ws://localhost/v1", "wss://");
	refuses("OPENAI_REALTIME_URL=https://api.openai.com/v1/realtime", "wss://host[:port]/path");
	refuses("OPENAI_REALTIME_URL=wss://host", "must have a path");
	refuses("OPENAI_REALTIME_URL=wss://host?model=x", "must have a path");
	refuses("OPENAI_REALTIME_URL=wss:///v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://host:0/v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://host:65536/v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://host:/v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://host:80a/v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://.host/v1", "wss://host");
	refuses("OPENAI_REALTIME_URL=wss://user:key@host/v1", "OPENAI_API_KEY");
	refuses("OPENAI_REALTIME_URL=wss://host/v1#x", "fragment");
	refuses("OPENAI_REALTIME_URL=wss://host/v 1", "blanks");
	refuses("OPENAI_REALTIME_URL=wss://host/v1\r\nEvil: 1", "blanks");
}

static void the_text_apis_url_is_https_and_has_a_path(void **state)
{
	(void)state;
	accepts("TEXT_API_URL=https://localhost:9443/v1/responses");
	accepts("TEXT_API_URL=https://x.openai.azure.com/openai/v1/responses?api-version=1");
	refuses("TEXT_API_URL=http://localhost/v1/responses", "https://");
	refuses("TEXT_API_URL=https://host", "must look like");
	refuses("TEXT_API_URL=https://user:key@host/v1", "a setting of its own");
	refuses("VOICEMAIL_API_URL=http://localhost/v1/audio/transcriptions", "https://");
	accepts("TEXT_API=chat");
	refuses("TEXT_API=completions", "responses/chat");
	refuses("TEXT_API_URL=https://host/v1\r\nEvil: 1", "must look like");
}

static void an_ip_address_as_the_models_host_is_refused_saying_why(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.1:443", "[::1]", "[::1]:443", "127.1",
		"2130706433" };

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		char pair[96];

		snprintf(pair, sizeof pair, "OPENAI_REALTIME_URL=wss://%s/v1/realtime", hosts[i]);
		refuses(pair, "BearSSL) matches no IP address in a certificate");
	}
	accepts("OPENAI_REALTIME_URL=wss://10.0.0.1.example/v1");
}

static void the_public_url_is_the_part_before_our_paths(void **state)
{
	(void)state;
	accepts("PUBLIC_URL=https://phone.example.com");
	accepts("PUBLIC_URL=http://127.0.0.1:8080");
	accepts("PUBLIC_URL=https://a.example/bridge//");
	assert_string_equal(cfg.public_url, "https://a.example/bridge");
	refuses("PUBLIC_URL=phone.example.com", "https://host");
	refuses("PUBLIC_URL=wss://phone.example.com", "https://host");
	refuses("PUBLIC_URL=https://", "https://host");
	refuses("PUBLIC_URL=https://a.example?x=1", "without a query");
	refuses("PUBLIC_URL=https://u@a.example", "https://host");
	refuses("PUBLIC_URL=https://a.example/twilio/voice", "before /twilio/voice");
	refuses("PUBLIC_URL=https://a.example:99999", "https://host");
}

static void addresses_and_numbers_are_checked(void **state)
{
	(void)state;
	accepts("LISTEN=0.0.0.0");
	refuses("LISTEN=::", "IPv4 only");
	refuses("LISTEN=localhost", "IPv4 address");
	refuses("LISTEN=256.0.0.1", "IPv4 address");
	accepts("OVERFLOW_NUMBER=+12025550123");
	refuses("OVERFLOW_NUMBER=2025550123", "E.164");
	refuses("OVERFLOW_NUMBER=+0202555012", "E.164");
	refuses("OVERFLOW_NUMBER=+1 202 555 0123", "E.164");
	refuses("OVERFLOW_NUMBER=+1234567890123456", "E.164");
	accepts("TRANSCRIPTION_LANGUAGE=de");
	refuses("TRANSCRIPTION_LANGUAGE=de-DE", "ISO-639-1");
	refuses("OPENAI_VOICE=a\"b", "plain name");
	refuses("OPENAI_MODEL=a&b=c", "plain name");
	refuses("OPENAI_ORGANIZATION=a b", "visible ASCII");
	refuses("OPENAI_CA_FILE=/nonexistent/ca.pem", "cannot be opened");
	refuses("OPENAI_CA_FILE=/", "not a readable file");
	refuses("OPENAI_CA_FILE=/dev/null", "empty");
}

static void a_time_zone_is_one_that_is_known(void **state)
{
	static const char *const good[] = { "UTC", "GMT", "Europe/Berlin", ":Europe/Berlin",
		"/usr/share/zoneinfo/Asia/Tokyo", "EST5EDT", "EST5EDT,M3.2.0,M11.1.0", "CET-1CEST,M3.5.0,M10.5.0/3",
		"UTC+2", "<+0330>-3:30", "GMT0", "AAA-12BBB-13,J1/0,J365/23" };
	static const char *const bad[] = { "Europe/Berlln", "Berlin", "America/New York", "+2", "UTC+", "UTC+2x",
		"<+03>", "EST5EDT,nonsense!", "../../../etc/passwd", "/etc/passwd", "/", "Europe", ":", "E5" };
	char pair[96];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		if (check_time_zone(good[i]))
			fail_msg("%s: %s", good[i], check_time_zone(good[i]));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (!check_time_zone(bad[i]))
			fail_msg("%s was accepted", bad[i]);
		/* Calls can be answered without the hour. */
		snprintf(pair, sizeof pair, "TZ=%s", bad[i]);
		accepts(pair);
		config_set_time_zone(&cfg);
		assert_string_equal(getenv("TZ"), "UTC0");
		assert_true(config_wrong_zone(&cfg, &written));
		assert_non_null(strstr(buf_text(&written), pair));
	}
}

static void the_time_zone_is_the_processs_and_its_offset_is_said(void **state)
{
	(void)state;
	accepts("TZ= Asia/Kolkata\r\n");
	config_set_time_zone(&cfg);
	assert_string_equal(getenv("TZ"), "Asia/Kolkata");
	config_print_zone(&cfg, &written);
	assert_string_equal(buf_text(&written), "time zone: UTC+05:30 now (IST), by TZ\n");
	assert_false(config_wrong_zone(&cfg, &written));
	accepts("TZ=UTC+2");
	config_set_time_zone(&cfg);
	config_print_zone(&cfg, &written);
	assert_string_equal(buf_text(&written), "time zone: UTC-02:00 now (UTC), by TZ\n");
	accepts("TZ=");
	config_set_time_zone(&cfg);
	assert_null(getenv("TZ"));
	assert_false(config_wrong_zone(&cfg, &written));
}

#define LIST(...) \
	(const char *const[]) \
	{ \
		__VA_ARGS__, NULL \
	}

/* `has` is what asks the setting. */
static void check_networks(const char *setting, bool (*has)(const struct config *cfg, const char *address),
    const char *const *inside, const char *const *outside)
{
	accepts(setting);
	for (; *inside; inside++)
		if (!has(&cfg, *inside))
			fail_msg("%s: %s is not in it", setting, *inside);
	for (; *outside; outside++)
		if (has(&cfg, *outside))
			fail_msg("%s: %s is in it", setting, *outside);
}

static void allowed_networks_are_of_both_kinds(void **state)
{
	(void)state;
	check_networks("PORT=1", config_allows, LIST("203.0.113.9", "::1", "", "?"), LIST(NULL));
	check_networks("ALLOW_NETWORKS= 192.0.2.0/24,, 2001:db8::/33 ,198.51.100.7,", config_allows,
	    LIST("192.0.2.0", "192.0.2.255", "198.51.100.7", "2001:db8::1", "2001:DB8:7fff::", "::ffff:192.0.2.1",
		"192.0.2.1:5060", "[2001:db8::1]", "[2001:db8::1]:443"),
	    LIST("192.0.3.0", "192.0.1.255", "198.51.100.8", "2001:db8:8000::", "2001:db7::1", "::192.0.2.1", "", "?",
		"192.0.2", "192.0.2.1.example", "2001:db8::1%eth0", "[2001:db8::1", "192.0.2.1, 203.0.113.9", "::"));
	check_networks("ALLOW_NETWORKS=0.0.0.0/0", config_allows, LIST("203.0.113.9", "::ffff:1.2.3.4"),
	    LIST("::1", "2001:db8::1"));
	check_networks("ALLOW_NETWORKS=::/0", config_allows, LIST("::1", "2001:db8::1"), LIST("203.0.113.9"));
	check_networks("ALLOW_NETWORKS=::ffff:10.0.0.0/104", config_allows, LIST("10.1.2.3"), LIST("11.0.0.1", "::1"));
	check_networks("ALLOW_NETWORKS=2001:db8::1/128", config_allows, LIST("2001:db8::1"), LIST("2001:db8::2"));
	refuses("ALLOW_NETWORKS=10.0.0.0/33", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=::1/129", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=::1/", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=::1/64/64", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=10.0.0.0/-1", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=10.0.0.0/4294967304", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=10.0.0.0/8 192.0.2.0/24", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=twilio.com", "nets of IPv4 or IPv6");
	refuses("ALLOW_NETWORKS=10.0.0.0/8,nonsense", "\"nonsense\"");
}

/* NAME= and so many entries. */
static char *many(const char *name, const char *entry, size_t count)
{
	struct buf out;

	buf_init(&out, 0);
	buf_printf(&out, "%s=", name);
	for (size_t i = 0; i < count; i++)
		buf_printf(&out, "%s,", entry);
	assert_int_equal(buf_error(&out), 0);
	return out.data;
}

static void new_limits_are_told_at_start(void **state)
{
	const char *none[] = { "MAX_CALLS_PER_CALLER=0", "MAX_CALLS_PER_CALLER_HOUR=0", NULL };
	const char *orders[] = { "MAX_CALLS_PER_CALLER=0", "MAX_CALLS_PER_CALLER_HOUR=0",
		"TWILIO_ACCOUNT_SID=AC0123456789abcdef0123456789abcdef", NULL };

	(void)state;
	accepts("PORT=1");
	config_print_bounds(&cfg, &written);
	assert_string_equal(buf_text(&written),
	    "callers: from one number 3 calls at once and 30 calls an hour are answered, where there was no limit "
	    "before; MAX_CALLS_PER_CALLER and MAX_CALLS_PER_CALLER_HOUR: 0 sets none\n");
	accepts("MAX_CALLS_PER_CALLER=0");
	config_print_bounds(&cfg, &written);
	assert_string_equal(buf_text(&written),
	    "callers: from one number 30 calls an hour are answered, where there was no limit before; "
	    "MAX_CALLS_PER_CALLER_HOUR: 0 sets none\n");
	assert_int_equal(load(none), 0);
	config_print_bounds(&cfg, &written);
	assert_string_equal(buf_text(&written), "");
	assert_int_equal(load(orders), 0);
	config_print_bounds(&cfg, &written);
	assert_string_equal(buf_text(&written),
	    "orders: 500 calls a day are placed, where there was no limit before; OUTBOUND_MAX_DAY: 0 sets none\n");
}

static void callers_are_listed_by_number_beginning_and_name(void **state)
{
	static const char *const wrong[] = { "+", "+*", "*", "49170", "0049170", "+0170", "+49 170", "+49170**",
		"+4917*0", "+1234567890123456", "anybody", "sip:", "sip:*", "client:", "client:a b", "client:a*b",
		"tel:+12025550123", "+12025550123;ext=1", "\x01", "+\xd9\xa1" };
	char *setting, pair[64];

	(void)state;
	accepts("BLOCK_CALLERS= +12025550123 ,,\t+49170*,withheld,Withheld,client:alice,sip:bob@x,sips:eve*, ,");
	assert_int_equal(cfg.block_caller_count, 7);
	assert_string_equal(cfg.block_callers[1], "+49170*");
	accepts("ALLOW_CALLERS=");
	assert_int_equal(cfg.allow_caller_count, 0);
	accepts("ALLOW_CALLERS=, ,");
	assert_int_equal(cfg.allow_caller_count, 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		snprintf(pair, sizeof pair, "ALLOW_CALLERS=+12025550123,%s", wrong[i]);
		refuses(pair, "ALLOW_CALLERS is \"");
	}
	refuses("BLOCK_CALLERS=+", "it would stand for every number");
	setting = many("BLOCK_CALLERS", "+12025550123", 1000);
	accepts(setting);
	free(setting);
	setting = many("BLOCK_CALLERS", "+12025550123", 5000);
	refuses(setting, "has more entries than the 1000 it may have");
	free(setting);
	snprintf(pair, sizeof pair, "client:%0*d", 40, 0);
	setting = many("BLOCK_CALLERS", pair, 1);
	accepts(setting);
	free(setting);
	refuses("MAX_CALLS_PER_CALLER=-1", "whole number");
	refuses("MAX_CALLS_PER_CALLER_HOUR=5.5", "whole number");
	accepts("MAX_CALLS_PER_CALLER=0");
	accepts("MAX_CALLS_PER_CALLER_HOUR=0");
}

static void trusted_proxies_are_addresses_and_nets(void **state)
{
	(void)state;
	check_networks(
	    "PORT=1", config_trusts, LIST("127.0.0.1", "127.255.0.9"), LIST("128.0.0.1", "", "::1", "127.0.0.1/8"));
	check_networks("TRUSTED_PROXIES=10.1.2.3, 192.168.0.0/31", config_trusts, LIST("10.1.2.3", "192.168.0.1"),
	    LIST("10.1.2.4", "192.168.0.2", "127.0.0.1"));
	check_networks("TRUSTED_PROXIES=0.0.0.0/0", config_trusts, LIST("203.0.113.9"), LIST(NULL));
	refuses("TRUSTED_PROXIES=10.0.0.0/33", "nets");
	refuses("TRUSTED_PROXIES=10.0.0.0/", "nets");
	refuses("TRUSTED_PROXIES=10.0.0.0/8/8", "nets");
	refuses("TRUSTED_PROXIES=10.0.0.0/-1", "nets");
	refuses("TRUSTED_PROXIES=proxy.example", "nets");
	refuses("TRUSTED_PROXIES=::1", "nets");
	refuses("TRUSTED_PROXIES=1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,"
		"1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1",
	    "more entries");
}

static void a_wrong_secret_is_not_repeated(void **state)
{
	(void)state;
	refuses("OPENAI_API_KEY=\"sk-secret\"", "OPENAI_API_KEY is set (11 characters, not shown): it must not have "
						"quotation marks around it.");
	assert_null(strstr(buf_text(&written), "secret"));
	refuses("TWILIO_AUTH_TOKEN=one,tw o", "visible ASCII");
	assert_null(strstr(buf_text(&written), "tw o"));
	refuses("API_TOKEN=s\xC3\xA9same0123456789", "visible ASCII");
	refuses("API_TOKEN=opensesame", "it must have at least 16 characters, where any length was taken before");
	assert_null(strstr(buf_text(&written), "opensesame"));
	refuses("API_READ_TOKEN=0123456789abcde", "it must have at least 16 characters; `openssl");
	refuses("API_JWT_SECRET=0123456789abcdef0123456789abcde", "at least 32 bytes");
	refuses("API_JWT_SECRET=0123456789abcdef 123456789abcdef", "visible ASCII");
	refuses("OPENAI_API_KEY=sk-a\r\nX-Evil: 1", "visible ASCII");
}

static void tokens_of_two_roles_are_two_tokens(void **state)
{
	const char *same[] = { "API_TOKEN=0123456789abcdef", "API_READ_TOKEN=0123456789abcdef", NULL };
	const char *two[] = { "API_TOKEN=0123456789abcdef", "API_READ_TOKEN=0123456789abcdeg", NULL };

	(void)state;
	assert_int_equal(load(same), -EINVAL);
	assert_non_null(
	    strstr(buf_text(&written), "API_READ_TOKEN is set (16 characters, not shown): it must be another"));
	assert_int_equal(load(two), 0);
	assert_string_equal(cfg.api_read_token, "0123456789abcdeg");
}

static void long_and_ugly_values_are_shortened_in_the_complaint(void **state)
{
	char pair[3000] = "LISTEN=";

	(void)state;
	memset(pair + strlen(pair), 'x', 2900);
	refuses(pair, "…\"");
	assert_true(written.len < 300);
	refuses("LISTEN=a\x1b[31mb\nc", "\"a?[31mb?c\"");
	refuses("LISTEN=\xff\xfe", "\"??\"");
	/* a letter of two bytes across the cut */
	refuses("LISTEN=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xA9zz", "a…\"");
}

static void every_mistake_is_told_at_once(void **state)
{
	const char *env[] = { "PORT=x", "LISTEN=y", "LOG_LEVEL=z", NULL };

	(void)state;
	assert_int_equal(load(env), -EINVAL);
	assert_non_null(strstr(buf_text(&written), "PORT is \"x\""));
	assert_non_null(strstr(buf_text(&written), "LISTEN is \"y\""));
	assert_non_null(strstr(buf_text(&written), "LOG_LEVEL is \"z\""));
	assert_string_equal(cfg.listen, "127.0.0.1");
}

/* Leaves the path in `path`; the caller unlinks it. */
static void write_file(char *path, const char *text, size_t len)
{
	int fd;

	strcpy(path, "build/tmp/test_config.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void instructions_come_from_a_file(void **state)
{
	char path[64], pair[128];
	const char *both[] = { pair, "INSTRUCTIONS=Be kind.", NULL };

	(void)state;
	write_file(path, "\xEF\xBB\xBFYou are a florist.\nBe brief.\n\n", 33);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	accepts(pair);
	assert_string_equal(cfg.instructions, "You are a florist.\nBe brief.");
	assert_int_equal(load(both), -EINVAL);
	assert_non_null(strstr(buf_text(&written), "together with INSTRUCTIONS"));
	unlink(path);
	refuses(pair, "cannot be opened");

	write_file(path, "a\0b", 3);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	refuses(pair, "not plain UTF-8");
	unlink(path);
	write_file(path, "a\xff", 2);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	refuses(pair, "not plain UTF-8");
	unlink(path);
	write_file(path, " \n", 2);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	refuses(pair, "without any text");
	unlink(path);
}

static void an_instructions_file_has_a_bound(void **state)
{
	char path[64], pair[128];
	char *large = malloc(65537);

	(void)state;
	memset(large, 'a', 65537);
	write_file(path, large, 65536);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	accepts(pair);
	assert_int_equal(strlen(cfg.instructions), 65536);
	unlink(path);
	write_file(path, large, 65537);
	snprintf(pair, sizeof pair, "INSTRUCTIONS_FILE=%s", path);
	refuses(pair, "more than 65536 bytes");
	unlink(path);
	free(large);
}

static void an_exact_greeting_needs_its_words(void **state)
{
	const char *env[] = { "GREETING_MODE=exact", "GREETING=Hello, Blumen Meier.", NULL };

	(void)state;
	refuses("GREETING_MODE=exact", "must hold the words to say");
	assert_int_equal(load(env), 0);
	assert_string_equal(cfg.greeting, "Hello, Blumen Meier.");
	assert_int_equal(cfg.greeting_mode, GREETING_EXACT);
	refuses("GREETING=a\x01", "control characters");
	refuses("GREETING=\xff", "UTF-8");
}

static const char *warned(const char *const *env)
{
	assert_int_equal(load(env), 0);
	config_warnings(&cfg, &written);
	return buf_text(&written);
}

/* What is told of the settings' own models, and of an agent's, on that day. */
static void told_of_ends(
    const char *const *env, const char *model, const char *day, struct buf *ended, struct buf *ahead)
{
	struct model_ends to = { .ended = ended, .ahead = ahead };
	char at[32];

	snprintf(at, sizeof at, "%sT12:00:00Z", day);
	assert_int_equal(load(env), 0);
	assert_true(clock_parse(at, &to.wall_ms));
	buf_reset(ended);
	buf_reset(ahead);
	for (int twice = 0; twice < 2; twice++) {
		config_model_ends(&cfg, 1, "a.json", model ? model : cfg.openai_model, cfg.transcription_model, &to);
		for (int number = 2; number <= CONFIG_ENDPOINTS_MAX; number++)
			if (config_has_endpoint(&cfg, number))
				config_model_ends(&cfg, number, "a.json", cfg.others[number - 2].model, "", &to);
	}
}

static void models_with_an_announced_end_are_told(void **state)
{
	static const struct {
		const char *pair, *model, *words, *later;
	} cases[] = {
		{ "OPENAI_MODEL=gpt-realtime", NULL,
		    "OPENAI_MODEL: gpt-realtime is to be shut down on 2027-01-20; gpt-realtime-2.1 is its successor.\n",
		    "OPENAI_MODEL: gpt-realtime was shut down on 2027-01-20; gpt-realtime-2.1 is its successor.\n" },
		{ "OPENAI_MODEL=gpt-realtime-2", "gpt-realtime-mini",
		    "a.json: model: gpt-realtime-mini is to be shut down on 2027-01-20; gpt-realtime-2.1-mini is its "
		    "successor.\n",
		    "a.json: model: gpt-realtime-mini was shut down on 2027-01-20; gpt-realtime-2.1-mini is its "
		    "successor.\n" },
		{ "OPENAI_REALTIME_URL=wss://api.openai.com/v1/realtime?model=gpt-realtime-2025-08-28",
		    "gpt-realtime-mini",
		    "OPENAI_REALTIME_URL: gpt-realtime-2025-08-28 is to be shut down on 2027-01-20; gpt-realtime-2.1 is "
		    "its successor.\n",
		    "OPENAI_REALTIME_URL: gpt-realtime-2025-08-28 was shut down on 2027-01-20; gpt-realtime-2.1 is its "
		    "successor.\n" },
		{ "TRANSCRIPTION_MODEL=whisper-1", NULL,
		    "TRANSCRIPTION_MODEL: whisper-1 is to be shut down on 2027-02-26; gpt-transcribe is its successor.\n",
		    "TRANSCRIPTION_MODEL: whisper-1 was shut down on 2027-02-26; gpt-transcribe is its successor.\n" },
		{ "OPENAI_MODEL=gpt-realtime-2.1", NULL, "", "" },
		{ "OPENAI_MODEL=gpt-realtime-mini-2025-10-06", NULL, "", "" },
		{ "TRANSCRIPTION_MODEL=off", NULL, "", "" },
	};
	struct buf ended, ahead;

	(void)state;
	buf_init(&ended, 0);
	buf_init(&ahead, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *env[] = { cases[i].pair, NULL };

		told_of_ends(env, cases[i].model, "2026-12-01", &ended, &ahead);
		assert_string_equal(buf_text(&ahead), cases[i].words);
		assert_string_equal(buf_text(&ended), "");
		told_of_ends(env, cases[i].model, "2027-02-27", &ended, &ahead);
		assert_string_equal(buf_text(&ahead), "");
		assert_string_equal(buf_text(&ended), cases[i].later);
	}
	told_of_ends((const char *[]){ "OPENAI_MODEL=gpt-4o-realtime-preview-2024-12-17", NULL }, NULL, "2027-02-27",
	    &ended, &ahead);
	assert_non_null(strstr(buf_text(&ahead), "beta interface"));
	buf_free(&ended);
	buf_free(&ahead);
}

/* The service would only say that it does not take the key. */
static void a_key_pasted_twice_is_warned_of(void **state)
{
	static const char twice[] = "OPENAI_API_KEY=sk-proj-0123456789abcdefsk-proj-0123456789abcdef";
	static const char once[] = "OPENAI_API_KEY=sk-proj-0123456789abcdefsk-proj-0123456789abcdeg";
	static const char token[] = "TWILIO_AUTH_TOKEN=good,0123456789abcdef0123012345670123456789abcdef012301234567";
	const char *env[] = { twice, "PUBLIC_URL=https://a.example", NULL };

	(void)state;
	assert_string_equal(
	    warned(env), "OPENAI_API_KEY is the same 24 characters twice: it seems to have been pasted twice.\n");
	env[0] = once;
	assert_string_equal(warned(env), "");
	env[0] = token;
	assert_non_null(strstr(warned(env), "TWILIO_AUTH_TOKEN is the same 28 characters twice"));
}

static void a_text_address_of_another_form_is_warned_of(void **state)
{
	static const char *const cases[][3] = {
		{ "TEXT_API=chat", "TEXT_API_URL=https://a.example/v1",
		    "TEXT_API_URL does not end in /chat/completions, where "
		    "TEXT_API=chat is spoken as a rule.\n" },
		{ "TEXT_API=chat", "TEXT_API_URL=https://a.example/v1/responses",
		    "TEXT_API_URL does not end in /chat/completions" },
		{ "TEXT_API=responses", "TEXT_API_URL=https://a.example/v1/chat/completions",
		    "TEXT_API_URL does not end in /responses" },
		{ "TEXT_API=chat", "TEXT_API_URL=https://a.example/x/chat/completions?api-version=1", "" },
		{ "TEXT_API=responses", "TEXT_API_URL=https://a.example/v1/responses", "" },
		{ "TEXT_API=chat", "TEXT_API_URL=", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *env[] = { cases[i][0], cases[i][1], "PUBLIC_URL=https://a.example", NULL };
		size_t n = strlen(cases[i][2]);

		assert_memory_equal(warned(env), cases[i][2], n + !n);
	}
}

static void a_deployment_on_azure_has_its_own_dates(void **state)
{
	const char *env[] = { "OPENAI_REALTIME_URL=wss://me.openai.azure.com/openai/v1/realtime",
		"OPENAI_MODEL=gpt-realtime", NULL };
	struct buf ended, ahead;

	(void)state;
	buf_init(&ended, 0);
	buf_init(&ahead, 0);
	told_of_ends(env, NULL, "2027-02-27", &ended, &ahead);
	assert_int_equal(ended.len + ahead.len, 0);
	buf_free(&ended);
	buf_free(&ahead);
}

/* The settings of the endpoints besides the first pass the checks of the first's. */
static void other_endpoints_are_checked_as_the_first(void **state)
{
	const char *env[] = { "OPENAI_MODEL=gpt-realtime-2.1", "OPENAI_MODEL_2=gpt-realtime",
		"OPENAI_REALTIME_URL_3=wss://h.example/r?model=gpt-realtime-mini", NULL };
	struct buf ended, ahead;

	(void)state;
	accepts("OPENAI_REALTIME_URL_2=wss://x.openai.azure.com/openai/v1/realtime?model=mine");
	accepts("OPENAI_AUTH_2=API-Key");
	accepts("OPENAI_AUDIO_FORMAT_3=pcm");
	refuses("OPENAI_REALTIME_URL_2=ws://localhost/v1", "wss://");
	refuses("OPENAI_REALTIME_URL_3=wss://127.0.0.1/v1", "must name its host");
	refuses("OPENAI_API_KEY_2=a b", "visible ASCII");
	refuses("OPENAI_AUTH_3=basic", "auto/bearer/api-key");
	refuses("OPENAI_AUDIO_FORMAT_2=mp3", "pcmu/pcma/pcm");
	refuses("OPENAI_MODEL_2=a b", "plain name");
	refuses("OPENAI_VOICE_3=a b", "plain name");
	buf_init(&ended, 0);
	buf_init(&ahead, 0);
	told_of_ends(env, NULL, "2026-12-01", &ended, &ahead);
	assert_string_equal(buf_text(&ahead),
	    "OPENAI_MODEL_2: gpt-realtime is to be shut down on 2027-01-20; gpt-realtime-2.1 is its successor.\n"
	    "OPENAI_REALTIME_URL_3: gpt-realtime-mini is to be shut down on 2027-01-20; gpt-realtime-2.1-mini is its "
	    "successor.\n");
	buf_free(&ended);
	buf_free(&ahead);
}

static void what_is_odd_about_another_endpoint_is_warned_of(void **state)
{
	const char *env[6] = { "PUBLIC_URL=https://a.example",
		"OPENAI_REALTIME_URL_2=wss://me.openai.azure.com/openai/v1/realtime", NULL };

	(void)state;
	assert_string_equal(warned(env),
	    "OPENAI_API_KEY_2 is not set: OPENAI_REALTIME_URL_2 is another host than that of OPENAI_REALTIME_URL, and is "
	    "shown the same key.\n"
	    "OPENAI_MODEL_2 is not set: on Azure it is the deployment's name, which is seldom that of the agent's model.\n");
	env[2] = "OPENAI_API_KEY_2=k";
	env[3] = "OPENAI_MODEL_2=desk";
	assert_string_equal(warned(env), "");
	env[2] = "OPENAI_API_KEY_2=sk-proj-0123456789abcdefsk-proj-0123456789abcdef";
	assert_string_equal(
	    warned(env), "OPENAI_API_KEY_2 is the same 24 characters twice: it seems to have been pasted twice.\n");
	env[1] = "OPENAI_REALTIME_URL_3=wss://api.openai.com:444/v1/realtime"; /* the same host */
	env[2] = env[3] = NULL;
	assert_string_equal(warned(env), "");
	env[1] = "OPENAI_REALTIME_URL_3=wss://me.openai.azure.com/openai/realtime?deployment=d";
	env[2] = "OPENAI_API_KEY_3=k";
	assert_non_null(strstr(warned(env), "OPENAI_REALTIME_URL_3 is an address of Azure's preview"));
	assert_non_null(strstr(buf_text(&written), "deployment's name in OPENAI_MODEL_3"));
}

static bool called_a_preview(const char *url)
{
	char pair[160];
	const char *env[] = { pair, "PUBLIC_URL=https://a.example", NULL };
	bool called;

	snprintf(pair, sizeof pair, "OPENAI_REALTIME_URL=%s", url);
	called = strstr(warned(env), "retired beta interface") != NULL;
	assert_null(strstr(buf_text(&written), "deployment=d")); /* what may be a key is not repeated */
	return called;
}

static void azures_preview_addresses_are_warned_of(void **state)
{
	(void)state;
	assert_true(
	    called_a_preview("wss://me.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&deployment=d"));
	assert_true(called_a_preview("wss://me.openai.azure.com/openai/realtime"));
	assert_true(
	    called_a_preview("wss://ME.OPENAI.AZURE.COM:443/openai/v1/realtime?api-version=2025-04-01-preview"));
	assert_false(called_a_preview("wss://me.openai.azure.com/openai/realtimes"));
	assert_false(called_a_preview("wss://me.openai.azure.com/openai/v1/realtime?model=d"));
	assert_false(called_a_preview("wss://gateway.example/openai/realtime?api-version=1"));
}

static void open_doors_are_warned_of(void **state)
{
	const char *off[] = { "TWILIO_VALIDATE=off", "STREAM_UNANNOUNCED=on", "PUBLIC_URL=http://a.example", NULL };
	const char *none[] = { NULL };
	const char *networks[] = { "ALLOW_NETWORKS=203.0.113.0/24", NULL };

	(void)state;
	assert_non_null(strstr(warned(networks), "each of these must write it itself"));
	assert_non_null(strstr(warned(off), "NOBODY'S SIGNATURE IS CHECKED"));
	assert_non_null(strstr(buf_text(&written), "any stranger's stream"));
	assert_non_null(strstr(buf_text(&written), "over https"));
	assert_non_null(strstr(warned(none), "PUBLIC_URL is not set"));
}

static void what_cannot_be_recorded_or_remembered_is_warned_of(void **state)
{
	const char *local[] = { "RECORD=local", "MAX_DAY_COST=5", NULL };
	const char *twilio[] = { "RECORD=twilio", "DATA_DIR=/tmp", "MAX_DAY_COST=5", NULL };

	(void)state;
	assert_non_null(strstr(warned(local), "RECORD=local without DATA_DIR"));
	assert_non_null(strstr(buf_text(&written), "MAX_DAY_COST without DATA_DIR"));
	assert_non_null(strstr(warned(twilio), "RECORD=twilio needs TWILIO_ACCOUNT_SID"));
	assert_null(strstr(buf_text(&written), "MAX_DAY_COST"));
}

static void idleness_that_ends_a_call_before_its_goodbye_is_warned_of(void **state)
{
	const char *soon[] = { "IDLE_SECONDS=12", NULL };
	const char *late[] = { "IDLE_SECONDS=15", NULL }, *never[] = { "IDLE_SECONDS=0", NULL };
	const char *unasked[] = { "IDLE_SECONDS=5", "REPROMPT_SECONDS=0", NULL };

	(void)state;
	assert_non_null(strstr(warned(soon), "IDLE_SECONDS=12 is hardly more than REPROMPT_SECONDS=10"));
	assert_null(strstr(warned(late), "IDLE_SECONDS"));
	assert_null(strstr(warned(never), "IDLE_SECONDS"));
	assert_null(strstr(warned(unasked), "IDLE_SECONDS"));
}

static void name_of_an_account_in_the_place_of_its_token_is_warned_of(void **state)
{
	const char *sid[] = { "TWILIO_AUTH_TOKEN=0123456789abcdef0123456789abcdef,AC0123456789abcdef0123456789abcdef",
		NULL };
	const char *token[] = { "TWILIO_AUTH_TOKEN=ac0123456789abcdef0123456789abcd", NULL };

	(void)state;
	assert_non_null(strstr(warned(sid), "TWILIO_AUTH_TOKEN is the SID of an account"));
	assert_null(strstr(buf_text(&written), "AC0123"));
	assert_null(strstr(warned(token), "TWILIO_AUTH_TOKEN"));
}

static void key_of_twilios_without_its_secret_is_warned_of(void **state)
{
	const char *key = "TWILIO_API_KEY_SID=SK00000000000000000000000000000000";
	const char *account = "TWILIO_ACCOUNT_SID=AC00000000000000000000000000000000";
	const char *half[] = { account, key, NULL };
	const char *whole[] = { account, key, "TWILIO_API_KEY_SECRET=secret", NULL };

	(void)state;
	assert_non_null(strstr(warned(half), "but not TWILIO_API_KEY_SECRET"));
	assert_null(strstr(warned(whole), "TWILIO_API_KEY_SECRET"));
}

static void missing_keys_are_one_sentence_that_names_the_demo(void **state)
{
	static const struct {
		const char *env[4];
		const char *starts;
	} cases[] = {
		{ { NULL }, "OPENAI_API_KEY and TWILIO_AUTH_TOKEN are not set" },
		{ { "OPENAI_API_KEY=k", NULL }, "TWILIO_AUTH_TOKEN is not set" },
		{ { "TWILIO_AUTH_TOKEN=t", NULL }, "OPENAI_API_KEY is not set" },
		{ { "TWILIO_VALIDATE=off", NULL }, "OPENAI_API_KEY is not set" },
		{ { "TWILIO_VALIDATE=off", "OPENAI_API_KEY=k", NULL }, "" },
		{ { "TWILIO_AUTH_TOKEN=t", "OPENAI_API_KEY=k", NULL }, "" },
		{ { "TWILIO_VALIDATE=off", "TEXT_API_KEY=k", NULL }, "OPENAI_API_KEY is not set" },
		{ { "TWILIO_VALIDATE=off", "MODEL_PROTOCOL=text", NULL },
		    "TEXT_API_KEY (or OPENAI_API_KEY) is not set" },
		{ { "TWILIO_VALIDATE=off", "MODEL_PROTOCOL=text", "TEXT_API_KEY=k", NULL }, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *starts = cases[i].starts;

		assert_int_equal(load(cases[i].env), 0);
		config_missing(&cfg, &written);
		assert_memory_equal(buf_text(&written), starts, strlen(starts) + !*starts);
		if (!*starts)
			continue;
		assert_non_null(strstr(buf_text(&written), "make demo"));
		assert_ptr_equal(strchr(buf_text(&written), '\n'), buf_text(&written) + written.len - 1);
	}
}

static void printing_masks_what_is_secret(void **state)
{
	const char *env[] = { "OPENAI_API_KEY=sk-verysecret", "TWILIO_AUTH_TOKEN=tok1,tok2",
		"API_TOKEN=opensesameopensesame", "OVERFLOW_NUMBER=+12025550123", "INSTRUCTIONS=Line one\nline two",
		"MAX_OUTPUT_TOKENS=inf", "UPLINK_BATCH_MS=20", "NOISE_REDUCTION=off", NULL };
	const char *text;

	(void)state;
	assert_int_equal(load(env), 0);
	config_print(&cfg, &written);
	text = buf_text(&written);
	assert_null(strstr(text, "verysecret"));
	assert_null(strstr(text, "tok1"));
	assert_null(strstr(text, "opensesame"));
	assert_null(strstr(text, "2025550123"));
	assert_non_null(strstr(text, "OPENAI_API_KEY=(13 characters, not shown)\n"));
	assert_non_null(strstr(text, "TWILIO_AUTH_TOKEN=(4 characters, not shown),(4 characters, not shown)\n"));
	assert_non_null(strstr(text, "OVERFLOW_NUMBER=+120…23\n"));
	assert_non_null(strstr(text, "INSTRUCTIONS=Line one line two\n"));
	assert_non_null(strstr(text, "MAX_OUTPUT_TOKENS=inf\n"));
	assert_non_null(strstr(text, "UPLINK_BATCH_MS=20\n"));
	assert_non_null(strstr(text, "NOISE_REDUCTION=off\n"));
	assert_non_null(strstr(text, "TRUSTED_PROXIES=127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16\n"));
	assert_non_null(strstr(text, "LISTEN=127.0.0.1\n"));
	assert_non_null(strstr(text, "OPENAI_SPEED=1\n"));
}

static void help_and_markdown_name_every_setting_with_its_range(void **state)
{
	char words[64];

	(void)state;
	config_print_help(&written);
	config_print_markdown(&written);
	for (const struct setting *s = config_table; s->name; s++) {
		snprintf(words, sizeof words, "\n  %s=", s->name);
		assert_non_null(strstr(buf_text(&written), words));
		snprintf(words, sizeof words, "| `%s` |", s->name);
		assert_non_null(strstr(buf_text(&written), words));
	}
	assert_non_null(strstr(buf_text(&written), "20 to 5000 ms."));
	assert_non_null(strstr(buf_text(&written), "1 to 4096 tokens, or inf."));
	assert_non_null(strstr(buf_text(&written), "off, near_field or far_field."));
	assert_non_null(strstr(buf_text(&written), "pcmu, pcma or pcm."));
	assert_non_null(strstr(buf_text(&written), "on or off."));
}

static char *read_whole(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (f) {
		size_t got = fread(text, 1, (1 << 20) - 1, f);

		text[got] = '\0';
		fclose(f);
	}
	return text;
}

static void the_example_as_it_stands_is_accepted(void **state)
{
	const char *env[128];
	size_t count = 0;
	char *file = read_whole(".env.example"), *rest = file;

	(void)state;
	assert_true(*file);
	/* Every line in force, commented out or not. */
	for (char *line; (line = strsep(&rest, "\n")) && count < 127;) {
		line += *line == '#';
		if (*line >= 'A' && *line <= 'Z' && strchr(line, '='))
			env[count++] = line;
	}
	env[count] = NULL;
	assert_true(count > 40);
	if (load(env))
		fail_msg("%s", buf_text(&written));
	free(file);
}

static void every_default_passes_its_own_check(void **state)
{
	(void)state;
	for (const struct setting *s = config_table; s->name; s++) {
		char pair[2048];

		assert_non_null(s->help);
		assert_non_null(s->fallback);
		snprintf(pair, sizeof pair, "%s=%s", s->name, s->fallback);
		accepts(pair);
	}
}

static void the_process_environment_is_the_default_source(void **state)
{
	(void)state;
	setenv("PORT", "4711", 1);
	buf_reset(&written);
	assert_int_equal(config_load(&cfg, NULL, NULL, &written), 0);
	assert_int_equal(cfg.port, 4711);
	unsetenv("PORT");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

const struct CMUnitTest unit_tests[] = {
	CASE(an_empty_environment_gives_the_defaults),
	CASE(what_is_set_arrives),
	CASE(an_empty_setting_is_an_unset_one),
	CASE(key_of_the_model_may_have_4096_bytes),
	CASE(blanks_and_carriage_returns_around_a_value_go),
	CASE(numbers_keep_to_their_range),
	CASE(every_number_is_held_at_both_ends),
	CASE(every_word_of_a_choice_gives_its_place),
	CASE(words_are_taken_as_people_type_them),
	CASE(what_was_pasted_along_is_told),
	CASE(the_model_url_names_a_host_and_a_path),
	CASE(the_text_apis_url_is_https_and_has_a_path),
	CASE(an_ip_address_as_the_models_host_is_refused_saying_why),
	CASE(the_public_url_is_the_part_before_our_paths),
	CASE(addresses_and_numbers_are_checked),
	CASE(a_time_zone_is_one_that_is_known),
	CASE(the_time_zone_is_the_processs_and_its_offset_is_said),
	CASE(trusted_proxies_are_addresses_and_nets),
	CASE(allowed_networks_are_of_both_kinds),
	CASE(callers_are_listed_by_number_beginning_and_name),
	CASE(new_limits_are_told_at_start),
	CASE(a_wrong_secret_is_not_repeated),
	CASE(tokens_of_two_roles_are_two_tokens),
	CASE(long_and_ugly_values_are_shortened_in_the_complaint),
	CASE(every_mistake_is_told_at_once),
	CASE(instructions_come_from_a_file),
	CASE(an_instructions_file_has_a_bound),
	CASE(an_exact_greeting_needs_its_words),
	CASE(models_with_an_announced_end_are_told),
	CASE(a_key_pasted_twice_is_warned_of),
	CASE(a_text_address_of_another_form_is_warned_of),
	CASE(a_deployment_on_azure_has_its_own_dates),
	CASE(other_endpoints_are_checked_as_the_first),
	CASE(what_is_odd_about_another_endpoint_is_warned_of),
	CASE(azures_preview_addresses_are_warned_of),
	CASE(open_doors_are_warned_of),
	CASE(what_cannot_be_recorded_or_remembered_is_warned_of),
	CASE(idleness_that_ends_a_call_before_its_goodbye_is_warned_of),
	CASE(name_of_an_account_in_the_place_of_its_token_is_warned_of),
	CASE(key_of_twilios_without_its_secret_is_warned_of),
	CASE(missing_keys_are_one_sentence_that_names_the_demo),
	CASE(printing_masks_what_is_secret),
	CASE(help_and_markdown_name_every_setting_with_its_range),
	CASE(the_example_as_it_stands_is_accepted),
	CASE(every_default_passes_its_own_check),
	CASE(the_process_environment_is_the_default_source),
	{ 0 },
};
