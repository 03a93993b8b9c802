/* What the journal is told of a call. */
#include "server/call/agent.h"

#include "common/clock.h"
#include "server/call/journal.h"

void call_tell(struct call *c, enum journal_kind kind, const char *type, int64_t no, const char *json)
{
	struct journal_entry entry = { .kind = kind,
		.type = type,
		.call_sid = c->call_sid,
		.profile = c->profile,
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

void agent_tell_turns(struct agent *a)
{
	struct buf json;
	int no;

	if (!a->timeline.news)
		return;
	buf_init(&json, 0);
	while ((no = timeline_next_news(&a->timeline)) >= 0) {
		if (!journal_wanted())
			continue;
		buf_reset(&json);
		timeline_put_turn(&a->timeline.turns[no], &json);
		if (!buf_error(&json))
			call_tell(a->call, JOURNAL_TURN, "turn", a->call->first_turn + no, buf_text(&json));
	}
	buf_free(&json);
}
