#include "server/dialer_hooks.h"

#include "common/clock.h"
#include "common/log.h"
#include "server/agents/agents.h"
#include "server/line/calls.h"
#include "server/news/journal.h"

/* A day on which no more calls may be made leaves no room: orders stay queued, and those
 * older than half an hour expire (dialer.h). */
static int room(void *arg)
{
	const struct dialer_view *view = arg;
	struct calls_count count;

	calls_count(view->calls, &count);
	return count.draining || count.day_full ? 0 : count.limit - count.live - count.reserved;
}

static bool may_dial(void *arg, const char *number, const char *id)
{
	const struct dialer_view *view = arg;

	return agents_may_dial(view->agents, number, id, "an order");
}

/* The end of a call that was never answered. It is an entry of kind ENDED, like that of
 * other calls, so the store has a row of it; its type makes it the webhook call.failed
 * alone. The agent may be gone by now: then no webhook is sent. */
static void over(void *arg, const char *name, const struct call_summary *call)
{
	const struct dialer_view *view = arg;
	const struct agent *agent = agents_by_name(view->agents, call->agent);

	log_info(name, "outbound call over: it never came to be");
	journal_tell_call(JOURNAL_ENDED, "call.failed", name, agent, call);
	agent_release(agent);
}

void dialer_hooks_of(struct dialer_view *view, struct dialer_hooks *out)
{
	*out = (struct dialer_hooks){ .room = room, .may_dial = may_dial, .over = over, .arg = view };
}
