#include "server/voice/voice_lines.h"

#include <string.h>

static bool has_lines(const struct agent *p)
{
	return p->channel == CHANNEL_STREAM && p->model_protocol == MODEL_KIND_REALTIME;
}

/* Words with a variable are others in each call. */
static bool greeting_is_fixed(const struct agent *p)
{
	return p->greeting_mode == GREETING_EXACT && *p->greeting && !strstr(p->greeting, "{{");
}

size_t voice_lines(const struct agent *p, const char *out[VOICE_LINES_MAX])
{
	size_t count = 0;

	if (!has_lines(p))
		return 0;
	if (greeting_is_fixed(p))
		out[count++] = p->greeting;
	for (int phrase = 0; phrase < PHRASE_COUNT; phrase++)
		if ((out[count] = phrase_on_stream(p, (enum phrase)phrase)))
			count++;
	for (size_t i = 0; agent_asks(p) && i < p->instant_count; i++)
		out[count++] = p->instants[i].say;
	return count;
}

bool voice_lines_key(
    struct voice_key *key, const struct model_endpoints *endpoints, const struct agent *p, const char *text)
{
	const struct model_access *access = has_lines(p) ? model_endpoints_first(endpoints, p) : NULL;

	return access && voice_key_make(key, "realtime", model_access_model(access, p), model_access_voice(access, p),
			     p->speed, text);
}
