#include "server/agents/relay_options.h"

#include "common/json.h"
#include "server/agents/agent.h"
#include "server/agents/reader.h"
#include "server/config/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LANGUAGES_MAX = 32, PLAYS_MAX = 64, VALUE_MAX = 4096 };

const char *const relay_attribute_names[RELAY_ATTRIBUTE_COUNT] = {
#define X(name) #name,
	RELAY_ATTRIBUTES(X)
#undef X
};

/* ----------------------------------------------------------------- values of one kind */

/* multi: found by Twilio. */
static const char *check_language_tag(const char *text)
{
	return is_language_tag(text) || !strcmp(text, "multi") ? NULL : "must be a language tag, as in es-ES, or multi";
}

/* Those of <Say> are not known to ConversationRelay, and the caller would hear nothing. */
static const char *check_voice(const char *text)
{
	static const char *const say[] = { "alice", "man", "woman" };

	for (size_t i = 0; i < sizeof say / sizeof *say; i++)
		if (!strcasecmp(text, say[i]))
			return "is a voice of Twilio's <Say>; ConversationRelay wants one of its ttsProvider's";
	if (!strncmp(text, "Polly.", 6) || !strncmp(text, "Google.", 7))
		return "is written as for Twilio's <Say>; here the provider stands in ttsProvider, as in Joanna-Neural";
	return check_token(text);
}

static const char *check_speech_timeout(const char *text)
{
	size_t n = strspn(text, "0123456789");
	long ms = strtol(text, NULL, 10);

	if (!strcmp(text, "auto") || (!text[n] && n && n < 5 && ms >= 600 && ms <= 5000))
		return NULL;
	return "must be auto, or 600 to 5000 ms: Twilio refuses less, and the call would have no voice";
}

static const char *check_eot_threshold(const char *text)
{
	bool plain = !text[strspn(text, "0123456789.")];
	char *end;
	double value = strtod(text, &end);

	return plain && !*end && value >= 0.5 && value <= 0.9 ? NULL : "must be a number from 0.5 to 0.9";
}

#define INPUTS "none|dtmf|speech|any"
#define BOOLEAN "true|false"
#define HEARD "speaker-events|tokens-played"

/* The rule of each value. Of `words` the case does not matter, and Twilio gets them as they
 * stand here; "a|b" with `several` may be written together, with blanks between, and those of
 * `always` are added: what was heard is known by them. */
static const struct rule {
	const char *words, *always;
	const char *(*check)(const char *);
	bool several;
} rules[RELAY_ATTRIBUTE_COUNT] = {
	[RELAY_welcomeGreetingInterruptible] = { .words = INPUTS },
	[RELAY_language] = { .check = check_language_tag },
	[RELAY_ttsLanguage] = { .check = check_language_tag },
	[RELAY_ttsProvider] = { .words = "ElevenLabs|Google|Amazon" },
	[RELAY_voice] = { .check = check_voice },
	[RELAY_transcriptionLanguage] = { .check = check_language_tag },
	[RELAY_transcriptionProvider] = { .words = "Deepgram|Google" },
	[RELAY_speechModel] = { .check = check_name },
	[RELAY_interruptible] = { .words = INPUTS },
	[RELAY_interruptSensitivity] = { .words = "low|medium|high" },
	[RELAY_dtmfDetection] = { .words = BOOLEAN },
	[RELAY_reportInputDuringAgentSpeech] = { .words = INPUTS },
	[RELAY_preemptible] = { .words = BOOLEAN },
	[RELAY_hints] = { .check = check_prose },
	[RELAY_debug] = { .words = "debugging|" HEARD, .always = HEARD, .several = true },
	[RELAY_elevenlabsTextNormalization] = { .words = "on|auto|off" },
	[RELAY_intelligenceService] = { .check = check_token },
	[RELAY_events] = { .words = HEARD, .several = true },
	[RELAY_partialPrompts] = { .words = BOOLEAN },
	[RELAY_speechTimeout] = { .check = check_speech_timeout },
	[RELAY_eotThreshold] = { .check = check_eot_threshold },
	[RELAY_ignoreBackchannel] = { .words = BOOLEAN },
	[RELAY_deepgramSmartFormat] = { .words = BOOLEAN },
	[RELAY_profanityFilter] = { .words = BOOLEAN },
	[RELAY_backgroundNoiseReduction] = { .check = check_token },
	[RELAY_turnDetection] = { .check = check_token },
	[RELAY_conversationConfiguration] = { .check = check_token },
	[RELAY_conversationId] = { .check = check_token },
};

/* The word of `words` that is meant, with its length; NULL: none of them. */
static const char *word_of(const char *words, const char *text, size_t len, size_t *n)
{
	for (; *words; words += *n + (words[*n] == '|')) {
		*n = strcspn(words, "|");
		if (*n == len && !strncasecmp(words, text, len))
			return words;
	}
	return NULL;
}

static void put_always(struct buf *out, const char *words)
{
	for (size_t n; *words; words += n + (words[n] == '|')) {
		char word[32];

		n = strcspn(words, "|");
		snprintf(word, sizeof word, "%.*s", (int)n, words);
		if (!strstr(buf_text(out), word))
			buf_printf(out, "%s%s", out->len ? " " : "", word);
	}
}

/* Appends the words as they are to be written. False: one of them is none. */
static bool put_words(struct buf *out, const struct rule *rule, const char *text)
{
	do {
		size_t len = rule->several ? strcspn(text, " ") : strlen(text), n;
		const char *word = word_of(rule->words, text, len, &n);

		if (!word)
			return false;
		buf_printf(out, "%s%.*s", out->len ? " " : "", (int)n, word);
		text += len + (text[len] == ' ');
	} while (*text);
	if (rule->always)
		put_always(out, rule->always);
	return true;
}

/* JSON has numbers and booleans of its own; for what interrupts, Twilio takes booleans too. */
static const char *as_text(const struct rule *rule, const cJSON *value, char number[32])
{
	if (cJSON_IsBool(value) && rule->words && !strcmp(rule->words, INPUTS))
		return cJSON_IsTrue(value) ? "any" : "none";
	if (cJSON_IsBool(value))
		return cJSON_IsTrue(value) ? "true" : "false";
	if (cJSON_IsNumber(value)) {
		snprintf(number, 32, "%.10g", value->valuedouble);
		return number;
	}
	return cJSON_IsString(value) && *value->valuestring ? value->valuestring : NULL;
}

/* Kept, or NULL after telling what is wrong. */
static const char *read_value(struct reader *r, const struct rule *rule, const cJSON *value)
{
	const char *how = NULL, *kept = NULL, *text;
	struct buf words;
	char number[32];

	text = as_text(rule, value, number);
	if ((!text && !rule->words) || (text && strlen(text) > VALUE_MAX)) {
		reader_wrong(r, "must be one text of 1 to %d bytes in quotation marks", VALUE_MAX);
		return NULL;
	}
	buf_init(&words, 0);
	if (rule->words && (!text || !put_words(&words, rule, text)))
		reader_wrong_word(r, rule->words);
	else if (!rule->words && (how = rule->check(text)))
		reader_wrong(r, "%s", how);
	else if (rule->words)
		kept = agent_memory_keep(r->memory, buf_text(&words), words.len);
	else
		kept = agent_memory_keep(r->memory, text, strlen(text));
	buf_free(&words);
	return kept;
}

/* ------------------------------------------------------------------------- the object */

/* The last name of the place being read. */
static const char *key_of(const struct reader *r)
{
	const char *dot = strrchr(r->path, '.');

	return dot ? dot + 1 : r->path;
}

static void read_attribute(struct reader *r, const cJSON *value, void *agent)
{
	struct relay *relay = &((struct agent *)agent)->relay;

	for (int i = 0; i < RELAY_ATTRIBUTE_COUNT; i++)
		if (!strcmp(relay_attribute_names[i], key_of(r)))
			relay->attributes[i] = read_value(r, &rules[i], value);
}

/* The agent's greeting, in exactly these words: Twilio speaks them. */
static void read_welcome(struct reader *r, const cJSON *value, void *agent)
{
	const char *text = reader_text(r, value, VALUE_MAX);
	struct agent *p = agent;

	if (text && !*text)
		reader_wrong(r, "must not be empty");
	if (!text || !*text)
		return;
	p->greeting_mode = GREETING_EXACT;
	reader_template(r, text, &p->greeting);
}

/* Names that only old samples use, and what became of them. */
static void refuse_old(struct reader *r, const cJSON *value, void *agent)
{
	static const struct {
		const char *name, *tell;
	} old[] = {
		{ "interruptByDtmf", "is of old samples: interruptible says what interrupts, as in \"any\"" },
		{ "interruptBySpeech", "is of old samples: interruptible says what interrupts, as in \"any\"" },
		{ "profanityfilter", "is spelt profanityFilter" },
		{ "url", "is made by this server: Twilio drops a query string, and the token stands in the path" },
		{ "action", "is made by this server: /twilio/connect-action" },
	};

	(void)value, (void)agent;
	for (size_t i = 0; i < sizeof old / sizeof *old; i++)
		if (!strcmp(old[i].name, key_of(r)))
			reader_wrong(r, "%s", old[i].tell);
}

#define VALUE(name, field) \
	static void read_##name(struct reader *r, const cJSON *value, void *language) \
	{ \
		const char *kept = read_value(r, &rules[RELAY_##name], value); \
\
		if (kept) \
			((struct relay_language *)language)->field = kept; \
	}

VALUE(language, code)
VALUE(ttsProvider, tts_provider)
VALUE(voice, voice)
VALUE(transcriptionProvider, transcription_provider)
VALUE(speechModel, speech_model)
#undef VALUE

static const struct key language_keys[] = {
	{ "code", .read = read_language, .required = true },
	{ "ttsProvider", .read = read_ttsProvider },
	{ "voice", .read = read_voice },
	{ "transcriptionProvider", .read = read_transcriptionProvider },
	{ "speechModel", .read = read_speechModel },
	{ .name = NULL },
};

static void read_languages(struct reader *r, const cJSON *list, void *agent)
{
	struct relay *relay = &((struct agent *)agent)->relay;
	size_t n = reader_array(r, list, LANGUAGES_MAX);
	struct relay_language *items = n ? agent_memory_alloc(r->memory, n * sizeof *items) : NULL;
	const cJSON *value = n ? list->child : NULL;

	relay->languages = items;
	relay->language_count = items ? n : 0;
	for (size_t i = 0; i < relay->language_count; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);

		items[i] = (struct relay_language){ "", "", "", "", "" };
		if (cJSON_IsString(value))
			reader_wrong(r, "must be an object, as in {\"code\": \"es-ES\"}");
		else
			reader_object(r, value, language_keys, NULL, &items[i]);
		for (size_t j = 0; j < i && *items[i].code; j++)
			if (!strcmp(items[i].code, items[j].code))
				reader_wrong_at(r, "code", "is the same as that of [%zu]", j);
		reader_leave(r, mark);
	}
}

static const char *check_sound(const char *text)
{
	const char *host = text + strlen("https://");
	size_t n = strcspn(text, " \t\r\n\"'<>\\");

	return !strncmp(text, "https://", 8) && *host && *host != '/' && !text[n]
		   ? NULL
		   : "must look like https://host/sound.mp3: Twilio fetches it";
}

static void read_plays(struct reader *r, const cJSON *list, void *agent)
{
	static const struct rule sound = { .check = check_sound };
	struct relay *relay = &((struct agent *)agent)->relay;
	size_t n = reader_array(r, list, PLAYS_MAX);
	const char **kept = n ? agent_memory_alloc(r->memory, n * sizeof *kept) : NULL;
	const cJSON *value = n ? list->child : NULL;

	relay->plays = kept;
	relay->play_count = 0;
	for (size_t i = 0; kept && i < n; i++, value = value->next) {
		size_t mark = reader_enter_element(r, i);
		const char *text = read_value(r, &sound, value);

		if (text)
			kept[relay->play_count++] = text;
		reader_leave(r, mark);
	}
}

void relay_read(struct reader *r, const cJSON *value, void *agent)
{
	static const struct key keys[] = {
		{ "welcomeGreeting", .read = read_welcome },
#define X(name) { #name, .read = read_attribute },
		RELAY_ATTRIBUTES(X)
#undef X
		    { "languages", .read = read_languages },
		{ "plays", .read = read_plays },
		{ "interruptByDtmf", .read = refuse_old },
		{ "interruptBySpeech", .read = refuse_old },
		{ "url", .read = refuse_old },
		{ "action", .read = refuse_old },
		{ .name = NULL },
	};

	reader_object(r, value, keys, NULL, agent);
}

/* ------------------------------------------------------------------------ as a whole */

/* Defaults of Twilio's have changed over time, so those we rely on are written out. */
const char *relay_attribute(const struct agent *p, enum relay_attribute which)
{
	if (p->relay.attributes[which])
		return p->relay.attributes[which];
	switch (which) {
	case RELAY_language:
		return agent_language_tag(p, "en-US");
	case RELAY_ttsProvider:
		return "ElevenLabs";
	case RELAY_transcriptionProvider:
		return "Deepgram";
	case RELAY_interruptible:
	case RELAY_welcomeGreetingInterruptible:
		return p->interruptible ? "any" : "dtmf";
	case RELAY_interruptSensitivity:
		return "high";
	case RELAY_dtmfDetection:
		return "true";
	case RELAY_reportInputDuringAgentSpeech:
		return "none";
	case RELAY_preemptible:
		return "false";
	case RELAY_debug:
		return "speaker-events tokens-played";
	default:
		return NULL;
	}
}

static bool is_multi(const char *tag)
{
	return tag && !strcmp(tag, "multi");
}

/* Twilio finds a language by itself with these only. */
static bool finds_languages(const char *provider, const char *model)
{
	return !strcmp(provider, "Deepgram") &&
	       (!model || !*model || !strcmp(model, "nova-2-general") || !strcmp(model, "nova-3-general"));
}

#define SPEAKS_MULTI "is multi, which is spoken by ElevenLabs only"
#define HEARS_MULTI "is multi, which is heard by Deepgram's nova-2-general and nova-3-general only"

static void check_multi(struct reader *r, const struct agent *p)
{
	const char *const language = relay_attribute(p, RELAY_language);
	const char *const model = p->relay.attributes[RELAY_speechModel];
	const char *provider = relay_attribute(p, RELAY_transcriptionProvider);
	bool speaks = !strcmp(relay_attribute(p, RELAY_ttsProvider), "ElevenLabs");
	bool hears = finds_languages(provider, model);
	const char *spoken = p->relay.attributes[RELAY_ttsLanguage],
		   *heard = p->relay.attributes[RELAY_transcriptionLanguage];

	if (is_multi(spoken ? spoken : language) && !speaks)
		reader_wrong_at(r, spoken ? "relay.ttsLanguage" : "relay.language", SPEAKS_MULTI);
	if (is_multi(heard ? heard : language) && !hears)
		reader_wrong_at(r, heard ? "relay.transcriptionLanguage" : "relay.language", HEARS_MULTI);
	for (size_t i = 0; i < p->relay.language_count; i++) {
		const struct relay_language *l = &p->relay.languages[i];
		char place[48];

		snprintf(place, sizeof place, "relay.languages[%zu].code", i);
		if (!is_multi(l->code))
			continue;
		if (*l->tts_provider ? strcmp(l->tts_provider, "ElevenLabs") != 0 : !speaks)
			reader_wrong_at(r, place, SPEAKS_MULTI);
		if (!finds_languages(*l->transcription_provider ? l->transcription_provider : provider,
			*l->speech_model ? l->speech_model : model))
			reader_wrong_at(r, place, HEARS_MULTI);
	}
}

void relay_check(struct reader *r, const struct agent *p)
{
	const char *channel = agent_channel_problem(p->channel, p->model_protocol, p->record);
	const char *model = p->relay.attributes[RELAY_speechModel];

	if (channel)
		reader_wrong_at(r, "channel", "%s", channel);
	check_multi(r, p);
	if (p->relay.attributes[RELAY_eotThreshold] && (!model || strncmp(model, "flux", 4) != 0))
		reader_wrong_at(r, "relay.eotThreshold", "goes with \"speechModel\": \"flux\" only");
}

void relay_check_keys(struct reader *r, const cJSON *keys, const struct agent *p)
{
	static const char *const of_sound[] = { "voice", "speed", "noise_reduction", "turn_detection" };
	const cJSON *relay = json_get(keys, "relay"), *greeting = json_get(keys, "greeting");
	const char *mode = json_str(greeting, "mode");
	bool greets = json_get(greeting, "text") || (mode && strcmp(mode, "exact") != 0);

	if (greets && json_get(relay, "welcomeGreeting"))
		reader_wrong_at(
		    r, "relay.welcomeGreeting", "is a greeting, and \"greeting\" is another: leave one out");
	if (relay && p->channel != CHANNEL_RELAY)
		reader_note_at(r, "relay", "has no effect without \"channel\": \"relay\"");
	for (size_t i = 0; agent_in_text(p) && i < sizeof of_sound / sizeof *of_sound; i++)
		if (json_get(keys, of_sound[i]))
			reader_note_at(r, of_sound[i],
			    p->channel == CHANNEL_RELAY
				? "has no effect with \"channel\": \"relay\", where Twilio hears and speaks"
				: "has no effect with \"channel\": \"gather\", where Twilio hears and speaks");
}
