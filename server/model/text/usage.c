#include "server/model/text/usage.h"

/* Of either API: their words differ, their meaning does not. */
bool text_usage_take(struct model_usage *out, const cJSON *usage)
{
	const cJSON *details = json_get(usage, "input_tokens_details");
	int64_t cached, *n = out->n;

	if (!cJSON_IsObject(usage))
		return false;
	if (!details)
		details = json_get(usage, "prompt_tokens_details");
	cached = json_count(details, "cached_tokens");
	n[USAGE_TEXT_IN] = json_count(usage, "input_tokens") + json_count(usage, "prompt_tokens");
	n[USAGE_TEXT_OUT] = json_count(usage, "output_tokens") + json_count(usage, "completion_tokens");
	n[USAGE_TEXT_CACHED] = cached < n[USAGE_TEXT_IN] ? cached : n[USAGE_TEXT_IN];
	return n[USAGE_TEXT_IN] || n[USAGE_TEXT_OUT];
}
