#include "server/news/journal.h"

#include "common/clock.h"

#include <assert.h>
#include <stdatomic.h>

/* Without a lock: the sinks change only while no thread tells (parts.c opens and closes
 * the takers around the tellers). Their order is a promise: the store, which is added
 * first, has queued an entry before the others act on it. */
static struct {
	journal_sink *take;
	void *arg;
} sinks[JOURNAL_SINKS_MAX];
static size_t sink_count;
static _Atomic int watchers; /* a hint only, hence relaxed: an entry too many or too few does no harm */

void journal_add_sink(journal_sink *sink, void *arg)
{
	assert(sink_count < JOURNAL_SINKS_MAX);
	sinks[sink_count].take = sink;
	sinks[sink_count++].arg = arg;
}

void journal_remove_sink(journal_sink *sink, void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < sink_count; i++)
		if (sinks[i].take != sink || sinks[i].arg != arg)
			sinks[kept++] = sinks[i];
	sink_count = kept;
}

bool journal_wanted(void)
{
	return sink_count > 0;
}

void journal_tell(const struct journal_entry *entry)
{
	for (size_t i = 0; i < sink_count; i++)
		sinks[i].take(sinks[i].arg, entry);
}

void journal_tell_call(enum journal_kind kind, const char *type, const char *call_sid, const struct agent *agent,
    const struct call_summary *call)
{
	journal_tell(&(struct journal_entry){ .kind = kind,
	    .type = type,
	    .call_sid = call_sid,
	    .agent = agent,
	    .wall_ms = clock_wall_ms(),
	    .call = call });
}

void journal_watch(int change)
{
	atomic_fetch_add_explicit(&watchers, change, memory_order_relaxed);
}

bool journal_watched(void)
{
	return atomic_load_explicit(&watchers, memory_order_relaxed) > 0;
}
