#include "tools/phone/relay_twiml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* What a value may be. */
enum form { FORM_TEXT, FORM_URL, FORM_LANGUAGE, FORM_VOICE, FORM_ONE_OF, FORM_SOME_OF, FORM_TIMEOUT, FORM_THRESHOLD };

struct attribute {
	const char *name;
	enum form form;
	const char *words; /* space before and after each */
};

#define BOOLEAN FORM_ONE_OF, " true false "
#define INPUTS FORM_ONE_OF, " none dtmf speech any true false "
#define SPEAKERS FORM_ONE_OF, " Google Amazon ElevenLabs "
#define LISTENERS FORM_ONE_OF, " Google Deepgram "

static const struct attribute relay_attributes[] = {
	{ "url", FORM_URL, NULL },
	{ "welcomeGreeting", FORM_TEXT, NULL },
	{ "welcomeGreetingInterruptible", INPUTS },
	{ "language", FORM_LANGUAGE, NULL },
	{ "ttsLanguage", FORM_LANGUAGE, NULL },
	{ "ttsProvider", SPEAKERS },
	{ "voice", FORM_VOICE, NULL },
	{ "transcriptionLanguage", FORM_LANGUAGE, NULL },
	{ "transcriptionProvider", LISTENERS },
	{ "speechModel", FORM_TEXT, NULL },
	{ "interruptible", INPUTS },
	{ "interruptSensitivity", FORM_ONE_OF, " low medium high " },
	{ "dtmfDetection", BOOLEAN },
	{ "reportInputDuringAgentSpeech", FORM_ONE_OF, " none dtmf speech any " },
	{ "preemptible", BOOLEAN },
	{ "hints", FORM_TEXT, NULL },
	{ "debug", FORM_SOME_OF, " debugging speaker-events tokens-played " },
	{ "elevenlabsTextNormalization", FORM_ONE_OF, " on auto off " },
	{ "intelligenceService", FORM_TEXT, NULL },
	/* of 2026 */
	{ "events", FORM_SOME_OF, " speaker-events tokens-played " },
	{ "partialPrompts", BOOLEAN },
	{ "speechTimeout", FORM_TIMEOUT, NULL },
	{ "eotThreshold", FORM_THRESHOLD, NULL },
	{ "ignoreBackchannel", BOOLEAN },
	{ "deepgramSmartFormat", BOOLEAN },
	{ "profanityFilter", BOOLEAN },
	{ "backgroundNoiseReduction", FORM_TEXT, NULL },
	{ "turnDetection", FORM_TEXT, NULL },
	{ "conversationConfiguration", FORM_TEXT, NULL },
	{ "conversationId", FORM_TEXT, NULL },
};

static const struct attribute language_attributes[] = {
	{ "code", FORM_LANGUAGE, NULL },
	{ "ttsProvider", SPEAKERS },
	{ "voice", FORM_VOICE, NULL },
	{ "transcriptionProvider", LISTENERS },
	{ "speechModel", FORM_TEXT, NULL },
};

static bool listed(const char *list, const char *word, size_t n)
{
	if (!n)
		return false;
	for (const char *at = list; (at = strstr(at, " ")); at++)
		if (strncmp(at + 1, word, n) == 0 && at[1 + n] == ' ')
			return true;
	return false;
}

static bool all_listed(const char *list, const char *words)
{
	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		size_t n = strcspn(words, " ");

		if (!listed(list, words, n))
			return false;
		words += n;
	}
	return true;
}

/* `multi`, or subtags of up to eight letters and digits, the first of letters (RFC 5646). */
static bool is_language(const char *tag)
{
	size_t subtags = 0, n;

	for (;; tag += n + 1, subtags++) {
		for (n = 0; isalnum((unsigned char)tag[n]); n++)
			if (!subtags && !isalpha((unsigned char)tag[n]))
				return false;
		if (n < (subtags ? 1 : 2) || n > 8)
			return false;
		if (tag[n] != '-')
			return !tag[n];
	}
}

static bool is_number(const char *text, double least, double most)
{
	char *end;
	double n = strtod(text, &end);

	return isdigit((unsigned char)*text) && !*end && n >= least && n <= most;
}

static bool fits(const struct attribute *a, const char *value)
{
	switch (a->form) {
	case FORM_URL:
		return strncmp(value, "wss://", 6) == 0 && value[6] && !strpbrk(value, " <>\"?#");
	case FORM_LANGUAGE:
		return is_language(value);
	case FORM_VOICE: /* names of <Say>, which is spoken by others */
		return *value && !listed(" alice man woman ", value, strlen(value)) &&
		       strncmp(value, "Google.", 7) != 0 && strncmp(value, "Polly.", 6) != 0;
	case FORM_ONE_OF:
		return listed(a->words, value, strlen(value));
	case FORM_SOME_OF:
		return all_listed(a->words, value);
	case FORM_TIMEOUT:
		return strcmp(value, "auto") == 0 || (is_number(value, 600, 5000) && !strchr(value, '.'));
	case FORM_THRESHOLD:
		return is_number(value, 0.5, 0.9);
	default:
		return true;
	}
}

static void check(const struct xml *x, const struct attribute *table, size_t count, struct text *notes)
{
	for (const struct xml_attr *a = x->attrs; a; a = a->next) {
		size_t i = 0;

		while (i < count && strcmp(table[i].name, a->name) != 0)
			i++;
		if (i == count)
			text_printf(notes, "12200 attribute %s is not known on <%s>\n", a->name, x->name);
		else if (!fits(&table[i], a->value))
			text_printf(
			    notes, "64101 %s=\"%.60s\" on <%s> is no value of it\n", a->name, a->value, x->name);
	}
}

static const char *attr(const struct xml *x, const char *name, const char *otherwise)
{
	const char *value = xml_attr(x, name);

	return value ? value : otherwise;
}

static bool is(const char *value, const char *word)
{
	return value && strcmp(value, word) == 0;
}

/* What goes together: of the whole, or of one <Language>, whose own values come first. */
static void check_together(
    const struct xml *x, const struct xml *whole, const char *speaks, const char *hears, struct text *notes)
{
	const char *speaker = attr(x, "ttsProvider", attr(whole, "ttsProvider", "ElevenLabs"));
	const char *listener = attr(x, "transcriptionProvider", attr(whole, "transcriptionProvider", "Deepgram"));
	const char *model = attr(x, "speechModel", attr(whole, "speechModel", "nova-3-general"));
	bool deepgram = is(listener, "Deepgram");

	if (is(speaks, "multi") && !is(speaker, "ElevenLabs"))
		text_printf(notes, "64101 multi needs ElevenLabs to be spoken, not %s\n", speaker);
	if (is(hears, "multi") && !(deepgram && (is(model, "nova-2-general") || is(model, "nova-3-general"))))
		text_printf(
		    notes, "64101 multi needs Deepgram nova-2-general or nova-3-general, not %s %s\n", listener, model);
	if (!deepgram && xml_attr(x, "speechModel") && (strncmp(model, "nova-", 5) == 0 || is(model, "flux")))
		text_printf(notes, "64101 speechModel %s is not one of %s's\n", model, listener);
	if (x == whole && xml_attr(x, "eotThreshold") && !(deepgram && strncmp(model, "flux", 4) == 0))
		text_printf(notes, "64101 eotThreshold is for Deepgram's flux, not %s %s\n", listener, model);
}

static int inputs(const char *value)
{
	return is(value, "none") || is(value, "false") ? INPUT_NONE
	       : is(value, "dtmf")                     ? INPUT_DTMF
	       : is(value, "speech")                   ? INPUT_SPEECH
						       : INPUT_ANY;
}

static bool subscribes(const struct xml *x, const char *what)
{
	return listed(" debugging speaker-events tokens-played ", what, strlen(what)) &&
	       (strstr(attr(x, "debug", ""), what) || strstr(attr(x, "events", ""), what));
}

static void read_language(struct relay_noun *r, const struct xml *x, const struct xml *whole, struct text *notes)
{
	const char *code = xml_attr(x, "code");

	check(x, language_attributes, sizeof language_attributes / sizeof *language_attributes, notes);
	if (!code) {
		text_puts(notes, "64101 a <Language> has no code\n");
		return;
	}
	for (size_t i = 0; i < r->language_count; i++)
		if (is(code, r->language[i]))
			text_printf(notes, "64101 <Language> %s is there twice\n", code);
	check_together(x, whole, code, code, notes);
	if (r->language_count < RELAY_LANGUAGES_MAX)
		r->language[r->language_count++] = need_copy(code);
}

struct relay_noun *relay_noun_read(const struct xml *x, struct text *notes)
{
	struct relay_noun *r = need(sizeof *r);
	const char *language = attr(x, "language", "en-US");

	check(x, relay_attributes, sizeof relay_attributes / sizeof *relay_attributes, notes);
	*r = (struct relay_noun){
		.greeting = need_copy(attr(x, "welcomeGreeting", "")),
		.speaks = need_copy(attr(x, "ttsLanguage", language)),
		.hears = need_copy(attr(x, "transcriptionLanguage", language)),
		.interruptible = inputs(attr(x, "interruptible", "any")),
		.greeting_interruptible = inputs(attr(x, "welcomeGreetingInterruptible", "any")),
		.reported = inputs(attr(x, "reportInputDuringAgentSpeech", "none")),
		.keys = is(xml_attr(x, "dtmfDetection"), "true"),
		.partials = is(xml_attr(x, "partialPrompts"), "true"),
		.preemptible = is(xml_attr(x, "preemptible"), "true"),
		.debugging = subscribes(x, "debugging"),
		.speaker_events = subscribes(x, "speaker-events"),
		.tokens_played = subscribes(x, "tokens-played"),
	};
	check_together(x, x, r->speaks, r->hears, notes);
	for (const struct xml *child = x->children; child; child = child->next)
		if (is(child->name, "Language"))
			read_language(r, child, x, notes);
	return r;
}

void relay_noun_free(struct relay_noun *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->language_count; i++)
		free(r->language[i]);
	free(r->greeting);
	free(r->speaks);
	free(r->hears);
	free(r);
}

bool relay_noun_speaks(const struct relay_noun *r, const char *language)
{
	for (size_t i = 0; i < r->language_count; i++)
		if (is(language, r->language[i]))
			return true;
	return is(language, r->speaks) || is(language, r->hears);
}
