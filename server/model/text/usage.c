#include "server/model/text/usage.h"

/* Missing, null, negative or absurd: 0. */
static int64_t count(const cJSON *object, const char *key)
{
	double value;

	return json_num(object, key, &value) && value > 0 && value < 1e9 ? (int64_t)value : 0;
}

/* Of either API: their words differ, their meaning does not. */
bool text_usage_take(struct model_usage *out, const cJSON *usage)
{
	const cJSON *details = json_get(usage, "input_tokens_details");
	int64_t cached, *n = out->n;

	if (!cJSON_IsObject(usage))
		return false;
	if (!details)
		details = json_get(usage, "prompt_tokens_details");
	cached = count(details, "cached_tokens");
	n[USAGE_TEXT_IN] = count(usage, "input_tokens") + count(usage, "prompt_tokens");
	n[USAGE_TEXT_OUT] = count(usage, "output_tokens") + count(usage, "completion_tokens");
	n[USAGE_TEXT_CACHED] = cached < n[USAGE_TEXT_IN] ? cached : n[USAGE_TEXT_IN];
	return n[USAGE_TEXT_IN] || n[USAGE_TEXT_OUT];
}
