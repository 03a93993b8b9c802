#include "server/config/config_names.h"

#include "server/config/config_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	NAME_MOST = 48,  /* longer names resemble none of ours */
	ASKED_MOST = 256 /* names that agents' files give */
};

static char *asked[ASKED_MOST]; /* owned, for the life of the process */
static size_t asked_count;

static bool is_asked(const char *name)
{
	for (size_t i = 0; i < asked_count; i++)
		if (strcmp(asked[i], name) == 0)
			return true;
	return false;
}

const char *config_env(const char *name)
{
	if (asked_count < ASKED_MOST && !is_asked(name) && (asked[asked_count] = strdup(name)))
		asked_count++;
	return getenv(name);
}

/* ----------------------------------------------------------------- names of others */

#define PROXY_TLS "TLS is the business of a proxy in front, see README.md"
#define NUMBERS "the numbers stand in the agents' files (AGENTS_DIR)"

/* Names that similar programs use, with blanks between, and what to tell of them: what the setting
 * is called here, or why there is none. One with a ? has other meanings in many environments, so
 * it is told only if it stands in .env. */
static const struct {
	const char *names, *tell;
} others[] = {
	{ "OPENAI_KEY OPENAI_TOKEN OPENAI_SECRET_KEY AZURE_OPENAI_API_KEY AZURE_OPENAI_KEY", "OPENAI_API_KEY" },
	{ "OPENAI_BASE_URL OPENAI_API_BASE OPENAI_URL OPENAI_API_URL OPENAI_WS_URL OPENAI_ENDPOINT "
	  "REALTIME_URL AZURE_OPENAI_ENDPOINT",
	    "OPENAI_REALTIME_URL" },
	{ "OPENAI_REALTIME_MODEL REALTIME_MODEL AZURE_OPENAI_DEPLOYMENT "
	  "AZURE_OPENAI_DEPLOYMENT_NAME",
	    "OPENAI_MODEL" },
	{ "OPENAI_ORG OPENAI_ORG_ID OPENAI_ORGANIZATION_ID", "OPENAI_ORGANIZATION" },
	{ "OPENAI_PROJECT_ID", "OPENAI_PROJECT" },
	{ "OPENAI_API_VERSION AZURE_OPENAI_API_VERSION", "the interface spoken here has no version" },
	{ "OPENAI_TEMPERATURE TEMPERATURE", "the models of this interface take none" },
	{ "VOICE OPENAI_REALTIME_VOICE VOICE_ID", "OPENAI_VOICE" },
	{ "TTS_PROVIDER TTS_VOICE TTS_LANGUAGE ELEVENLABS_VOICE_ID STT_PROVIDER TRANSCRIPTION_PROVIDER "
	  "CONVERSATION_RELAY_VOICE CONVERSATION_RELAY_LANGUAGE",
	    "`relay` in an agent's file says how Twilio hears and speaks" },
	{ "ELEVENLABS_API_KEY DEEPGRAM_API_KEY",
	    "with CHANNEL=relay Twilio hears and speaks, and needs no key of yours for it" },
	{ "OPENAI_CHAT_MODEL OPENAI_TEXT_MODEL LLM_MODEL", "TEXT_MODEL" },
	{ "LLM_API_KEY", "TEXT_API_KEY" },
	{ "LLM_BASE_URL", "TEXT_API_URL" },
	{ "SYSTEM_MESSAGE SYSTEM_PROMPT OPENAI_INSTRUCTIONS AGENT_INSTRUCTIONS ?PROMPT", "INSTRUCTIONS" },
	{ "WELCOME_MESSAGE FIRST_MESSAGE INITIAL_GREETING WELCOME_GREETING", "GREETING" },
	{ "TWILIO_SID TWILIO_ACCOUNT", "TWILIO_ACCOUNT_SID" },
	{ "TWILIO_TOKEN TWILIO_SECRET TWILIO_AUTH", "TWILIO_AUTH_TOKEN" },
	{ "TWILIO_API_KEY", "TWILIO_API_KEY_SID" },
	{ "TWILIO_API_SECRET", "TWILIO_API_KEY_SECRET" },
	{ "TWILIO_PHONE_NUMBER TWILIO_NUMBER TWILIO_FROM_NUMBER TWILIO_CALLER_ID PHONE_NUMBER_FROM "
	  "TWILIO_PHONE ?PHONE_NUMBER ?FROM_NUMBER",
	    NUMBERS },
	{ "WEBHOOK_URL NGROK_URL SERVER_URL TWILIO_WEBHOOK_URL PUBLIC_HOST PUBLIC_DOMAIN "
	  "NGROK_DOMAIN ?BASE_URL ?DOMAIN ?SERVER ?APP_URL",
	    "PUBLIC_URL" },
	{ "SERVER_PORT HTTP_PORT LISTEN_PORT", "PORT" },
	{ "BIND_ADDRESS LISTEN_ADDRESS ?HOST ?BIND", "LISTEN" },
	{ "SSL_CERT_PATH SSL_KEY_PATH SSL_CERT SSL_KEY SSL_CERTFILE SSL_KEYFILE TLS_CERT TLS_KEY "
	  "TLS_CERT_PATH TLS_KEY_PATH",
	    PROXY_TLS },
	{ "?SSL_CERT_FILE ?SSL_CERT_DIR", "OPENAI_CA_FILE and HTTPS_CA_FILE name the authorities to trust" },
	{ "REDIS_HOST REDIS_URL REDIS_PORT REDIS_PASSWORD", "no Redis is needed: what is kept is in DATA_DIR" },
	{ "DATABASE_URL DB_PATH SQLITE_PATH", "DATA_DIR" },
	{ "LOGLEVEL LOGGING_LEVEL ?DEBUG ?VERBOSE", "LOG_LEVEL" },
	{ "MAX_CONCURRENT_CALLS MAX_SESSIONS", "MAX_CALLS" },
	{ "MAX_CALL_DURATION CALL_TIMEOUT", "MAX_CALL_SECONDS" },
	{ "RECONNECT_DELAY", "RECONNECT_TRIES; its pauses are given, from 250 ms to 2 s" },
	{ "TRANSFER_NUMBER", "`transfers` in an agent's file name whom it may connect to" },
};

/* Other names of a setting, which are read. With `value` it gets that one if the name is set to one
 * of the words `when`; else it gets the name's own value. */
static const struct {
	const char *name, *setting, *when, *value;
} aliases[] = {
	{ "TWILIO_CONVERSATION_RELAY_ENABLED", "CHANNEL", "true/1/on/yes", "relay" },
	{ "USE_REALTIME_API", "CHANNEL", "false/0/off/no", "gather" },
	{ "ENABLE_REALTIME_FALLBACK", "FALLBACK", "true/1/on/yes", "reconnect,text,dial" },
	{ "WEBSOCKET_TIMEOUT", "MODEL_CONNECT_MS", NULL, NULL },
	{ "MAX_RECONNECT_ATTEMPTS", "RECONNECT_TRIES", NULL, NULL },
};

enum { ALIASES = sizeof aliases / sizeof *aliases };

/* Whether the text is one of "a/b/c"; case is no difference. */
static bool is_one_of(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (size_t n; *words; words += n + (words[n] == '/'))
		if ((n = strcspn(words, "/")) == len && !strncasecmp(words, text, len))
			return true;
	return false;
}

const char *config_alias(const char *setting, const char *(*lookup)(void *arg, const char *name), void *arg)
{
	for (size_t i = 0; i < ALIASES; i++) {
		const char *value = strcmp(aliases[i].setting, setting) ? NULL : lookup(arg, aliases[i].name);

		if (value && *value && (!aliases[i].when || is_one_of(aliases[i].when, value)))
			return aliases[i].value ? aliases[i].value : value;
	}
	return NULL;
}

/* ------------------------------------------------------------------------ resemblance */

/* What has a ? counts only of a file. */
static bool in_list(const char *list, const char *name, bool of_file)
{
	size_t len = strlen(name);

	while (*list) {
		bool common = *list == '?';
		size_t n = strcspn(list += common, " ");

		if (n == len && strncmp(list, name, n) == 0)
			return of_file || !common;
		list += n + (list[n] == ' ');
	}
	return false;
}

/* How many letters must be put in, left out, changed, or swapped with their neighbour (the
 * restricted Damerau-Levenshtein distance). Case is no difference. Both are at most NAME_MOST. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NAME_MOST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
	size_t len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		last[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *oldest = before;

		now[0] = i;
		for (size_t j = 1; j <= len; j++) {
			int x = toupper((unsigned char)a[i - 1]), y = toupper((unsigned char)b[j - 1]);
			size_t least = last[j - 1] + (x != y);

			least = last[j] + 1 < least ? last[j] + 1 : least;
			least = now[j - 1] + 1 < least ? now[j - 1] + 1 : least;
			if (i > 1 && j > 1 && x == toupper((unsigned char)b[j - 2]) &&
			    y == toupper((unsigned char)a[i - 2]) && before[j - 2] + 1 < least)
				least = before[j - 2] + 1;
			now[j] = least;
		}
		before = last;
		last = now;
		now = oldest;
	}
	return last[len];
}

/* A short name is close to many, so it must agree but for case. */
static size_t slips_allowed(const char *setting)
{
	size_t len = strlen(setting);

	return len < 8 ? 0 : len < 12 ? 1 : 2;
}

/* The setting that is closest, or NULL if none is close. */
static const char *resembled(const char *name)
{
	const char *found = NULL;
	size_t least = NAME_MOST;

	if (strlen(name) > NAME_MOST)
		return NULL;
	for (const struct setting *s = config_table; s->name; s++) {
		size_t slips = distance(name, s->name);

		if (slips <= slips_allowed(s->name) && slips < least) {
			least = slips;
			found = s->name;
		}
	}
	return found;
}

/* --------------------------------------------------------------------------- telling */

static bool is_setting(const char *name)
{
	for (const struct setting *s = config_table; s->name; s++)
		if (strcmp(s->name, name) == 0)
			return true;
	return false;
}

/* Read by the libraries: curl's proxies. */
static bool is_for_libraries(const char *name)
{
	size_t len = strlen(name);

	return len > 6 && strcasecmp(name + len - 6, "_proxy") == 0;
}

static bool tell_of_others(const char *name, bool of_file, struct buf *out)
{
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (!in_list(others[i].names, name, of_file))
			continue;
		buf_printf(out, "%s is no setting of this server: %s%s.\n", name,
		    is_setting(others[i].tell) ? "here it is called " : "", others[i].tell);
		return true;
	}
	return false;
}

/* The value of a "NAME=value"; "" without one. */
static const char *value_in(char *const *environment, const char *name)
{
	size_t n = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, n) && (*environment)[n] == '=')
			return *environment + n + 1;
	return "";
}

static bool tell_of_alias(char *const *environment, const char *name, struct buf *out)
{
	size_t i = 0;

	while (i < ALIASES && strcmp(aliases[i].name, name) != 0)
		i++;
	if (i == ALIASES)
		return false;
	if (*value_in(environment, aliases[i].setting))
		buf_printf(out, "%s is not read, as %s is set, its name here.\n", name, aliases[i].setting);
	else if (!aliases[i].when)
		buf_printf(out, "%s is read as %s, its name here.\n", name, aliases[i].setting);
	else if (is_one_of(aliases[i].when, value_in(environment, name)))
		buf_printf(out, "%s is read as %s=%s.\n", name, aliases[i].setting, aliases[i].value);
	else
		buf_printf(out, "%s changes nothing: it does so only as %s, and is then read as %s=%s.\n", name,
		    aliases[i].when, aliases[i].setting, aliases[i].value);
	return true;
}

static void tell(char *const *environment, const char *name, bool all, struct buf *out)
{
	bool of_file = in_list(value_in(environment, CONFIG_NAMES_OF_FILE), name, true);
	const char *close;

	if (tell_of_alias(environment, name, out) || is_setting(name) || is_for_libraries(name) || is_asked(name) ||
	    tell_of_others(name, of_file, out))
		return;
	close = resembled(name);
	if (close)
		buf_printf(out, "%s is no setting of this server: is %s meant?\n", name, close);
	else if (of_file && all)
		buf_printf(out, "%.80s, in .env, is no setting of this server, and no agent's file names it.\n", name);
}

/* An empty value says nothing, as for settings. */
void config_names(char *const *environment, bool all, struct buf *out)
{
	for (char *const *each = environment; *each; each++) {
		const char *equals = strchr(*each, '=');
		char *name;

		if (!equals || !equals[1])
			continue;
		name = strndup(*each, (size_t)(equals - *each));
		if (name && strcmp(name, CONFIG_NAMES_OF_FILE) != 0)
			tell(environment, name, all, out);
		free(name);
	}
}
