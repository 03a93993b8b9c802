/* What an agent's file may say about ConversationRelay. */
#include "server/agents/agent.h"
#include "server/agents/agent_file.h"
#include "server/agents/agent_memory.h"

#include "tests/peers/setup.h"
#include "tests/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ONE_THREAD;

static struct config cfg;

static int begin(void **state)
{
	pairs_load(&cfg, (const char *const[]){ "OPENAI_VOICE", "verse", NULL });
	return written_begin(state);
}

static int end(void **state)
{
	config_free(&cfg);
	return written_end(state);
}

static int read_agent(struct agent_entry *out, const char *text)
{
	struct agent_text in = { .name = "x", .file = "x.json", .folder = ".", .text = text, .len = strlen(text) };

	buf_reset(&written);
	return agent_file_read(out, &cfg, &in, &written, &noted);
}

static void refuses(const char *relay, const char *sentence)
{
	struct agent_entry entry;
	char text[1200];

	snprintf(text, sizeof text, "{\"channel\": \"relay\", \"relay\": {%s}}", relay);
	if (!read_agent(&entry, text)) {
		agent_memory_release(entry.memory);
		fail_msg("taken: %s", relay);
	}
	if (!strstr(buf_text(&written), sentence))
		fail_msg("%s is told as: %s", relay, buf_text(&written));
}

static void gives(const char *relay, enum relay_attribute which, const char *value)
{
	struct agent_entry entry;
	const char *got;
	char text[1200];

	snprintf(text, sizeof text, "{\"channel\": \"relay\", \"languages\": [\"es\"], \"relay\": {%s}}", relay);
	if (read_agent(&entry, text))
		fail_msg("%s is refused: %s", relay, buf_text(&written));
	got = relay_attribute(entry.variants[0], which);
	if (value ? !got || strcmp(got, value) != 0 : got != NULL)
		fail_msg("%s: %s is %s", relay, relay_attribute_names[which], got ? got : "left out");
	agent_memory_release(entry.memory);
}

static void what_is_relied_on_is_always_written_and_nothing_else(void **state)
{
	static const char *const always[RELAY_ATTRIBUTE_COUNT] = { [RELAY_language] = "es-ES",
		[RELAY_ttsProvider] = "ElevenLabs",
		[RELAY_transcriptionProvider] = "Deepgram",
		[RELAY_interruptible] = "any",
		[RELAY_welcomeGreetingInterruptible] = "any",
		[RELAY_interruptSensitivity] = "high",
		[RELAY_dtmfDetection] = "true",
		[RELAY_reportInputDuringAgentSpeech] = "none",
		[RELAY_preemptible] = "false",
		[RELAY_debug] = "speaker-events tokens-played" };

	(void)state;
	for (int i = 0; i < RELAY_ATTRIBUTE_COUNT; i++)
		gives("", (enum relay_attribute)i, always[i]);
}

static void values_are_taken_as_people_write_them(void **state)
{
	(void)state;
	gives("\"ttsProvider\": \"elevenlabs\"", RELAY_ttsProvider, "ElevenLabs");
	gives("\"interruptible\": false", RELAY_interruptible, "none");
	gives("\"welcomeGreetingInterruptible\": true", RELAY_welcomeGreetingInterruptible, "any");
	gives("\"dtmfDetection\": false", RELAY_dtmfDetection, "false");
	gives("\"speechTimeout\": 800", RELAY_speechTimeout, "800");
	gives("\"speechTimeout\": \"auto\"", RELAY_speechTimeout, "auto");
	gives("\"speechModel\": \"flux\", \"eotThreshold\": 0.7", RELAY_eotThreshold, "0.7");
	gives("\"voice\": \"UgBBYS2sOqTuMpoF3BR0-flash_v2_5-1.0_0.5_0.8\"", RELAY_voice,
	    "UgBBYS2sOqTuMpoF3BR0-flash_v2_5-1.0_0.5_0.8");
	gives("\"debug\": \"Tokens-Played debugging\"", RELAY_debug, "tokens-played debugging speaker-events");
	gives("\"debug\": \"debugging\"", RELAY_debug, "debugging speaker-events tokens-played");
	gives("\"debug\": \"speaker-events tokens-played\"", RELAY_debug, "speaker-events tokens-played");
	gives("\"events\": \"tokens-played\"", RELAY_events, "tokens-played");
	gives("\"language\": \"multi\"", RELAY_language, "multi");
	gives("\"hints\": \"Zahnarzt Müller,Invisalign\"", RELAY_hints, "Zahnarzt Müller,Invisalign");
}

static void wrong_values_are_refused_with_a_sentence(void **state)
{
	(void)state;
	refuses("\"speechTimeout\": 599", "relay.speechTimeout: must be auto, or 600 to 5000 ms");
	refuses("\"speechTimeout\": 5001", "relay.speechTimeout: must be");
	refuses("\"speechTimeout\": 600.5", "relay.speechTimeout: must be");
	refuses("\"eotThreshold\": 0.7", "relay.eotThreshold: goes with \"speechModel\": \"flux\" only");
	refuses("\"speechModel\": \"flux\", \"eotThreshold\": 0.91", "relay.eotThreshold: must be a number from 0.5");
	refuses("\"speechModel\": \"flux\", \"eotThreshold\": \"nan\"", "relay.eotThreshold: must be a number");
	refuses("\"speechModel\": \"flux\", \"eotThreshold\": \"0x1p-1\"", "relay.eotThreshold: must be a number");
	refuses("\"speechModel\": \"flux\", \"eotThreshold\": \" 0.7\"", "relay.eotThreshold: must be a number");
	refuses("\"language\": \"multi\", \"ttsProvider\": \"Google\"", "relay.language: is multi, which is spoken by");
	refuses(
	    "\"language\": \"multi\", \"speechModel\": \"nova-3-medical\"", "relay.language: is multi, which is heard");
	refuses(
	    "\"languages\": [{\"code\": \"multi\", \"ttsProvider\": \"Amazon\"}]", "relay.languages[0].code: is multi");
	refuses("\"languages\": [{\"voice\": \"x\"}]", "relay.languages[0].code: is missing");
	refuses(
	    "\"languages\": [{\"code\": \"es-ES\"}, {\"code\": \"es-ES\"}]", "relay.languages[1].code: is the same");
	refuses("\"language\": \"Spanish\"", "relay.language: must be a language tag");
	refuses("\"ttsProvider\": \"Azure\"", "relay.ttsProvider: must be one of ElevenLabs/Google/Amazon");
	refuses("\"interruptible\": \"voice\"", "relay.interruptible: must be one of none/dtmf/speech/any");
	refuses("\"interruptible\": null", "relay.interruptible: must be one of none/dtmf");
	refuses("\"hints\": [\"a\"]", "relay.hints: must be one text of 1 to 4096 bytes");
	refuses("\"languages\": [\"es-ES\"]", "relay.languages[0]: must be an object, as in {\"code\": \"es-ES\"}");
	refuses("\"debug\": \"all\"", "relay.debug: must be one of");
	refuses("\"plays\": [\"http://a.example/x.mp3\"]", "relay.plays[0]: must look like https://");
	refuses("\"plays\": [\"https:///x.mp3\"]", "relay.plays[0]: must look like https://");
}

static void names_of_old_samples_get_a_sentence(void **state)
{
	(void)state;
	refuses("\"interruptByDtmf\": true", "relay.interruptByDtmf: is of old samples: interruptible says");
	refuses("\"voice\": \"alice\"", "relay.voice: is a voice of Twilio's <Say>");
	refuses("\"voice\": \"Polly.Joanna\"", "relay.voice: is written as for Twilio's <Say>");
	refuses("\"url\": \"wss://a.example/x?y=1\"", "relay.url: is made by this server: Twilio drops a query");
	refuses("\"speechtimeout\": 800", "did you mean \"speechTimeout\"?");
}

static void welcome_greeting_is_the_exact_greeting(void **state)
{
	struct agent_entry entry;

	(void)state;
	assert_int_equal(
	    read_agent(&entry, "{\"channel\": \"relay\", \"relay\": {\"welcomeGreeting\": \"Hi {{caller}}!\"}}"), 0);
	assert_int_equal(entry.variants[0]->greeting_mode, GREETING_EXACT);
	assert_string_equal(entry.variants[0]->greeting, "Hi {{caller}}!");
	agent_memory_release(entry.memory);
	refuses("\"welcomeGreeting\": \"\"", "relay.welcomeGreeting: must not be empty");
	refuses("\"welcomeGreeting\": true", "relay.welcomeGreeting: must be a text");
	refuses("\"welcomeGreeting\": \"Hi {{who}}!\"", "relay.welcomeGreeting: ");
	assert_null(strstr(buf_text(&written), "greeting.text")); /* it is there, if wrong */
}

/* A file with these keys beside the channel; what it is refused for, or noted. */
static const struct {
	const char *file, *wrong, *noted;
} pairs[] = {
	{ "\"greeting\": {\"text\": \"Hi\"}, \"relay\": {\"welcomeGreeting\": \"Ho\"}",
	    "x.json: relay.welcomeGreeting: is a greeting, and \"greeting\" is another: leave one out\n", "" },
	{ "\"greeting\": {\"mode\": \"wait\"}, \"relay\": {\"welcomeGreeting\": \"Ho\"}",
	    "x.json: relay.welcomeGreeting: is a greeting, and \"greeting\" is another: leave one out\n", "" },
	{ "\"greeting\": {\"mode\": \"exact\", \"protect_ms\": 5}, \"relay\": {\"welcomeGreeting\": \"Ho\"}", "", "" },
	{ "\"relay\": {\"voice\": \"a\"}, \"transcription\": {\"language\": \"es\"}, \"interruptible\": false", "",
	    "" },
	{ "\"voice\": \"marin\", \"turn_detection\": {\"type\": \"semantic_vad\"}", "",
	    "x.json: voice: has no effect with \"channel\": \"relay\", where Twilio hears and speaks\n"
	    "x.json: turn_detection: has no effect with \"channel\": \"relay\", where Twilio hears and speaks\n" },
	{ "\"channel\": \"stream\", \"voice\": \"marin\", \"relay\": {\"voice\": \"a\"}", "",
	    "x.json: relay: has no effect without \"channel\": \"relay\"\n" },
	/* What variants share may be meant for some of them. */
	{ "\"voice\": \"marin\", \"variants\": [{\"name\": \"a\", \"channel\": \"stream\"}, {\"name\": \"b\"}]", "",
	    "" },
	{ "\"variants\": [{\"name\": \"a\"}, {\"name\": \"b\", \"speed\": 1.2}]", "",
	    "x.json: variants[1].speed: has no effect with \"channel\": \"relay\", where Twilio hears and speaks\n" },
};

static void keys_without_effect_are_noted_and_two_greetings_refused(void **state)
{
	struct config relay;

	(void)state;
	pairs_load(&relay, (const char *const[]){ "CHANNEL", "relay", NULL });
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct agent_entry entry;
		struct agent_text in = { .name = "x", .file = "x.json", .folder = "." };
		char text[400];
		int err;

		in.len = (size_t)snprintf(text, sizeof text, "{%s}", pairs[i].file);
		in.text = text;
		buf_reset(&written);
		buf_reset(&noted);
		err = agent_file_read(&entry, &relay, &in, &written, &noted);
		if (!err)
			agent_memory_release(entry.memory);
		assert_string_equal(buf_text(&written), pairs[i].wrong);
		assert_string_equal(buf_text(&noted), pairs[i].noted);
	}
	config_free(&relay);
}

/* The line of --check has the voice that is heard. */
static void a_line_tells_of_channel_protocol_and_voice(void **state)
{
	static const char *const lines[][2] = {
		{ "{}", " model=gpt-realtime-2.1 voice=verse " },
		{ "{\"channel\": \"relay\"}", " channel=relay model=gpt-realtime-2.1 voice=ElevenLabs/its-own " },
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\", \"relay\": {\"ttsProvider\": \"Google\", \"voice\": \"v\"}}",
		    " channel=relay model_protocol=text model=gpt-5.6-luna voice=Google/v " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct agent_entry entry;

		assert_int_equal(read_agent(&entry, lines[i][0]), 0);
		buf_reset(&written);
		agent_describe(entry.variants[0], true, &written);
		agent_memory_release(entry.memory);
		assert_non_null(strstr(buf_text(&written), lines[i][1]));
	}
}

static void channel_goes_with_some_models_and_recordings(void **state)
{
	static const struct {
		const char *file, *sentence;
	} cases[] = {
		{ "{\"channel\": \"gather\"}", NULL },
		{ "{\"model_protocol\": \"text\"}", "x.json: channel: is stream, which carries sound" },
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\", \"mcp_servers\": [{\"label\": \"l\", \"url\": "
		  "\"https://m.example/\"}]}",
		    "x.json: mcp_servers: go with \"model_protocol\": \"realtime\" only" },
		{ "{\"channel\": \"relay\", \"record\": \"local\"}",
		    "channel: is relay or gather, where no sound passes here" },
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\", \"record\": \"twilio\"}", NULL },
		{ "{\"channel\": \"relay\"}", NULL },
		{ "{\"variants\": [{\"name\": \"a\"}, {\"name\": \"b\", \"channel\": \"gather\", \"record\": \"local\"}]}",
		    "variants[1].channel: is relay or gather" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct agent_entry entry;
		int err = read_agent(&entry, cases[i].file);

		if (!err)
			agent_memory_release(entry.memory);
		if (!err != !cases[i].sentence || (err && !strstr(buf_text(&written), cases[i].sentence)))
			fail_msg("%s: %d %s", cases[i].file, err, buf_text(&written));
	}
}

/* The model is the setting's of that protocol, unless the file names one. */
static void the_model_goes_with_its_protocol(void **state)
{
	static const struct {
		const char *file, *model;
	} cases[] = {
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\"}", "gpt-5.6-luna" },
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\", \"model\": \"x\"}", "x" },
		{ "{\"channel\": \"relay\"}", "gpt-realtime-2.1" },
		{ "{\"channel\": \"relay\", \"model_protocol\": \"text\", \"variants\": [{\"name\": \"a\", "
		  "\"model_protocol\": \"realtime\"}]}",
		    "gpt-realtime-2.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct agent_entry entry;

		assert_int_equal(read_agent(&entry, cases[i].file), 0);
		assert_string_equal(entry.variants[0]->openai_model, cases[i].model);
		agent_memory_release(entry.memory);
	}
}

const struct CMUnitTest unit_tests[] = {
	cmocka_unit_test(what_is_relied_on_is_always_written_and_nothing_else),
	cmocka_unit_test(values_are_taken_as_people_write_them),
	cmocka_unit_test(wrong_values_are_refused_with_a_sentence),
	cmocka_unit_test(names_of_old_samples_get_a_sentence),
	cmocka_unit_test(welcome_greeting_is_the_exact_greeting),
	cmocka_unit_test(keys_without_effect_are_noted_and_two_greetings_refused),
	cmocka_unit_test(a_line_tells_of_channel_protocol_and_voice),
	cmocka_unit_test(channel_goes_with_some_models_and_recordings),
	cmocka_unit_test(the_model_goes_with_its_protocol),
	GROUP(begin, end),
};
