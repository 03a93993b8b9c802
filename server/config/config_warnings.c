/* Warnings at start, in --check and the log. A warning never stops the program:
 * each is about a setting that somebody may want just so. */
#include "server/config/config_warnings.h"

#include "common/clock.h"
#include "server/config/config_check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Ends of service as OpenAI has announced them; a name that ends in * stands for all that begin so. */
static const struct {
	const char *model, *date; /* its last day; NULL: of the retired beta interface */
	const char *instead;
} ends[] = {
	{ "gpt-realtime", "2027-01-20", "gpt-realtime-2.1" },
	{ "gpt-realtime-2025-08-28", "2027-01-20", "gpt-realtime-2.1" },
	{ "gpt-realtime-mini", "2027-01-20", "gpt-realtime-2.1-mini" },
	{ "gpt-realtime-mini-2025-12-15", "2027-01-20", "gpt-realtime-2.1-mini" },
	{ "gpt-4o-realtime-preview*", NULL, "gpt-realtime-2.1" },
	{ "gpt-4o-mini-realtime-preview*", NULL, "gpt-realtime-2.1-mini" },
	{ "whisper-1", "2027-02-26", "gpt-transcribe" },
	{ "gpt-4o-transcribe", "2027-02-26", "gpt-transcribe" },
	{ "gpt-4o-mini-transcribe", "2027-02-26", "gpt-transcribe" },
	{ "gpt-4o-mini-transcribe-2025-12-15", "2027-02-26", "gpt-transcribe" },
	{ "gpt-4o-transcribe-diarize", "2027-02-26", "gpt-transcribe" },
};

/* The agents share most models: each sentence is said once. */
static void put_once(struct buf *out, const struct buf *line)
{
	if (!strstr(buf_text(out), buf_text(line)))
		buf_puts(out, buf_text(line));
}

/* `model` is `len` bytes long, as it may be part of a URL. */
static void tell_end(const struct model_ends *to, const char *where, const char *model, size_t len)
{
	struct buf line;
	char today[32];

	clock_iso8601(to->wall_ms, today, sizeof today);
	buf_init(&line, 0);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t n = strcspn(ends[i].model, "*");
		bool over = ends[i].date && strncmp(today, ends[i].date, 10) > 0;

		if (strncmp(ends[i].model, model, n) != 0 || (len != n && (len < n || ends[i].model[n] != '*')))
			continue;
		buf_reset(&line);
		buf_printf(&line, "%s: %.*s ", where, (int)len, model);
		if (ends[i].date)
			buf_printf(&line, "%s shut down on %s", over ? "was" : "is to be", ends[i].date);
		else
			buf_puts(&line, "belongs to the retired beta interface, which this server does not speak");
		buf_printf(&line, "; %s is its successor.\n", ends[i].instead);
		put_once(over ? to->ended : to->ahead, &line);
	}
	buf_free(&line);
}

/* The URL has passed check_model_url, so it has a scheme and a host. */
static bool host_ends_in(const char *url, const char *suffix)
{
	const char *host = strstr(url, "://") + 3;
	size_t len = strcspn(host, ":/?"), n = strlen(suffix);

	return len > n && strncasecmp(host + len - n, suffix, n) == 0;
}

/* Azure's older addresses, …/openai/realtime?api-version=2025-04-01-preview&deployment=…: their
 * upgrade succeeds, and then the beta's names are spoken. */
static bool is_azure_preview(const char *url)
{
	const char *path = strchr(strstr(url, "://") + 3, '/');
	const char *query = strchr(url, '?');

	return host_ends_in(url, ".azure.com") && path &&
	       ((strncmp(path, "/openai/realtime", 16) == 0 && strcspn(path + 16, "?/") == 0) ||
		   (query && strstr(query, "api-version=")));
}

/* The endpoint's, or if it has none the first's. */
static const char *url_of(const struct config *cfg, int number)
{
	return number > 1 && *cfg->others[number - 2].url ? cfg->others[number - 2].url : cfg->openai_url;
}

static const char *name_of(const char *setting, int number, char out[40])
{
	snprintf(out, 40, "%s%s", setting, number == 3 ? "_3" : number == 2 ? "_2" : "");
	return out;
}

/* "model" or "deployment" of the URL's query; NULL: it names none. */
static const char *named_in(const char *url, const char *key)
{
	const char *query = strchr(url, '?');

	for (const char *p = query; p; p = strchr(p + 1, '&'))
		if (strncmp(p + 1, key, strlen(key)) == 0 && p[1 + strlen(key)] == '=')
			return p + 2 + strlen(key);
	return NULL;
}

/* The model stands in the URL's query, or else it is the session's own: they are looked at in the way in
 * which it is going to be opened. Where it has a setting's own text, the setting is named. */
void config_model_ends(const struct config *cfg, int number, const char *file, const char *model,
    const char *transcription, const struct model_ends *to)
{
	const char *url = url_of(cfg, number), *named = named_in(url, "model");
	char place[600], name[40];

	/* On Azure the name is a deployment's, and the dates are Azure's own. */
	if (host_ends_in(url, ".azure.com"))
		return;
	snprintf(place, sizeof place, "%s: model", file);
	if (named)
		tell_end(to, name_of("OPENAI_REALTIME_URL", number, name), named, strcspn(named, "&"));
	else if (model == cfg->openai_model)
		tell_end(to, "OPENAI_MODEL", model, strlen(model));
	else if (number > 1 && model == cfg->others[number - 2].model)
		tell_end(to, name_of("OPENAI_MODEL", number, name), model, strlen(model));
	else
		tell_end(to, place, model, strlen(model));
	snprintf(place, sizeof place, "%s: transcription.model", file);
	tell_end(to, transcription == cfg->transcription_model ? "TRANSCRIPTION_MODEL" : place, transcription,
	    strlen(transcription));
}

/* A text of at least this many characters that is made of two equal halves was pasted twice: no
 * service gives out such keys. */
enum { PASTED_TWICE = 40 };

static void warn_of_twice(struct buf *out, const char *setting, const char *key)
{
	size_t half = strlen(key) / 2;

	if (2 * half >= PASTED_TWICE && strlen(key) == 2 * half && memcmp(key, key + half, half) == 0)
		buf_printf(
		    out, "%s is the same %zu characters twice: it seems to have been pasted twice.\n", setting, half);
}

/* What stands beside the auth token in Twilio's console, and is copied in its place. */
static bool is_sid(const char *text)
{
	return (!strncmp(text, "AC", 2) || !strncmp(text, "SK", 2)) && strlen(text) == 34 &&
	       strspn(text + 2, "0123456789abcdef") == 32;
}

static void warn_of_twilios_keys(const struct config *cfg, struct buf *out)
{
	for (size_t i = 0; i < cfg->twilio_auth_token_count; i++) {
		warn_of_twice(out, "TWILIO_AUTH_TOKEN", cfg->twilio_auth_tokens[i]);
		if (is_sid(cfg->twilio_auth_tokens[i]))
			buf_puts(out,
			    "TWILIO_AUTH_TOKEN is the SID of an account or a key (AC…, SK…), with which nothing is signed: "
			    "take the account's auth token, which Twilio's console shows beside it.\n");
	}
	if (*cfg->twilio_account_sid && *cfg->twilio_api_key_sid && !*cfg->twilio_api_key_secret)
		buf_puts(out,
		    "TWILIO_API_KEY_SID is set, but not TWILIO_API_KEY_SECRET: Twilio is asked for nothing, so no call is "
		    "placed and none recorded there. Set it, or leave both out.\n");
}

static bool same_host(const char *a, const char *b)
{
	size_t n = strcspn(strstr(a, "://") + 3, ":/?");

	return n == strcspn(strstr(b, "://") + 3, ":/?") && strncasecmp(strstr(a, "://"), strstr(b, "://"), n + 3) == 0;
}

/* Of the addresses of the model, the first and the others. */
static void warn_of_endpoints(const struct config *cfg, struct buf *out)
{
	char url_name[40], key_name[40], model_name[40];

	for (int number = 1; number <= CONFIG_ENDPOINTS_MAX; number++) {
		const struct config_endpoint *own = number > 1 ? &cfg->others[number - 2] : NULL;
		const char *url = url_of(cfg, number);

		if (!config_has_endpoint(cfg, number))
			continue;
		name_of("OPENAI_REALTIME_URL", number, url_name);
		name_of("OPENAI_API_KEY", number, key_name);
		name_of("OPENAI_MODEL", number, model_name);
		warn_of_twice(out, key_name, own ? own->api_key : cfg->openai_api_key);
		if (is_azure_preview(url))
			buf_printf(out,
			    "%s is an address of Azure's preview, which speaks the retired beta interface; this server needs "
			    "wss://NAME.openai.azure.com/openai/v1/realtime, and the deployment's name in %s.\n",
			    url_name, model_name);
		if (own && !*own->api_key && !same_host(url, cfg->openai_url))
			buf_printf(out,
			    "%s is not set: %s is another host than that of OPENAI_REALTIME_URL, and is shown the same key.\n",
			    key_name, url_name);
		if (own && !*own->model && host_ends_in(url, ".azure.com") && !named_in(url, "model") &&
		    !named_in(url, "deployment"))
			buf_printf(out,
			    "%s is not set: on Azure it is the deployment's name, which is seldom that of the agent's model.\n",
			    model_name);
	}
}

/* Other services have other paths, but many people give the base of the address, as their libraries want it. */
static void warn_of_text_address(const struct config *cfg, struct buf *out)
{
	const char *path = cfg->text_api == TEXT_API_CHAT ? "/chat/completions" : "/responses";
	size_t len = strcspn(cfg->text_api_url, "?"), n = strlen(path);

	if (len && (len < n || strncmp(cfg->text_api_url + len - n, path, n) != 0))
		buf_printf(out, "TEXT_API_URL does not end in %s, where TEXT_API=%s is spoken as a rule.\n", path,
		    cfg->text_api == TEXT_API_CHAT ? "chat" : "responses");
}

enum { QUESTION_SECONDS = 5 /* from the end of a silence to the first sound of what is said about it */ };

/* From its first sound on a question is no silence, and the next one counts from its end. */
bool config_idle_comes_first(int idle_seconds, int reprompt_seconds)
{
	return idle_seconds && reprompt_seconds && idle_seconds < reprompt_seconds + QUESTION_SECONDS;
}

/* The worst comes first: a server without signature checks spends its owner's key for strangers. */
void config_warnings(const struct config *cfg, struct buf *out)
{
	if (!cfg->twilio_validate) {
		buf_puts(out,
		    "TWILIO_VALIDATE=off: NOBODY'S SIGNATURE IS CHECKED. Whoever reaches the port can make calls "
		    "at the expense of your key; never do this outside a test.\n");
		if (cfg->stream_unannounced)
			buf_puts(
			    out, "STREAM_UNANNOUNCED=on without TWILIO_VALIDATE: any stranger's stream is accepted.\n");
	}
	if (!*cfg->public_url)
		buf_puts(out, "PUBLIC_URL is not set: the address Twilio sees is taken from X-Forwarded-* headers of "
			      "TRUSTED_PROXIES; set it if signatures are refused.\n");
	else if (strncmp(cfg->public_url, "http://", 7) == 0)
		buf_puts(out, "PUBLIC_URL starts with http://: Twilio opens streams over https (wss) only.\n");
	warn_of_text_address(cfg, out);
	warn_of_twice(out, "TEXT_API_KEY", cfg->text_api_key);
	warn_of_twice(out, "VOICEMAIL_API_KEY", cfg->voicemail_api_key);
	warn_of_twilios_keys(cfg, out);
	if (cfg->record == RECORDING_LOCAL && !*cfg->data_dir)
		buf_puts(out, "RECORD=local without DATA_DIR: nothing is recorded.\n");
	if (cfg->record == RECORDING_TWILIO && (!*cfg->twilio_account_sid || !*cfg->public_url))
		buf_puts(out, "RECORD=twilio needs TWILIO_ACCOUNT_SID and PUBLIC_URL: nothing is recorded.\n");
	if (cfg->allow_network_count && cfg->trusted_proxy_count)
		buf_puts(out,
		    "ALLOW_NETWORKS judges what comes through TRUSTED_PROXIES by X-Forwarded-For, and each of these must write "
		    "it itself: behind nginx's plain proxy_pass, or a forwarder of TCP, strangers write it.\n");
	if (cfg->core_dumps)
		buf_puts(out,
		    "CORE_DUMPS=on: a core dump holds keys and what callers said; never do this outside a test.\n");
	if (cfg->max_day_cost > 0 && !*cfg->data_dir)
		buf_puts(out, "MAX_DAY_COST without DATA_DIR: a restart forgets what the day has cost.\n");
	if (cfg->max_day_cost > 0 && cfg->max_day_cost < config_call_reserve(cfg))
		buf_printf(out,
		    "MAX_DAY_COST=%.10g is less than one call reserves before any has been made (%.10g%s): calls are let in "
		    "one at a time then, while no other is up.\n",
		    cfg->max_day_cost, config_call_reserve(cfg), cfg->max_call_cost > 0 ? ", MAX_CALL_COST" : "");
	if (config_idle_comes_first(cfg->idle_seconds, cfg->reprompt_seconds))
		buf_printf(out,
		    "IDLE_SECONDS=%d is hardly more than REPROMPT_SECONDS=%d: silent calls end before the caller is asked "
		    "and has heard a goodbye.\n",
		    cfg->idle_seconds, cfg->reprompt_seconds);
	for (size_t i = 0; i < cfg->outbound_allow_count; i++)
		if (!strcasecmp(cfg->outbound_allow[i], "any"))
			buf_puts(out,
			    "OUTBOUND_ALLOW=any: every number of the world is dialled, however dear; who learns "
			    "API_TOKEN can spend your money.\n");
	warn_of_endpoints(cfg, out);
}

/* Asked only where keys are needed: to serve, and for --check. What connects to nothing
 * (--check --offline, --ask, --help) does without. */
bool config_missing(const struct config *cfg, struct buf *out)
{
	/* An agent's own file may still name the other protocol: then its probe tells of the key. */
	bool text = cfg->model_protocol == MODEL_KIND_TEXT || cfg->channel == CHANNEL_GATHER;
	bool key = !*cfg->openai_api_key && !(text && *cfg->text_api_key);
	bool token = cfg->twilio_validate && !cfg->twilio_auth_token_count;

	if (!key && !token)
		return false;
	buf_printf(out,
	    "%s%s%s %s not set, and no real call can be carried without: fill in .env (.env.example explains "
	    "it), or try `make demo`, which needs no account.\n",
	    !key   ? ""
	    : text ? "TEXT_API_KEY (or OPENAI_API_KEY)"
		   : "OPENAI_API_KEY",
	    key && token ? " and " : "", token ? "TWILIO_AUTH_TOKEN" : "", key && token ? "are" : "is");
	return true;
}

bool config_wrong_zone(const struct config *cfg, struct buf *out)
{
	const char *how = *cfg->time_zone ? check_time_zone(cfg->time_zone) : NULL;

	if (how)
		buf_printf(out, "TZ=%.60s is refused: it %s. Until it does, {{now}} is UTC.\n", cfg->time_zone, how);
	return how;
}
