#include "tools/kit/member.h"

cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

const char *member_text(const cJSON *object, const char *key, const char *otherwise)
{
	const cJSON *value = member(object, key);

	return cJSON_IsString(value) ? value->valuestring : otherwise;
}

double member_number(const cJSON *object, const char *key, double otherwise)
{
	const cJSON *value = member(object, key);

	return cJSON_IsNumber(value) ? value->valuedouble : otherwise;
}

bool member_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(member(object, key));
}
