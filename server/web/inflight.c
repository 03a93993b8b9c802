#include "server/web/inflight.h"

uint32_t inflight_client(const char *address)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	if (!*address)
		return 0;
	for (; *address; address++)
		hash = (hash ^ (uint8_t)*address) * 16777619u;
	return hash ? hash : 1;
}

/* Neither a call nor a request that is already on its way out counts as
 * slow. */
static bool slow(const struct inflight *e, int64_t now_us)
{
	return e->used && !e->limited && !e->cut && now_us - e->since_us > INFLIGHT_GRACE_US;
}

/* Unknown clients (0) count as one: none of them can be told from the other. */
static size_t slow_of(const struct inflight *entries, size_t count, uint32_t client, int64_t now_us)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += slow(&entries[i], now_us) && entries[i].client == client;
	return n;
}

/* The oldest slow request of the client that has most of them. `known_only`
 * looks at clients that can be told apart. */
static struct inflight *worst(
    struct inflight *entries, size_t count, bool known_only, int64_t now_us, size_t *of_client)
{
	struct inflight *found = NULL;

	*of_client = 0;
	for (size_t i = 0; i < count; i++) {
		struct inflight *e = &entries[i];
		size_t n;

		if (!slow(e, now_us) || (known_only && !e->client))
			continue;
		if (found && e->client == found->client) {
			if (e->since_us < found->since_us)
				found = e;
			continue;
		}
		n = slow_of(entries, count, e->client, now_us);
		if (n > *of_client || (n == *of_client && e->since_us < found->since_us)) {
			found = e;
			*of_client = n;
		}
	}
	return found;
}

static size_t cut(struct inflight *e)
{
	e->cut = true;
	return 1;
}

/* The three rules of the header, in their order: a request cut by an earlier one is
 * not counted by those after it. Each round looks at the whole list again, which is
 * bounded (INFLIGHT_AT_ONCE) and rare: mostly nobody is slow. */
size_t inflight_judge(struct inflight *entries, size_t count, size_t workers, int64_t now_us)
{
	size_t marked = 0, busy = 0, of_client;
	struct inflight *e;

	for (size_t i = 0; i < count; i++) {
		e = &entries[i];
		if (slow(e, now_us) && now_us - e->since_us > INFLIGHT_LONGEST_US)
			marked += cut(e);
		busy += e->used && !e->cut;
	}
	while (marked < INFLIGHT_AT_ONCE && (e = worst(entries, count, true, now_us, &of_client)) &&
	       of_client > INFLIGHT_SLOW_MAX) {
		marked += cut(e);
		busy--;
	}
	while (marked < INFLIGHT_AT_ONCE && busy + INFLIGHT_SPARE > workers &&
	       (e = worst(entries, count, false, now_us, &of_client))) {
		marked += cut(e);
		busy--;
	}
	return marked;
}
