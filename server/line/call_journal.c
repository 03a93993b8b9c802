/* What the journal is told of a call. */
#include "server/agent/conversation.h"

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

static void tell_turn(struct conversation *con, enum journal_kind kind, int no)
{
	struct buf json;

	buf_init(&json, 0);
	timeline_put_turn(&con->timeline.turns[no], &json);
	if (!buf_error(&json))
		call_tell(con->call, kind, "turn", con->call->first_turn + no, buf_text(&json));
	buf_free(&json);
}

/* What is being said, as far as it has come; seldom, and for watchers only. What
 * comes last in a turn comes with the whole of it. */
static void tell_forming(struct conversation *con)
{
	int64_t now;
	int no;

	if (!con->timeline.forming || !journal_watched())
		return;
	now = clock_now_us();
	if (now < con->formed_us + JOURNAL_FORMING_MS * US_PER_MS || (no = timeline_next_forming(&con->timeline)) < 0)
		return;
	con->formed_us = now;
	tell_turn(con, JOURNAL_FORMING, no);
}

void conversation_tell_turns(struct conversation *con)
{
	int no;

	while (con->timeline.news && (no = timeline_next_news(&con->timeline)) >= 0) {
		if (journal_wanted())
			tell_turn(con, JOURNAL_TURN, no);
		if (con->timeline.forming == (size_t)no + 1) {
			con->timeline.forming = 0; /* told with this */
			con->formed_us = clock_now_us();
		}
	}
	tell_forming(con);
}
