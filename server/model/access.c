/* The settings were checked one by one before (config_check.c). This file
 * finds what only the whole URL can tell. It opens no connection: whether
 * the address answers is the probe's question (health.c).
 */
#include "server/model/access.h"

#include "common/digest.h"
#include "common/json.h"
#include "common/resolver.h"
#include "common/tls.h"
#include "common/trust.h"
#include "server/model/errors.h"
#include "server/model/realtime.h"
#include "server/phone/party.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS_SHOWN = 200 /* bytes of what a refusal says */ };

/* Debian's bundle, also in the image. */
static const char system_bundle[] = "/etc/ssl/certs/ca-certificates.crt";

bool model_host_is_azures(const char *host, size_t len)
{
	static const char suffix[] = ".openai.azure.com";
	size_t n = strlen(suffix);

	return len > n && strncasecmp(host + len - n, suffix, n) == 0;
}

/* True if the query (behind the '?') has a parameter of this name. */
static bool query_names(const char *query, const char *name)
{
	size_t n = strlen(name);

	while (query && *query) {
		if (!strncmp(query, name, n) && (query[n] == '=' || query[n] == '&' || !query[n]))
			return true;
		query = strchr(query, '&');
		if (query)
			query++;
	}
	return false;
}

/* ------------------------------------------------------------------------- settings */

/* The endpoint's own settings; NULL: it is the first. */
static const struct config_endpoint *own(const struct model_access *a)
{
	return a->number > 1 ? &a->cfg->others[a->number - 2] : NULL;
}

/* "_2", where the endpoint's own setting is in force; else "", the first's. */
static const char *suffix(const struct model_access *a, const char *value)
{
	static const char *const all[CONFIG_ENDPOINTS_MAX] = { "", "_2", "_3" };

	return value && *value ? all[a->number - 1] : "";
}

static const char *url_suffix(const struct model_access *a)
{
	return suffix(a, own(a) ? own(a)->url : NULL);
}

static const char *key_suffix(const struct model_access *a)
{
	return suffix(a, own(a) ? own(a)->api_key : NULL);
}

static const char *model_suffix(const struct model_access *a)
{
	return suffix(a, own(a) ? own(a)->model : NULL);
}

/* The words of the settings, of which an unset one is "" (config_table.c). */
static enum openai_auth auth_of(const struct config_endpoint *e, enum openai_auth first)
{
	return !e || !*e->auth               ? first
	       : !strcmp(e->auth, "bearer")  ? OPENAI_AUTH_BEARER
	       : !strcmp(e->auth, "api-key") ? OPENAI_AUTH_API_KEY
					     : OPENAI_AUTH_AUTO;
}

static enum audio_format format_of(const struct config_endpoint *e, enum audio_format first)
{
	return !e || !*e->audio_format            ? first
	       : !strcmp(e->audio_format, "pcmu") ? AUDIO_PCMU
	       : !strcmp(e->audio_format, "pcma") ? AUDIO_PCMA
						  : AUDIO_PCM;
}

const char *model_access_model(const struct model_access *a, const struct agent *agent)
{
	const struct agent_endpoint *e = agent_endpoint(agent, a->number);

	if (e && e->model)
		return e->model;
	return a->model && *a->model ? a->model : agent->openai_model;
}

bool model_access_has_agents_model(const struct model_access *a, const struct agent *agent)
{
	return !a->names_model && model_access_model(a, agent) != a->model;
}

const char *model_access_voice(const struct model_access *a, const struct agent *agent)
{
	const struct agent_endpoint *e = agent_endpoint(agent, a->number);

	if (e && e->voice)
		return e->voice;
	return a->voice && *a->voice ? a->voice : agent->voice;
}

/* The URL in three parts: host, port, path with its query.
 *
 * A URL that already names the model decides for all agents: "model=" at
 * OpenAI, "deployment=" in Azure's older form. Any other URL gets "model="
 * for each session. */
static int take_url(struct model_access *a, const char *url, struct buf *error)
{
	const char *rest = url, *slash, *query;
	struct buf path;
	char *colon;
	size_t len;

	if (!strncmp(rest, "wss://", 6))
		rest += 6;
	slash = rest + strcspn(rest, "/?");
	len = (size_t)(slash - rest);
	if (len == 0 || len >= sizeof a->host) {
		buf_printf(error, "OPENAI_REALTIME_URL%s: no host in it\n", url_suffix(a));
		return -EINVAL;
	}
	memcpy(a->host, rest, len);
	colon = strchr(a->host, ':');
	if (colon) {
		*colon = '\0';
		a->port = atoi(colon + 1);
	}

	buf_init(&path, sizeof a->path - 1);
	if (*slash != '/')
		buf_putc(&path, '/');
	buf_puts(&path, slash);
	query = strchr(slash, '?');
	a->names_model = query && (query_names(query + 1, "model") || query_names(query + 1, "deployment"));
	if (buf_error(&path)) {
		buf_printf(
		    error, "OPENAI_REALTIME_URL%s: longer than %zu characters\n", url_suffix(a), sizeof a->path - 1);
		buf_free(&path);
		return -EINVAL;
	}
	snprintf(a->path, sizeof a->path, "%s", buf_text(&path));
	buf_free(&path);
	return 0;
}

/* Azure's own hosts take the key in an "api-key" header; OPENAI_AUTH overrides that guess, for a
 * gateway under another name. */
int model_access_parse(struct model_access *a, const struct config *cfg, int number, struct buf *error)
{
	const struct config_endpoint *e;
	enum openai_auth auth;
	int err;

	memset(a, 0, sizeof *a);
	a->cfg = cfg;
	a->number = number;
	a->port = 443;
	a->protocol = &realtime_protocol;
	a->text_protocol = &realtime_text_protocol;
	e = own(a);
	a->format = format_of(e, cfg->audio_format);
	a->key = e && *e->api_key ? e->api_key : cfg->openai_api_key;
	a->model = e ? e->model : "";
	a->voice = e ? e->voice : "";
	err = take_url(a, e && *e->url ? e->url : cfg->openai_url, error);
	auth = auth_of(e, cfg->openai_auth);
	a->api_key_header =
	    auth == OPENAI_AUTH_API_KEY || (auth == OPENAI_AUTH_AUTO && model_host_is_azures(a->host, strlen(a->host)));
	return err;
}

/* The file with the authorities of its own; NULL: the first's hold. */
static const char *own_bundle(const struct model_access *a)
{
	const char *file = own(a) ? own(a)->ca_file : a->cfg->openai_ca_file;

	return *file ? file : own(a) ? NULL : system_bundle;
}

void model_access_close(struct model_access *a)
{
	if (a->number == 1)
		resolver_close(a->resolver);
	if (a->trust && own_bundle(a))
		trust_close(a->trust);
	tls_sessions_close(a->sessions);
	a->resolver = NULL;
	a->sessions = NULL;
	a->trust = NULL;
}

/* ------------------------------------------------------------------------- refusals */

static bool is_wrong_key(const char *code)
{
	return strstr(code, "invalid_api_key");
}

static bool is_no_connection(const char *code)
{
	return !strcmp(code, "connection");
}

/* Where to look, by an HTTP status or by whom the code blames; the first that fits. A # stands for the
 * ending of the endpoint's own setting, if that is in force. */
static const struct {
	int status;
	bool (*blamed)(const char *code);
	const char *in_realtime, *in_text; /* NULL: nothing */
} blames[] = {
	{ 401, is_wrong_key,
	    "look at OPENAI_API_KEY#: it is wrong, revoked, or of another service than OPENAI_REALTIME_URL# names",
	    "look at TEXT_API_KEY, or OPENAI_API_KEY in its place: it is wrong, revoked, or of another service than "
	    "TEXT_API_URL names" },
	{ 0, model_error_is_of_key,
	    "look at the account behind OPENAI_API_KEY#: its money is spent, or a limit of its project reached",
	    "look at the account behind TEXT_API_KEY, or OPENAI_API_KEY in its place: its money is spent" },
	{ 403, NULL, "look at OPENAI_API_KEY#, OPENAI_PROJECT and OPENAI_MODEL#: this key may not use that model",
	    "look at TEXT_API_KEY, OPENAI_PROJECT and TEXT_MODEL: this key may not use that model" },
	{ 404, model_error_is_of_model,
	    "look at OPENAI_REALTIME_URL#, and at OPENAI_MODEL# or the agent's \"model\": there is no such thing",
	    "look at TEXT_API_URL, TEXT_API, and at TEXT_MODEL or the agent's \"model\": there is no such thing" },
	{ 0, is_no_connection, NULL, "look at TEXT_API_URL, or at HTTPS_CA_FILE where a certificate is refused" },
};

/* Up to a #, the name before it tells which setting that is. */
static void put_with_endings(struct buf *out, const struct model_access *a, const char *text)
{
	for (const char *mark; (mark = strchr(text, '#')); text = mark + 1) {
		const char *ending = mark[-1] == 'Y'                      ? key_suffix(a)
				     : mark[-1] == 'L' && mark[-2] == 'R' ? url_suffix(a)
									  : model_suffix(a);

		buf_put(out, text, (size_t)(mark - text));
		buf_puts(out, ending);
	}
	buf_puts(out, text);
}

void model_access_put_blame(
    struct buf *out, const struct model_access *a, enum model_kind kind, int http_status, const char *code)
{
	for (size_t i = 0; i < sizeof blames / sizeof *blames; i++) {
		if (!(blames[i].status && http_status == blames[i].status) &&
		    !(blames[i].blamed && blames[i].blamed(code)))
			continue;
		if (kind == MODEL_KIND_TEXT || blames[i].in_realtime) {
			buf_puts(out, "; ");
			put_with_endings(out, a, kind == MODEL_KIND_TEXT ? blames[i].in_text : blames[i].in_realtime);
		}
		return;
	}
}

/* The body may be a page or half a text: then it is shown as it is. */
void model_access_put_words(struct buf *out, const struct model_access *a, const char *body)
{
	cJSON *tree = json_parse(body, strlen(body));
	const char *message = json_str(json_get(tree, "error"), "message");
	const char *words = message ? message : body;
	const char *const keys[] = { a->key, a->cfg->openai_api_key, a->cfg->text_api_key };
	size_t len = strlen(words);

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i] && *keys[i] && (strstr(body, keys[i]) || strstr(words, keys[i])))
			len = 0;
	if (len > WORDS_SHOWN)
		for (len = WORDS_SHOWN; len && ((unsigned char)words[len] & 0xc0) == 0x80;)
			len--;
	for (size_t i = 0; i < len; i++)
		buf_putc(out, (unsigned char)words[i] < ' ' ? ' ' : words[i]);
	cJSON_Delete(tree);
}

static void put_said(struct buf *out, const struct model_access *a, const char *body)
{
	struct buf words;

	buf_init(&words, 0);
	model_access_put_words(&words, a, body);
	if (words.len)
		buf_printf(out, "; the server says: %s", buf_text(&words));
	buf_free(&words);
}

void model_access_explain(const struct model_access *a, enum model_kind kind, const char *text, const char *code,
    int http_status, const char *body, char *out, size_t size)
{
	struct buf words;

	buf_init(&words, 0);
	buf_puts(&words, text);
	model_access_put_blame(&words, a, kind, http_status, code);
	if (*body)
		put_said(&words, a, body);
	snprintf(out, size, "%s", buf_text(&words));
	buf_free(&words);
}

/* The same for each call of a number, and of no use to anyone who does not
 * know the number. With it the service can block one abusive caller instead
 * of our whole account. Those who withhold their number send none: with one
 * between them, all would be blocked for what one of them did. */
static void put_caller_hash(struct buf *out, const char *caller)
{
	struct party p = party_from(caller);
	char number[FOREIGN_ID_SIZE];
	const char *name = p.kind == PARTY_NUMBER ? party_number(&p, number) : p.text;
	uint8_t hash[SHA256_BYTES];

	if (p.kind == PARTY_NONE || p.kind == PARTY_WITHHELD)
		return;
	sha256(name, strlen(name), hash);
	buf_puts(out, "caller-");
	for (size_t i = 0; i < 16; i++)
		buf_printf(out, "%02x", hash[i]);
}

void model_access_put_person(const struct config *cfg, const char *caller, struct buf *out)
{
	if (!strcasecmp(cfg->openai_safety_identifier, "caller"))
		put_caller_hash(out, caller);
	else
		buf_puts(out, cfg->openai_safety_identifier);
}

/* Called once at start, before any thread that dials. */
int model_access_open(
    struct model_access *a, const struct config *cfg, int number, const struct model_access *first, struct buf *error)
{
	int err = model_access_parse(a, cfg, number, error);
	const char *bundle;

	if (err)
		return err;
	bundle = own_bundle(a);
	err = bundle ? trust_open(&a->trust, bundle) : 0;
	if (err) {
		buf_printf(error, "%s%s: %s: %s\n", bundle == system_bundle ? "system certificates" : "OPENAI_CA_FILE",
		    suffix(a, own(a) ? bundle : NULL), bundle,
		    err == -EINVAL         ? "not one usable certificate in it"
		    : err == -EKEYREJECTED ? "all authorities in it have RSA keys under 2048 bits"
					   : strerror(-err));
		return err;
	}
	err = tls_sessions_open(&a->sessions);
	if (!err && !first)
		err = resolver_open(&a->resolver, NULL);
	if (err) {
		buf_printf(error, "out of memory\n");
		model_access_close(a);
		return err;
	}
	if (first) {
		a->trust = a->trust ? a->trust : first->trust;
		a->resolver = first->resolver;
	}
	return 0;
}
