#include "server/model/errors.h"

#include "common/ws_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Any other code is harmless: most errors leave the session usable, and the
 * service gains codes over time. */
static const struct {
	const char *code;
	enum model_error error;
} codes[] = {
	{ "conversation_already_has_active_response", MODEL_HARMLESS },
	{ "inference_rate_limit_exceeded", MODEL_RETRY },
	{ "input_audio_buffer_commit_empty", MODEL_HARMLESS },
	{ "insufficient_quota", MODEL_FATAL },
	{ "invalid_api_key", MODEL_FATAL },
	{ "model_not_found", MODEL_FATAL },
	{ "rate_limit_exceeded", MODEL_RETRY },
	{ "response_cancel_not_active", MODEL_HARMLESS },
	{ "server_error", MODEL_RETRY },
	{ "session_expired", MODEL_RENEW },
};

enum model_error model_error_of(const char *type, const char *code)
{
	const char *tail = strrchr(code, '.') ? strrchr(code, '.') + 1 : code;

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (!strcmp(tail, codes[i].code))
			return codes[i].error;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (!strcmp(type, codes[i].code))
			return codes[i].error;
	return MODEL_HARMLESS;
}

enum model_error model_error_of_answer(int status, const char *code)
{
	enum model_error known = model_error_of("", code);

	if (known != MODEL_HARMLESS)
		return known;
	if (status == 401 || status == 403 || status == 404)
		return MODEL_FATAL;
	if (!status || status == 408 || status == 409 || status == 429 || status >= 500)
		return MODEL_RETRY;
	return MODEL_HARMLESS;
}

bool model_error_is_of_model(const char *code)
{
	return strstr(code, "model_not_found") != NULL;
}

/* BearSSL's 54, 56, 60 and 62: certificate expired, for another name, with too short a key, of an
 * unknown issuer. */
bool model_error_of_dialling(const struct ws_failure *f, char code[32])
{
	if (f->err == -ETIMEDOUT)
		snprintf(code, 32, "timeout");
	else if (f->http_status)
		snprintf(code, 32, "http_%d", f->http_status);
	else if (f->tls_error)
		snprintf(code, 32, "tls_%d", f->tls_error);
	else
		snprintf(code, 32, "%s", strerrorname_np(-f->err) ? strerrorname_np(-f->err) : "unknown");
	/* A name that does not exist, a certificate that does not fit and a refused key stay so; the rest
	 * may be weather. */
	return f->http_status == 400 || f->http_status == 401 || f->http_status == 403 || f->http_status == 404 ||
	       f->tls_error == 54 || f->tls_error == 56 || f->tls_error == 60 || f->tls_error == 62 ||
	       (f->stage == WS_LOOKUP && f->err == -ENOENT);
}
