#include "common/backoff.h"

#include "common/clock.h"
#include "common/digest.h"

int64_t backoff_ms(const struct backoff *b, int failed, int64_t asked_s, uint32_t chance)
{
	int64_t whole = b->first_ms, half;

	for (int i = 1; i < failed && whole < b->most_ms; i++)
		whole *= 2;
	whole = earlier(whole, b->most_ms);
	half = whole / 2;
	return later(whole - half, earlier(later(asked_s, 0), b->asked_most_s) * 1000) + half * chance / UINT32_MAX;
}

uint32_t backoff_chance(void)
{
	uint32_t chance;

	random_bytes(&chance, sizeof chance);
	return chance;
}
