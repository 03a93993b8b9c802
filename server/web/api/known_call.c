#include "server/web/api/known_call.h"

#include "server/store/store_calls.h"
#include "server/line/calls_shown.h"

#include <errno.h>
#include <string.h>

/* A call that came back from a transfer is one call, but memory has only its
 * latest stream; the turns before it are in the store. If the store cannot
 * be read now, the call is shown without them. */
static void add_earlier_turns(struct store *store, const struct call_summary *call, struct call_talk *talk)
{
	if (!store || !call->first_turn)
		return;
	buf_init(&talk->earlier, 0);
	if (store_turns_before(store, call->call_sid, call->first_turn, &talk->earlier) || buf_error(&talk->earlier))
		buf_free(&talk->earlier);
}

static bool is_being_saved(const struct call_recording *recording)
{
	return recording->by == CALL_RECORDED_HERE && !strcmp(recording->state, "saving");
}

/* Memory shows the newest turns of a long call, and its recording as it was at the end; once it is
 * over the store has it all. Until its row is written, the short form stays. */
static void show_all_of_the_ended(struct store *store, struct call_summary *call, struct call_talk *talk)
{
	struct call_summary whole;
	struct call_talk all;

	if (!store || call->stage != CALL_IS_OVER || (!talk->turns_before && !is_being_saved(&call->recording)) ||
	    store_call(store, call->call_sid, &whole, &all))
		return;
	if (whole.stage != CALL_IS_OVER) {
		call_summary_free(&whole);
		call_talk_free(&all);
		return;
	}
	call_summary_free(call);
	call_talk_free(talk);
	*call = whole;
	*talk = all;
}

/* Memory before the store: a live call's row is not complete. */
int known_call(const struct web_parts *parts, const char *call_sid, struct call_summary *call, struct call_talk *talk)
{
	int err = calls_one(parts->calls, call_sid, call, talk);

	if (!err) {
		add_earlier_turns(parts->store, call, talk);
		show_all_of_the_ended(parts->store, call, talk);
	}
	return err == -ENOENT && parts->store ? store_call(parts->store, call_sid, call, talk) : err;
}

bool known_call_exists(const struct web_parts *parts, const char *call_sid)
{
	struct call_summary call;
	struct call_talk talk;

	if (known_call(parts, call_sid, &call, &talk))
		return false;
	call_summary_free(&call);
	call_talk_free(&talk);
	return true;
}

/* For handlers that need a live call and did not find one. 409 if the call
 * is known, since the same request made sense before, or will. */
void known_call_refuse(const struct web_parts *parts, const char *call_sid, struct response *r)
{
	struct call_summary call;
	struct call_talk talk;
	bool over = false;
	int err = known_call(parts, call_sid, &call, &talk);

	if (!err) {
		over = call.stage == CALL_IS_OVER;
		call_summary_free(&call);
		call_talk_free(&talk);
	}
	if (over)
		response_error(r, 409, "call_over", "that call is over: GET /calls/{CallSid} has all of it");
	else if (!err)
		response_error(
		    r, 409, "call_not_live", "that call is not up: it has not been answered, or is just ending");
	else if (err == -ENOENT)
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
	else
		response_error(r, 503, "store_failing", "what is kept cannot be read now");
}
