#include "server/line/call_journal.h"

#include "common/clock.h"

void call_tell(struct call *c, struct journal_entry entry)
{
	entry.call_sid = c->call_sid;
	entry.agent = c->agent;
	entry.wall_ms = clock_wall_ms();
	if (c->call_sid[0])
		journal_tell(&entry);
}

void call_tell_started(struct call *c)
{
	struct call_summary call;

	if (!journal_wanted())
		return;
	calls_summarize(c, &call);
	call_tell(c, (struct journal_entry){ .kind = JOURNAL_STARTED, .type = "call.started", .call = &call });
	call_summary_free(&call);
}
