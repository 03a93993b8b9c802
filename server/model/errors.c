#include "server/model/errors.h"

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
