#include "server/model/errors.h"

#include "common/json.h"
#include "common/ws_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum blame { NOBODY, KEY, MODEL };
enum { CODES_MAX = 8 }; /* of a class */

/* Any other code is harmless: most errors leave the session usable, and the
 * service gains codes over time. That of moderation in a session is not published; these are
 * those of the same service elsewhere, and of Azure. */
static const struct {
	enum model_error error;
	enum blame blame;
	const char *codes[CODES_MAX];
} classes[] = {
	{ MODEL_FATAL, KEY,
	    { "account_deactivated", "billing_hard_limit_reached", "billing_not_active", "credit_balance_exhausted",
		"http_401", "insufficient_quota", "invalid_api_key" } },
	{ MODEL_MODERATED, NOBODY,
	    { "content_filter", "content_policy_violation", "cyber_policy", "moderation_blocked" } },
	{ MODEL_HARMLESS, NOBODY,
	    { "conversation_already_has_active_response", "input_audio_buffer_commit_empty",
		"response_cancel_not_active" } },
	{ MODEL_FATAL, MODEL, { "DeploymentNotFound", "model_not_found" } },
	{ MODEL_RETRY, NOBODY, { "inference_rate_limit_exceeded", "rate_limit_exceeded", "server_error" } },
	{ MODEL_RENEW, NOBODY, { "session_expired" } },
};

enum { CLASSES = sizeof classes / sizeof classes[0] };

/* The place of its class in the table; CLASSES: it is not there. */
static size_t class_of(const char *code)
{
	const char *tail = strrchr(code, '.') ? strrchr(code, '.') + 1 : code;

	for (size_t i = 0; i < CLASSES; i++)
		for (size_t j = 0; j < CODES_MAX && classes[i].codes[j]; j++)
			if (!strcmp(tail, classes[i].codes[j]))
				return i;
	return CLASSES;
}

enum model_error model_error_of(const char *type, const char *code)
{
	size_t at = class_of(code);

	if (at == CLASSES)
		at = class_of(type);
	return at < CLASSES ? classes[at].error : MODEL_HARMLESS;
}

enum model_error model_error_of_failed(const char *type, const char *code)
{
	enum model_error known = model_error_of(type, code);

	return known == MODEL_HARMLESS ? MODEL_RETRY : known;
}

enum model_error model_error_of_answer(int status, const char *code)
{
	enum model_error known = model_error_of("", code);

	if (known != MODEL_HARMLESS || !strcmp(code, MODEL_NOT_SENT))
		return known; /* what never left us says nothing of the service */
	if (status == 401 || status == 403 || status == 404)
		return MODEL_FATAL;
	if (!status || status == 408 || status == 409 || status == 429 || status >= 500)
		return MODEL_RETRY;
	return MODEL_HARMLESS;
}

bool model_error_is_of_model(const char *code)
{
	size_t at = class_of(code);

	return at < CLASSES && classes[at].blame == MODEL;
}

bool model_error_is_of_key(const char *code)
{
	size_t at = class_of(code);

	return at < CLASSES && classes[at].blame == KEY;
}

/* A refused upgrade may have the service's own error for its body. Where that is final it decides: a
 * key without money is refused as 429, like one that is asked too often. */
static enum model_error said_with_refusal(const char *body, char code[MODEL_CODE_SIZE])
{
	cJSON *tree = json_parse(body, strlen(body));
	const cJSON *error = json_get(tree, "error");
	const char *type = json_str(error, "type"), *its = json_str(error, "code");
	enum model_error means = model_error_of(type ? type : "", its ? its : "");

	if (means == MODEL_FATAL || means == MODEL_MODERATED)
		snprintf(code, MODEL_CODE_SIZE, "%s", its && class_of(its) < CLASSES ? its : type);
	cJSON_Delete(tree);
	return means;
}

/* A name that does not exist, a certificate that does not fit and a refused key stay so; the rest may
 * be weather. BearSSL's 54, 56, 60 and 62: certificate expired, for another name, with too short a
 * key, of an unknown issuer. */
static bool stays(const struct ws_failure *f)
{
	return f->http_status == 400 || f->http_status == 401 || f->http_status == 403 || f->http_status == 404 ||
	       f->tls_error == 54 || f->tls_error == 56 || f->tls_error == 60 || f->tls_error == 62 ||
	       (f->stage == WS_LOOKUP && f->err == -ENOENT);
}

enum model_error model_error_of_dialling(const struct ws_failure *f, char code[MODEL_CODE_SIZE])
{
	enum model_error said = MODEL_HARMLESS;

	if (f->err == -ETIMEDOUT)
		snprintf(code, MODEL_CODE_SIZE, "timeout");
	else if (f->http_status)
		snprintf(code, MODEL_CODE_SIZE, "http_%d", f->http_status);
	else if (f->tls_error)
		snprintf(code, MODEL_CODE_SIZE, "tls_%d", f->tls_error);
	else
		snprintf(code, MODEL_CODE_SIZE, "%s", strerrorname_np(-f->err) ? strerrorname_np(-f->err) : "unknown");
	if (f->http_status && f->http_status != 401)
		said = said_with_refusal(f->body, code);
	return said == MODEL_MODERATED ? said : said == MODEL_FATAL || stays(f) ? MODEL_FATAL : MODEL_RETRY;
}
