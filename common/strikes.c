#include "common/strikes.h"

/* The entry of `who`, or the one that is forgotten first. With the lock held. */
static size_t place_of(const struct strikes *s, uint32_t who)
{
	size_t found = 0;

	for (size_t i = 0; i < STRIKES_KEPT; i++) {
		if (s->kept[i].who == who && s->kept[i].until_us)
			return i;
		if (s->kept[i].until_us < s->kept[found].until_us)
			found = i;
	}
	return found;
}

int64_t strikes_add(struct strikes *s, uint32_t who, int64_t now_us)
{
	int64_t until_us = now_us, wait_us;
	size_t at;

	pthread_mutex_lock(&s->lock);
	at = place_of(s, who);
	if (s->kept[at].who == who && s->kept[at].until_us > now_us)
		until_us = s->kept[at].until_us;
	until_us += STRIKES_EVERY_US;
	wait_us = until_us - now_us - STRIKES_MAX * STRIKES_EVERY_US;
	if (wait_us <= 0) {
		s->kept[at].who = who;
		s->kept[at].until_us = until_us;
	}
	pthread_mutex_unlock(&s->lock);
	return wait_us <= 0 ? 0 : (wait_us + US_PER_S - 1) / US_PER_S;
}
