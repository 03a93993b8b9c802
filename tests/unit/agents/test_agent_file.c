/* One agent's file: what it may say, and what is said about what it may not. */
#include "server/agents/agent_file.h"

#include "common/json.h"
#include "server/config/config_names.h"
#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ONE_THREAD;

static struct config cfg;
static struct buf problem, notes;

static int begin(void **state)
{
	static const char *const pairs[] = { "SIGNING_SECRET", "not-a-real-secret", "OPENAI_VOICE", "verse",
		"OPENAI_REALTIME_URL_2", "wss://h.example/r", NULL };
	char path[128];
	char *big = malloc(70000);

	buf_init(&problem, 0);
	buf_init(&notes, 0);
	folder_begin(state);
	pairs_load(&cfg, pairs);
	snprintf(path, sizeof path, "%s/menu", folder);
	mkdir(path, 0700);
	folder_put("text.md", "\xEF\xBB\xBFYou are {{business_name}}.\n\n", 30);
	folder_put("wrong.md", "You are {{who}}.", 16);
	folder_put("binary.md", "a\0b", 3);
	folder_put("blank.md", " \n", 2);
	memset(big, 'x', 70000);
	folder_put("big.md", big, 70000);
	free(big);
	snprintf(path, sizeof path, "%s/pipe.md", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	setenv("TEST_SECRET", "another-secret", 1);
	setenv("TEST_BLANKS", "two words", 1);
	return 0;
}

static int end(void **state)
{
	config_free(&cfg);
	buf_free(&problem);
	buf_free(&notes);
	return folder_end(state);
}

static int read_bytes(struct agent_entry *out, const char *text, size_t len)
{
	struct agent_text in = { .name = "x", .file = "x.json", .folder = folder, .text = text, .len = len };

	buf_reset(&problem);
	buf_reset(&notes);
	return agent_file_read(out, &cfg, &in, &problem, &notes);
}

/* The agent of this text; it is released by the caller. */
static struct agent_entry good(const char *text)
{
	struct agent_entry a;

	if (read_bytes(&a, text, strlen(text)))
		fail_msg("%s\n%s", text, buf_text(&problem));
	return a;
}

/* There is a mistake at this place (behind "x.json: "), and its sentence says this. */
static void assert_wrong(const char *text, size_t len, const char *place, const char *says)
{
	char begin_of[128];
	struct agent_entry a;
	const char *line;

	if (!read_bytes(&a, text, len)) {
		agent_memory_release(a.memory);
		fail_msg("accepted: %s", text);
	}
	assert_null(a.memory);
	snprintf(begin_of, sizeof begin_of, "x.json: %s%s", place, *place ? ": " : "");
	line = strstr(buf_text(&problem), begin_of);
	if (!line || !memmem(line, strcspn(line, "\n"), says, strlen(says)))
		fail_msg("%s\nsays nothing of \"%s\" at \"%s\", but:\n%s", text, says, place, buf_text(&problem));
}

/* -------------------------------------------------------------------- what is right */

static void what_is_left_out_comes_from_the_settings(void **state)
{
	struct agent_entry a = good("{}");
	const struct agent *p = a.variants[0];

	(void)state;
	assert_int_equal(a.variant_count, 1);
	assert_true(a.answers_rest);
	assert_string_equal(p->name, "x");
	assert_string_equal(p->file, "x.json");
	assert_string_equal(p->variant, "");
	assert_string_equal(p->voice, "verse");
	assert_string_equal(p->instructions, cfg.instructions);
	assert_string_equal(p->greeting, cfg.greeting);
	assert_string_equal(p->signing_secret, "not-a-real-secret");
	assert_int_equal(p->max_call_seconds, cfg.max_call_seconds);
	assert_int_equal(p->tool_count + p->mcp_count + p->destination_count + p->webhook_count, 0);
	agent_memory_release(a.memory);
}

static const char every_key[] =
    "{\"numbers\":[\"+12025550100\",\"+12025550101\"],\"model\":\"m\",\"voice\":\"cedar\",\"speed\":1.25,"
    "\"endpoints\":[{\"number\":2,\"model\":\"deployed\"},{\"number\":1,\"voice\":\"ash\"}],"
    "\"languages\":[\"en\",\"es\"],\"instructions\":\"Be {{caller}}.\","
    "\"greeting\":{\"mode\":\"exact\",\"text\":\"Hello {{now}}\",\"protect_ms\":700},\"interruptible\":false,\"send_digits\":true,"
    "\"turn_detection\":{\"type\":\"server_vad\",\"threshold\":0.7,\"prefix_ms\":200,\"silence_ms\":900},"
    "\"transcription\":{\"model\":\"whisper-1\",\"language\":\"es\"},\"noise_reduction\":\"near_field\","
    "\"reasoning_effort\":\"low\",\"max_output_tokens\":\"inf\","
    "\"tools\":[{\"name\":\"t-1\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"},"
    "\"url\":\"https://h.example/t\",\"timeout_ms\":500,\"filler\":\"Wait.\"},"
    "{\"name\":\"t_2\",\"description\":\"e\",\"url\":\"http://127.0.0.1:9/x?y=z\"}],"
    "\"mcp_servers\":[{\"label\":\"m\",\"url\":\"https://m.example/sse\",\"allowed_tools\":[\"a\"],"
    "\"require_approval\":\"never\",\"authorization_env\":\"TEST_SECRET\"}],\"knowledge\":\"menu\","
    "\"instant_answers\":[{\"when\":[\"opening hours\",\"open?\"],\"say\":\"Always.\"}],"
    "\"transfers\":[{\"name\":\"office\",\"number\":\"+12025550199\",\"description\":\"the office\"},"
    "{\"name\":\"sip\",\"number\":\"sip:a@b.example\",\"ring_seconds\":9}],"
    "\"outcome\":{\"schema\":{\"type\":\"object\"},\"instructions\":\"i\",\"fill\":\"after\"},"
    "\"webhooks\":[{\"url\":\"https://h.example/w\"},{\"url\":\"http://db/w\",\"events\":[\"call.ended\","
    "\"record.created\"]}],\"signing_secret_env\":\"TEST_SECRET\",\"record\":\"twilio\","
    "\"limits\":{\"max_call_seconds\":60,\"idle_seconds\":0,\"reprompt_seconds\":7,\"hold_music_seconds\":\"off\",\"max_call_cost\":0.5},"
    "\"fallback\":{\"number\":\"+12025550177\"},\"machine\":{\"action\":\"message\",\"message\":\"Say {{now}}\"},"
    "\"phrases\":{\"busy\":\"Full.\",\"one_moment\":\"Wait.\"},\"say_voice\":\"Polly.Lucia-Neural\","
    "\"say_language\":\"es-ES\"}";

static void every_key_of_the_talk_goes_where_it_belongs(void **state)
{
	struct agent_entry a = good(every_key);
	const struct agent *p = a.variants[0];

	(void)state;
	assert_false(a.answers_rest);
	assert_int_equal(p->number_count, 2);
	assert_string_equal(p->numbers[1], "+12025550101");
	assert_string_equal(p->openai_model, "m");
	assert_string_equal(p->voice, "cedar");
	assert_int_equal(p->endpoint_count, 2);
	assert_int_equal(p->endpoints[0].number, 2);
	assert_string_equal(p->endpoints[0].model, "deployed");
	assert_null(p->endpoints[0].voice);
	assert_string_equal(p->endpoints[1].voice, "ash");
	assert_true(agent_takes_endpoint(p, 1) && !agent_takes_endpoint(p, 3));
	assert_true(p->speed == 1.25);
	assert_int_equal(p->language_count, 2);
	assert_string_equal(p->languages[1], "es");
	assert_ptr_equal(strstr(p->instructions, "Be {{caller}}."), p->instructions);
	assert_non_null(strstr(p->instructions, ": en, es."));
	assert_int_equal(p->greeting_mode, GREETING_EXACT);
	assert_string_equal(p->greeting, "Hello {{now}}");
	assert_int_equal(p->greeting_protect_ms, 700);
	assert_false(p->interruptible);
	assert_true(p->sends_digits);
	assert_int_equal(p->turn_detection, TURN_SERVER_VAD);
	assert_true(p->vad_threshold == 0.7);
	assert_int_equal(p->vad_prefix_ms, 200);
	assert_int_equal(p->vad_silence_ms, 900);
	assert_string_equal(p->transcription_model, "whisper-1");
	assert_string_equal(p->transcription_language, "es");
	assert_string_equal(p->noise_reduction, "near_field");
	assert_string_equal(p->reasoning_effort, "low");
	assert_int_equal(p->max_output_tokens, 0);
	agent_memory_release(a.memory);
}

static void every_key_of_what_it_can_do_goes_where_it_belongs(void **state)
{
	struct agent_entry a = good(every_key);
	const struct agent *p = a.variants[0];

	(void)state;
	assert_int_equal(p->tool_count, 2);
	assert_string_equal(p->tools[0].name, "t-1");
	assert_string_equal(p->tools[0].description, "d");
	assert_string_equal(p->tools[0].parameters, "{\"type\":\"object\",\"properties\":{}}");
	assert_string_equal(p->tools[0].url, "https://h.example/t");
	assert_int_equal(p->tools[0].timeout_ms, 500);
	assert_string_equal(p->tools[0].filler, "Wait.");
	assert_int_equal(p->tools[1].timeout_ms, 8000);
	assert_string_equal(p->tools[1].filler, "");
	assert_int_equal(p->mcp_count, 1);
	assert_string_equal(p->mcps[0].label, "m");
	assert_string_equal(p->mcps[0].url, "https://m.example/sse");
	assert_string_equal(p->mcps[0].authorization, "another-secret");
	assert_true(p->mcps[0].allows_some);
	assert_int_equal(p->mcps[0].allowed_count, 1);
	assert_string_equal(p->mcps[0].allowed[0], "a");
	assert_non_null(strstr(p->knowledge, "/menu"));
	assert_int_equal(p->instant_count, 1);
	assert_int_equal(p->instants[0].when_count, 2);
	assert_string_equal(p->instants[0].when[1], "open?");
	assert_string_equal(p->instants[0].say, "Always.");
	assert_int_equal(p->destination_count, 2);
	assert_string_equal(p->destinations[0].number, "+12025550199");
	assert_int_equal(p->destinations[0].ring_seconds, 25);
	assert_int_equal(p->destinations[1].ring_seconds, 9);
	assert_string_equal(p->outcome_schema, "{\"type\":\"object\",\"properties\":{}}");
	assert_string_equal(p->outcome_instructions, "i");
	assert_int_equal(p->outcome_fill, OUTCOME_AFTER);
	assert_int_equal(p->webhooks[0].events, WEBHOOK_ALL);
	assert_int_equal(p->webhooks[1].events, WEBHOOK_CALL_ENDED | WEBHOOK_OUTCOME_CREATED);
	assert_string_equal(p->signing_secret, "another-secret");
	assert_int_equal(p->record, RECORDING_TWILIO);
	assert_int_equal(p->max_call_seconds, 60);
	assert_int_equal(p->idle_seconds, 0);
	assert_int_equal(p->reprompt_seconds, 7);
	assert_int_equal(p->hold_music_seconds, 0);
	assert_true(p->max_call_cost == 0.5);
	assert_string_equal(p->fallback_number, "+12025550177");
	assert_int_equal(p->machine, MACHINE_MESSAGE);
	assert_string_equal(p->machine_message, "Say {{now}}");
	assert_string_equal(p->phrases[PHRASE_BUSY], "Full.");
	assert_string_equal(p->phrases[PHRASE_ONE_MOMENT], "Wait.");
	assert_null(p->phrases[PHRASE_APOLOGY]);
	assert_string_equal(p->say_voice, "Polly.Lucia-Neural");
	assert_string_equal(p->say_language, "es-ES");
	agent_memory_release(a.memory);
}

/* What an agent of this file says at one place. */
#define assert_said(file, place, text) \
	do { \
		struct agent_entry a = good(file); \
		assert_string_equal(a.variants[0]->place, text); \
		agent_memory_release(a.memory); \
	} while (0)

static void text_comes_from_a_file_without_its_mark_and_blanks(void **state)
{
	(void)state;
	assert_said(
	    "\xEF\xBB\xBF{\"instructions\":{\"file\":\"text.md\"}}", instructions, "You are {{business_name}}.");
}

static void stand_in_is_the_agent_by_gather_without_what_needs_sound(void **state)
{
	struct agent_entry a = good(JSON({
		"voice" : "cedar",
		"mcp_servers" : [ { "label" : "m", "url" : "https://m.example/" } ],
		"variants" : [
			{ "name" : "a" }, { "name" : "b", "channel" : "gather", "mcp_servers" : [] }, {
				"name" : "c",
				"channel" : "relay",
				"model_protocol" : "text",
				"model" : "mine",
				"mcp_servers" : []
			}
		]
	}));
	const struct agent *p = a.variants[0]->by_gather;

	(void)state;
	assert_string_equal(p->name, "x");
	assert_string_equal(p->variant, "a");
	assert_int_equal(p->channel, CHANNEL_GATHER);
	assert_int_equal(p->model_protocol, MODEL_KIND_TEXT);
	assert_string_equal(p->openai_model, cfg.text_model);
	assert_int_equal(p->mcp_count, 0);
	assert_true(p->stands_in);
	assert_false(a.variants[0]->stands_in);
	agent_release(agent_retain(p));
	assert_null(a.variants[1]->by_gather);
	assert_int_equal(a.variants[1]->model_protocol, MODEL_KIND_TEXT);
	assert_string_equal(a.variants[1]->openai_model, cfg.text_model);
	assert_string_equal(a.variants[2]->by_gather->openai_model, "mine");
	agent_memory_release(a.memory);
}

static void variant_is_the_file_and_what_it_says_besides(void **state)
{
	struct agent_entry a = good(JSON({
		"voice" : "cedar",
		"greeting" : { "mode" : "exact", "text" : "Hi", "protect_ms" : 5 },
		"variants" : [
			{ "name" : "a" },
			{ "name" : "b", "weight" : 2.5, "voice" : "marin", "greeting" : { "text" : "Ho" } }
		]
	}));
	const struct agent *p = a.variants[0], *q = a.variants[1];

	(void)state;
	assert_int_equal(a.variant_count, 2);
	assert_string_equal(p->name, "x");
	assert_string_equal(p->variant, "a");
	assert_true(p->weight == 1.0);
	assert_string_equal(p->voice, "cedar");
	assert_string_equal(q->variant, "b");
	assert_true(q->weight == 2.5);
	assert_string_equal(q->voice, "marin");
	assert_string_equal(q->greeting, "Ho");
	assert_int_equal(q->greeting_mode, GREETING_EXACT);
	assert_int_equal(q->greeting_protect_ms, 5);
	agent_memory_release(a.memory);
}

static void languages_are_those_of_the_transcription_unless_it_has_its_own(void **state)
{
	struct agent_entry a = good(JSON({ "languages" : ["es"] }));

	(void)state;
	assert_string_equal(a.variants[0]->transcription_language, "es");
	assert_null(strstr(a.variants[0]->instructions, "ISO 639-1"));
	agent_memory_release(a.memory);
	a = good(JSON({ "languages" : ["es"], "transcription" : { "language" : "de" } }));
	assert_string_equal(a.variants[0]->transcription_language, "de");
	agent_memory_release(a.memory);
	cfg.transcription_language = "fr";
	a = good(JSON({
		"languages" : [ "es", "en" ],
		"variants" : [ { "name" : "a" }, { "name" : "b", "languages" : ["en"] } ]
	}));
	assert_string_equal(a.variants[0]->transcription_language, "");
	assert_string_equal(a.variants[1]->transcription_language, "en");
	agent_memory_release(a.memory);
	a = good("{}");
	assert_string_equal(a.variants[0]->transcription_language, "fr");
	agent_memory_release(a.memory);
	cfg.transcription_language = "";
}

static void what_a_schema_holds_in_vain_is_noted(void **state)
{
	struct agent_entry a = good(
	    JSON({ "outcome" : { "schema" : { "type" : "object", "properties" : { "a" : { "anyOf" : [ {} ] } } } } }));

	(void)state;
	assert_non_null(strstr(buf_text(&notes), "x.json: outcome.schema.properties.a.anyOf"));
	agent_memory_release(a.memory);
}

/* -------------------------------------------------------------------- what is wrong */

static const struct {
	const char *text, *place, *says;
} mistakes[] = {
	/* not JSON at all */
	{ "", "line 1, column 1", "empty" },
	{ "{\n \"voice\": \"m\",,\n}", "line 2, column 16", "not JSON" },
	{ "{\"voice\": \"m\"\n ", "line 2, column 1", "ends here" },
	{ "{\"voice\": \"\xc3\xa9\" \"m\"}", "line 1, column 15", "not JSON" },
	{ "{} x", "line 1, column 4", "after its end" },
	{ "{\"speed\": NaN}", "line 1, column 11", "not JSON" },
	{ "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "line 1, column 33", "deeper than 32" },
	{ "{\"voice\":\"\xff\"}", "line 1, column 11", "UTF-8" },
	{ "[]", "", "must be an object" },
	{ "7", "", "must be an object" },
	/* keys */
	{ JSON({ "voise" : "m" }), "voise", "did you mean \"voice\"?" },
	{ JSON({ "Voice" : "m" }), "Voice", "did you mean \"voice\"?" },
	{ JSON({ "tool" : [] }), "tool", "did you mean \"tools\"?" },
	{ JSON({ "xyzzy" : 1 }), "xyzzy", "is no key that is known here\n" },
	{ JSON({ "voice" : "a", "voice" : "b" }), "voice", "twice" },
	{ JSON({ "greeting" : { "mode" : "wait", "mode" : "wait" } }), "greeting.mode", "twice" },
	{ JSON({ "limits" : { "max_call_second" : 7 } }), "limits.max_call_second", "max_call_seconds" },
	/* values */
	{ JSON({ "voice" : null }), "voice", "text in quotation marks" },
	{ JSON({ "voice" : "" }), "voice", "empty" },
	{ JSON({ "voice" : "a b" }), "voice", "plain name" },
	{ JSON({ "model" : 7 }), "model", "text" },
	{ JSON({ "speed" : 2 }), "speed", "0.25 to 1.5" },
	{ JSON({ "speed" : 1e999 }), "speed", "0.25 to 1.5" },
	{ JSON({ "speed" : "1" }), "speed", "number" },
	{ JSON({ "max_output_tokens" : 0.5 }), "max_output_tokens", "inf" },
	{ JSON({ "interruptible" : "on" }), "interruptible", "true or false" },
	{ JSON({ "send_digits" : 1 }), "send_digits", "true or false" },
	{ JSON({ "noise_reduction" : "much" }), "noise_reduction", "off/near_field/far_field" },
	{ JSON({ "record" : "yes" }), "record", "off/local/twilio" },
	{ JSON({ "record" : "local" }), "record", "DATA_DIR" },
	{ JSON({ "limits" : [] }), "limits", "object" },
	{ JSON({ "limits" : { "hold_music_seconds" : "never" } }), "limits.hold_music_seconds", "\"off\"" },
	{ JSON({ "limits" : { "max_call_seconds" : 14101 } }), "limits.max_call_seconds", "14100" },
	{ JSON({ "fallback" : { "number" : "911" } }), "fallback.number", "E.164" },
	{ JSON({ "fallback" : "dial" }), "fallback", "list" },
	{ JSON({ "fallback" : ["moon"] }), "fallback[0]", "reconnect/text/dial/voicemail" },
	{ JSON({ "fallback" : [7] }), "fallback[0]", "word" },
	{ JSON({ "fallback" : [ "reconnect", "reconnect" ] }), "fallback[1]", "twice" },
	{ JSON({ "fallback" : [ { "dial" : [] } ] }), "fallback[0].dial", "one number at least" },
	{ JSON({ "fallback" : [ { "dial" : ["911"] } ] }), "fallback[0].dial[0]", "E.164" },
	{ JSON({ "fallback" : [ { "ring_seconds" : 7 } ] }), "fallback[0]", "dial and voicemail" },
	{ JSON({ "fallback" : [ { "dial" : ["+12025550156"], "voicemail" : {} } ] }), "fallback[0]", "one of" },
	{ JSON({ "fallback" : [ { "dial" : ["+12025550156"], "ring_seconds" : 4 } ] }), "fallback[0].ring_seconds",
	    "5 to 600" },
	{ JSON({ "fallback" : [ { "voicemail" : { "max_seconds" : 601 } } ] }), "fallback[0].voicemail.max_seconds",
	    "5 to 600" },
	{ JSON({ "fallback" : [ "reconnect", "voicemail" ] }), "fallback[1]", "is voicemail, which needs DATA_DIR" },
	{ JSON({ "fallback" : ["dial"] }), "fallback[0]", "is dial, which needs numbers" },
	/* endpoints */
	{ JSON({ "endpoints" : [] }), "endpoints", "one element at least" },
	{ JSON({ "endpoints" : { "number" : 1 } }), "endpoints", "list" },
	{ JSON({ "endpoints" : [ { "voice" : "ash" } ] }), "endpoints[0].number", "missing" },
	{ JSON({ "endpoints" : [ { "number" : 4 } ] }), "endpoints[0].number", "from 1 to 3" },
	{ JSON({ "endpoints" : [ { "number" : 1 }, { "number" : 3 } ] }), "endpoints[1].number",
	    "OPENAI_REALTIME_URL_3 is not set" },
	{ JSON({ "endpoints" : [ { "number" : 2 }, { "number" : 2 } ] }), "endpoints[1].number",
	    "the same as that of [0]" },
	{ JSON({ "endpoints" : [ { "number" : 2, "url" : "wss://x/y" } ] }), "endpoints[0].url",
	    "no key that is known" },
	{ JSON({ "endpoints" : [ { "number" : 2, "model" : "a b" } ] }), "endpoints[0].model", "plain name" },
	/* numbers and languages */
	{ JSON({ "numbers" : "+12025550100" }), "numbers", "list" },
	{ JSON({ "numbers" : ["2025550100"] }), "numbers[0]", "E.164" },
	{ JSON({ "numbers" : [ "+12025550100", "+12025550100" ] }), "numbers[1]", "twice" },
	{ JSON({ "languages" : [ "en", "english" ] }), "languages[1]", "ISO-639-1" },
	/* instant answers */
	{ JSON({ "instant_answers" : {} }), "instant_answers", "list" },
	{ JSON({ "instant_answers" : [ { "when" : ["a"] } ] }), "instant_answers[0].say", "missing" },
	{ JSON({ "instant_answers" : [ { "say" : "a" } ] }), "instant_answers[0].when", "missing" },
	{ JSON({ "instant_answers" : [ { "when" : [ "a", " " ], "say" : "b" } ] }), "instant_answers[0].when[1]",
	    "blank" },
	{ JSON({ "instant_answers" : [ { "when" : ["a"], "say" : "Hello {{caller}}" } ] }), "instant_answers[0].say",
	    "no variables" },
	/* texts */
	{ JSON({ "instructions" : "" }), "instructions", "empty" },
	{ JSON({ "instructions" : 7 }), "instructions", "name.md" },
	{ JSON({ "instructions" : "{{callr}}" }), "instructions", "{{callr}}" },
	{ JSON({ "instructions" : {} }), "instructions.file", "missing" },
	{ JSON({ "instructions" : { "file" : "" } }), "instructions.file", "empty" },
	{ JSON({ "instructions" : { "file" : "none.md" } }), "instructions.file", "is not there" },
	{ JSON({ "instructions" : { "file" : "menu" } }), "instructions.file", "directory" },
	{ JSON({ "instructions" : { "file" : "pipe.md" } }), "instructions.file", "regular" },
	{ JSON({ "instructions" : { "file" : "binary.md" } }), "instructions.file", "UTF-8" },
	{ JSON({ "instructions" : { "file" : "blank.md" } }), "instructions.file", "no text" },
	{ JSON({ "instructions" : { "file" : "big.md" } }), "instructions.file", "larger than 65536" },
	{ JSON({ "instructions" : { "file" : "wrong.md" } }), "instructions", "{{who}}" },
	{ JSON({ "greeting" : { "mode" : "exact" } }), "greeting.text", "words to say" },
	{ JSON({ "greeting" : { "text" : "{{" } }), "greeting.text", "closes" },
	{ JSON({ "machine" : { "action" : "message" } }), "machine.message", "what message" },
	{ JSON({ "phrases" : [] }), "phrases", "object" },
	{ JSON({ "phrases" : { "buzy" : "x" } }), "phrases.buzy", "did you mean \"busy\"?" },
	{ JSON({ "phrases" : { "busy" : "" } }), "phrases.busy", "empty" },
	{ "{\"phrases\":{\"busy\":\" \\n\"}}", "phrases.busy", "blank" },
	{ JSON({ "phrases" : { "busy" : "Hello {{caller}}" } }), "phrases.busy", "no variables" },
	{ "{\"phrases\":{\"busy\":\"a\\u0007\"}}", "phrases.busy", "control" },
	{ JSON({ "say_voice" : "Polly Lucia" }), "say_voice", "plain name" },
	{ JSON({ "say_voice" : "" }), "say_voice", "empty" },
	{ JSON({ "say_language" : "Spanish" }), "say_language", "es-ES" },
	{ JSON({ "say_language" : "es_ES" }), "say_language", "es-ES" },
	{ JSON({ "say_language" : "es-" }), "say_language", "es-ES" },
	{ JSON({ "knowledge" : "nowhere" }), "knowledge", "no directory" },
	{ JSON({ "knowledge" : "text.md" }), "knowledge", "no directory" },
	{ JSON({ "turn_detection" : { "type" : "semantic_vad", "silence_ms" : 300 } }), "turn_detection.silence_ms",
	    "server_vad" },
	{ JSON({ "turn_detection" : { "eagerness" : "low" } }), "turn_detection.eagerness", "semantic_vad" },
	{ JSON({ "turn_detection" : null }), "turn_detection", "object" },
	/* tools */
	{ JSON({ "tools" : {} }), "tools", "list" },
	{ JSON({ "tools" : [ {} ] }), "tools[0].name", "missing" },
	{ JSON({ "tools" : [ {} ] }), "tools[0].url", "missing" },
	{ JSON({ "tools" : [ { "name" : "save_record" } ] }), "tools[0].name", "built-in" },
	{ JSON({ "tools" : [ { "name" : "a b" } ] }), "tools[0].name", "letters" },
	{ JSON({ "tools" : [ { "name" : "a" }, { "name" : "a" } ] }), "tools[1].name", "same as that of [0]" },
	{ JSON({ "tools" : [ { "parameters" : {} } ] }), "tools[0].parameters", "\"type\": \"object\"" },
	{ JSON({ "tools" : [ { "parameters" : { "type" : "object", "properties" : { "a" : { "type" : "int" } } } } ] }),
	    "tools[0].parameters.properties.a.type", "integer" },
	{ JSON({ "tools" : [ { "parameters" : { "type" : "object", "type" : "object" } } ] }), "tools[0].parameters",
	    "twice" },
	{ JSON({
		 "tools" : [ { "parameters" : { "type" : "object", "properties" : { "a" : { "type" : "array" } } } } ]
	 }),
	    "tools[0].parameters.properties.a.items", "missing" },
	{ JSON({ "outcome" : { "schema" : { "type" : "object", "anyOf" : [ {} ] } } }), "outcome.schema.anyOf",
	    "at the top" },
	{ JSON({ "tools" : [ { "timeout_ms" : 1 } ] }), "tools[0].timeout_ms", "100 to 60000" },
	{ JSON({ "tools" : [ { "url" : "ftp://h/x" } ] }), "tools[0].url", "https://" },
	{ JSON({ "tools" : [ { "url" : "http://h.example/x" } ] }), "tools[0].url", "readable by anyone" },
	{ JSON({ "tools" : [ { "url" : "http://8.8.8.8/x" } ] }), "tools[0].url", "readable by anyone" },
	{ JSON({ "tools" : [ { "url" : "https://u:p@h/x" } ] }), "tools[0].url", "user name" },
	{ JSON({ "tools" : [ { "url" : "https://h:99999/x" } ] }), "tools[0].url", "host[:port]" },
	{ JSON({ "tools" : [ { "url" : "https:///x" } ] }), "tools[0].url", "host[:port]" },
	{ JSON({ "tools" : [ { "url" : "https://h/x y" } ] }), "tools[0].url", "blanks" },
	{ JSON({ "mcp_servers" : [ { "label" : "l", "url" : "http://127.0.0.1/x" } ] }), "mcp_servers[0].url",
	    "https://" },
	{ JSON({ "mcp_servers" : [ { "require_approval" : "always" } ] }), "mcp_servers[0].require_approval",
	    "nobody" },
	{ JSON({ "mcp_servers" : [ { "authorization_env" : "TEST_UNSET" } ] }), "mcp_servers[0].authorization_env",
	    "not set" },
	{ JSON({ "signing_secret_env" : "TEST_BLANKS" }), "signing_secret_env", "one word" },
	/* the rest */
	{ JSON({ "transfers" : [ { "name" : "a", "number" : "sip:b" } ] }), "transfers[0].number", "sip:name@host" },
	{ JSON({ "transfers" : [ { "name" : "a", "number" : "12" } ] }), "transfers[0].number", "E.164" },
	{ JSON({ "outcome" : { "schema" : 7 } }), "outcome.schema", "JSON Schema" },
	{ JSON({ "outcome" : { "instructions" : "i" } }), "outcome.schema", "missing" },
	{ JSON({ "outcome" : { "fill" : "never" } }), "outcome.fill", "both/call/after" },
	{ JSON({ "webhooks" : [ { "url" : "https://h/", "events" : [] } ] }), "webhooks[0].events", "one event" },
	{ JSON({ "webhooks" : [ { "url" : "https://h/", "events" : ["call.end"] } ] }), "webhooks[0].events[0]",
	    "call.ended" },
	{ JSON({ "variants" : [] }), "variants", "one element" },
	{ JSON({ "variants" : [ {} ] }), "variants[0].name", "missing" },
	{ JSON({ "variants" : [ { "name" : "a" }, { "name" : "a" } ] }), "variants[1].name", "same" },
	{ JSON({ "variants" : [ { "name" : "a", "weight" : 0 } ] }), "variants", "weight 0" },
	{ JSON({ "variants" : [ { "name" : "a", "weight" : -1 } ] }), "variants[0].weight", "from 0" },
	{ JSON({ "variants" : [ { "name" : "a", "numbers" : [] } ] }), "variants[0].numbers", "whole file" },
	{ JSON({ "variants" : [ { "name" : "a", "voice" : 1 } ] }), "variants[0].voice", "text" },
};

static void mistakes_are_told_with_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		size_t len = strlen(mistakes[i].says);

		/* A sentence that must end there. */
		if (len && mistakes[i].says[len - 1] == '\n') {
			struct agent_entry a;

			assert_int_equal(read_bytes(&a, mistakes[i].text, strlen(mistakes[i].text)), -EINVAL);
			assert_non_null(strstr(buf_text(&problem), mistakes[i].says));
			continue;
		}
		assert_wrong(mistakes[i].text, strlen(mistakes[i].text), mistakes[i].place, mistakes[i].says);
	}
}

static void phrase_has_an_end(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	buf_printf(&text, JSON({ "phrases" : { "apology" : "%0*d" } }), PHRASE_MAX + 1, 0);
	assert_wrong(buf_text(&text), text.len, "phrases.apology", "at most 1000 bytes");
	buf_free(&text);
}

/* A variant's phrases stand over the file's, one by one. */
static void variant_words_what_it_wants(void **state)
{
#define FILE_AND_VARIANT \
	"{\"phrases\":{\"busy\":\"A\",\"idle\":\"B\"},\"variants\":[{\"name\":\"v\",\"phrases\":{\"idle\":\"C\"}}]}"
	(void)state;
	assert_said(FILE_AND_VARIANT, phrases[PHRASE_BUSY], "A");
	assert_said(FILE_AND_VARIANT, phrases[PHRASE_IDLE], "C");
}

/* Words to leave are enough for "action": "message", as an instruction is. */
static void machine_may_get_a_phrase(void **state)
{
	(void)state;
	assert_said(
	    JSON({ "machine" : { "action" : "message" }, "phrases" : { "machine" : "Hello." } }), machine_message, "");
}

static void text_in_another_encoding_is_called_so(void **state)
{
	(void)state;
	assert_wrong("\xff\xfe{\0}\0", 6, "", "UTF-16");
	assert_wrong("\xfe\xff\0{\0}", 6, "", "UTF-16");
	assert_wrong("{\0}\0", 4, "", "UTF-16");
	assert_wrong("{\"a\0\":1}", 8, "line 1, column 4", "NUL");
}

static void all_mistakes_are_told_but_not_thousands(void **state)
{
	struct agent_entry a;
	struct buf text;
	int lines = 0;

	(void)state;
	assert_wrong("{\"voice\":1,\"speed\":9}", 21, "voice", "text");
	assert_non_null(strstr(buf_text(&problem), "x.json: speed: "));

	buf_init(&text, 0);
	buf_putc(&text, '{');
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "%s\"key%d\":1", i ? "," : "", i);
	buf_putc(&text, '}');
	assert_int_equal(read_bytes(&a, buf_text(&text), text.len), -EINVAL);
	for (const char *p = buf_text(&problem); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 41);
	assert_non_null(strstr(buf_text(&problem), "x.json: and there is more\n"));
	buf_free(&text);
}

static void tools_without_a_secret_are_a_mistake(void **state)
{
	static const char text[] = "{\"tools\":[{\"name\":\"a\",\"description\":\"d\",\"url\":\"https://h/\"}]}";
	const char *secret = cfg.signing_secret;

	(void)state;
	cfg.signing_secret = "";
	assert_wrong(text, strlen(text), "signing_secret_env", "SIGNING_SECRET");
	cfg.signing_secret = secret;
	agent_memory_release(good(text).memory);
}

static void a_variable_that_a_file_names_is_no_unknown_setting(void **state)
{
	const char *const environment[] = { CONFIG_NAMES_OF_FILE "=TEST_SECRET TEST_OTHER", "TEST_SECRET=s",
		"TEST_OTHER=s", NULL };
	struct buf said;

	(void)state;
	agent_memory_release(good(every_key).memory);
	buf_init(&said, 0);
	config_names((char *const *)(uintptr_t)environment, true, &said);
	assert_null(strstr(buf_text(&said), "TEST_SECRET"));
	assert_non_null(strstr(buf_text(&said), "TEST_OTHER"));
	buf_free(&said);
}

static void secrets_and_numbers_are_not_repeated(void **state)
{
	struct agent_entry a;
	const char *text = "{\"signing_secret_env\":\"TEST_BLANKS\",\"numbers\":[\"+1202555010x\"]}";

	(void)state;
	assert_int_equal(read_bytes(&a, text, strlen(text)), -EINVAL);
	assert_null(strstr(buf_text(&problem), "two words"));
	assert_null(strstr(buf_text(&problem), "+1202555010x"));
}

/* Any part of a good file: an error, never a crash, nor a leak. */
static void file_cut_anywhere_is_a_mistake(void **state)
{
	static const char text[] =
	    "{\"numbers\":[\"+12025550100\"],\"tools\":[{\"name\":\"a\",\"description\":\"d\",\"url\":\"https://h/\","
	    "\"parameters\":{\"type\":\"object\"}}],\"variants\":[{\"name\":\"a\"}]}";

	(void)state;
	for (size_t len = 0; len < sizeof text - 1; len++) {
		char *copy = malloc(len + 1); /* so that reading past its end is seen */
		struct agent_entry a;

		memcpy(copy, text, len);
		copy[len] = '\0';
		assert_int_equal(read_bytes(&a, copy, len), -EINVAL);
		free(copy);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_is_left_out_comes_from_the_settings),
	cmocka_unit_test(every_key_of_the_talk_goes_where_it_belongs),
	cmocka_unit_test(every_key_of_what_it_can_do_goes_where_it_belongs),
	cmocka_unit_test(text_comes_from_a_file_without_its_mark_and_blanks),
	cmocka_unit_test(stand_in_is_the_agent_by_gather_without_what_needs_sound),
	cmocka_unit_test(variant_is_the_file_and_what_it_says_besides),
	cmocka_unit_test(languages_are_those_of_the_transcription_unless_it_has_its_own),
	cmocka_unit_test(what_a_schema_holds_in_vain_is_noted),
	cmocka_unit_test(mistakes_are_told_with_their_place),
	cmocka_unit_test(text_in_another_encoding_is_called_so),
	cmocka_unit_test(phrase_has_an_end),
	cmocka_unit_test(variant_words_what_it_wants),
	cmocka_unit_test(machine_may_get_a_phrase),
	cmocka_unit_test(all_mistakes_are_told_but_not_thousands),
	cmocka_unit_test(tools_without_a_secret_are_a_mistake),
	cmocka_unit_test(a_variable_that_a_file_names_is_no_unknown_setting),
	cmocka_unit_test(secrets_and_numbers_are_not_repeated),
	cmocka_unit_test(file_cut_anywhere_is_a_mistake),
	GROUP(begin, end),
};
