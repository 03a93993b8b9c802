/* What others see of the conversation: HTTP readers the whole of it, watchers and
 * the journal its turns. */
#include "server/agent/conversation_private.h"

#include "common/clock.h"
#include "common/json.h"

#include <inttypes.h>

enum { PUBLISH_US = 500 * US_PER_MS /* HTTP readers see the conversation this old at most */ };

int64_t conversation_publish_us(const struct conversation *con)
{
	return con->timeline.dirty || con->toolbox.dirty ? con->published_us + PUBLISH_US : NEVER_US;
}

void conversation_publish(struct conversation *con, bool wait, int64_t now_us)
{
	struct call *c = con->call;
	struct buf *out = &c->shown;
	size_t before;

	if ((!con->timeline.dirty && !con->toolbox.dirty) || (!wait && now_us < conversation_publish_us(con)))
		return;
	if (wait)
		pthread_mutex_lock(&c->shown_lock);
	else if (pthread_mutex_trylock(&c->shown_lock)) {
		con->published_us = now_us; /* a reader is copying it; next time */
		return;
	}
	buf_reset(out);
	buf_puts(out, "\"model_session_id\":");
	json_put_cstring(out, link_session_id(&con->link));
	buf_puts(out, ",\"turns\":");
	before = timeline_put_json(&con->timeline, out);
	buf_printf(out, ",\"turns_before\":%zu,\"tools\":", before);
	toolbox_put_json(&con->toolbox, out);
	buf_printf(out, ",\"turns_dropped\":%" PRIu64 ",\"text_dropped\":%" PRIu64, con->timeline.turns_dropped,
	    con->timeline.text_dropped);
	pthread_mutex_unlock(&c->shown_lock);
	con->published_us = now_us;
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

/* Tells the journal of the turns that have news. */
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
