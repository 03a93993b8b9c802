#include "server/model/protocol.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words come back in an error's event_id, with a number behind
 * ("say_7"). */
static const char *const requests[] = {
	[MODEL_REQUEST_NONE] = "",
	[MODEL_REQUEST_CONFIGURE] = "cfg",
	[MODEL_REQUEST_ANSWER] = "say",
	[MODEL_REQUEST_CANCEL] = "cancel",
	[MODEL_REQUEST_HEARD] = "cut",
	[MODEL_REQUEST_KEYS] = "keys",
	[MODEL_REQUEST_TOOL] = "tool",
	[MODEL_REQUEST_TURN] = "turn",
	[MODEL_REQUEST_PAST] = "past",
};

void model_request_id(enum model_request request, uint32_t n, char id[MODEL_REQUEST_ID_SIZE])
{
	snprintf(id, MODEL_REQUEST_ID_SIZE, "%s_%" PRIu32, requests[request], n);
}

/* An id without an underscore, or with a foreign word before it, is none of
 * ours. */
enum model_request model_request_of(const char *id)
{
	size_t len = strcspn(id, "_");

	for (size_t i = MODEL_REQUEST_CONFIGURE; id[len] && i < sizeof requests / sizeof requests[0]; i++)
		if (strlen(requests[i]) == len && !memcmp(requests[i], id, len))
			return (enum model_request)i;
	return MODEL_REQUEST_NONE;
}

uint32_t model_request_no(const char *id)
{
	const char *number = strrchr(id, '_');

	return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

void model_extras_put(struct buf *out, unsigned extras)
{
	static const char *const names[] = { "noise_reduction", "languages", "speed", "reasoning_effort" };
	const char *before = "";

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!(extras & 1u << i))
			continue;
		buf_printf(out, "%s%s", before, names[i]);
		before = ", ";
	}
}

/* The names stand in logs, /status and stored rows. Those of the statuses
 * are also the service's own words. */
const char *model_error_name(enum model_error error)
{
	static const char *const names[] = { "harmless", "retry", "renew", "fatal", "moderated" };

	return names[error];
}

const char *model_status_name(enum model_status status)
{
	static const char *const names[] = { "completed", "cancelled", "incomplete", "failed" };

	return names[status];
}

const char *usage_name(enum usage_kind kind)
{
	static const char *const names[USAGE_COUNT] = { "text_in", "text_cached", "audio_in", "audio_cached",
		"image_in", "image_cached", "text_out", "audio_out", "ms" };

	return names[kind];
}
