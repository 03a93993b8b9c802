#include "server/web/inflight.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { ANY_AGE_US = -1 };

static uint32_t hashed(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 16777619u;
	return hash ? hash : 1;
}

/* Some proxies write a port behind the address: a new one for each connection,
 * which would make each a client of its own. */
uint32_t inflight_client(const char *address)
{
	bool bracketed = *address == '[';
	struct in6_addr v6;
	struct in_addr v4;
	char bare[INET6_ADDRSTRLEN];
	size_t len = strcspn(address += bracketed, "]");

	if (!len)
		return 0;
	if (!bracketed && strchr(address, ':') == strrchr(address, ':'))
		len = strcspn(address, ":");
	if (len >= sizeof bare)
		return hashed(address, strlen(address));
	memcpy(bare, address, len);
	bare[len] = '\0';
	if (inet_pton(AF_INET, bare, &v4) == 1)
		return hashed(&v4, sizeof v4);
	if (inet_pton(AF_INET6, bare, &v6) != 1)
		return hashed(bare, len);
	return IN6_IS_ADDR_V4MAPPED(&v6) ? hashed(v6.s6_addr + 12, 4) : hashed(v6.s6_addr, 8);
}

static bool waits(const struct inflight *e)
{
	return e->used && !e->cut && (e->stage == INFLIGHT_READING || e->stage == INFLIGHT_LEAVING);
}

/* Who is fed has done its part: its worker has not come to run. */
static bool owes(const struct inflight *e, int64_t grace_us, int64_t now_us)
{
	return waits(e) && !e->fed && now_us - e->since_us > grace_us;
}

/* Two clients may share a place by chance, and then count as one. Unknown ones (0) do so
 * always: none of them can be told from the other. */
enum { PLACES = 1024 };

static size_t place_of(const struct inflight *e)
{
	return e->client ? 1 + e->client % (PLACES - 1) : 0;
}

/* The oldest such request of the client that has most of them. `known_only`
 * looks at clients that can be told apart. */
static struct inflight *worst(
    struct inflight *entries, size_t count, bool known_only, int64_t grace_us, int64_t now_us, size_t *of_client)
{
	uint16_t owed[PLACES] = { 0 };
	struct inflight *found = NULL;

	*of_client = 0;
	for (size_t i = 0; i < count; i++)
		owed[place_of(&entries[i])] += owes(&entries[i], grace_us, now_us);
	for (size_t i = 0; i < count; i++) {
		struct inflight *e = &entries[i];
		size_t n = owed[place_of(e)];

		if (!owes(e, grace_us, now_us) || (known_only && !e->client))
			continue;
		if (!found || n > *of_client || (n == *of_client && e->since_us < found->since_us)) {
			found = e;
			*of_client = n;
		}
	}
	return found;
}

static size_t free_of(const struct inflight *entries, size_t count, size_t workers)
{
	size_t busy = 0;

	for (size_t i = 0; i < count; i++)
		busy += entries[i].used && !entries[i].cut;
	return busy < workers ? workers - busy : 0;
}

bool inflight_short(const struct inflight *entries, size_t count, size_t workers)
{
	return free_of(entries, count, workers) < INFLIGHT_SPARE;
}

/* So many of one client's are left that are older than that. */
static size_t cap(struct inflight *entries, size_t count, size_t most, int64_t grace_us, int64_t now_us)
{
	size_t marked = 0, of_client;
	struct inflight *e;

	while ((e = worst(entries, count, true, grace_us, now_us, &of_client)) && of_client > most) {
		e->cut = true;
		marked++;
	}
	return marked;
}

static size_t cut_all(struct inflight *entries, size_t count, int64_t grace_us, int64_t now_us)
{
	size_t marked = 0;

	for (size_t i = 0; i < count; i++) {
		if (owes(&entries[i], grace_us, now_us)) {
			entries[i].cut = true;
			marked++;
		}
	}
	return marked;
}

/* Who comes next finds a worker. Of a crowd that waits the oldest has had as long as the
 * others took to come, however little that is. */
static size_t keep_the_door(struct inflight *entries, size_t count, size_t workers, int64_t now_us)
{
	size_t marked = 0, waiting = 0, of_client;

	for (size_t i = 0; i < count; i++)
		waiting += owes(&entries[i], ANY_AGE_US, now_us);
	if (waiting < INFLIGHT_CROWD)
		return 0;
	for (; free_of(entries, count, workers) < INFLIGHT_DOOR; marked++)
		worst(entries, count, false, ANY_AGE_US, now_us, &of_client)->cut = true;
	return marked;
}

/* The rules of the header, in their order: a request cut by an earlier one is
 * not counted by those after it. */
size_t inflight_judge(struct inflight *entries, size_t count, size_t workers, int64_t now_us)
{
	size_t marked = 0;

	for (size_t i = 0; i < count; i++) {
		if (waits(&entries[i]) && now_us - entries[i].since_us > INFLIGHT_LONGEST_US) {
			entries[i].cut = true;
			marked++;
		}
	}
	marked += cap(entries, count, INFLIGHT_SLOW_MAX, INFLIGHT_GRACE_US, now_us);
	marked += cap(entries, count, INFLIGHT_HALF_OPEN_MAX, ANY_AGE_US, now_us);
	if (inflight_short(entries, count, workers))
		marked += cut_all(entries, count, INFLIGHT_SHORT_GRACE_US, now_us);
	return marked + keep_the_door(entries, count, workers, now_us);
}
