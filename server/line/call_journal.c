/* What the journal is told of a call. */
#include "server/line/call.h"

#include "common/clock.h"
#include "server/news/journal.h"

void call_tell(struct call *c, enum journal_kind kind, const char *type, int64_t no, const char *json)
{
	struct journal_entry entry = { .kind = kind,
		.type = type,
		.call_sid = c->call_sid,
		.agent = c->agent,
		.wall_ms = clock_wall_ms(),
		.no = no,
		.json = json };

	if (c->call_sid[0])
		journal_tell(&entry);
}

void call_tell_facts(struct call *c, enum journal_kind kind, const char *type)
{
	struct buf facts;

	if (!journal_wanted())
		return;
	buf_init(&facts, 0);
	calls_put_facts(c, &facts);
	if (!buf_error(&facts))
		call_tell(c, kind, type, -1, buf_text(&facts));
	buf_free(&facts);
}
