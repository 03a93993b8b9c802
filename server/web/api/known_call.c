#include "server/web/api/known_call.h"

#include "common/json.h"
#include "server/store/store_calls.h"

#include <errno.h>
#include <stdlib.h>

/* Before the turns of this stream, those of its earlier ones: `turns` gets them. */
static void join_turns(cJSON *call, cJSON *turns)
{
	cJSON *own = cJSON_DetachItemFromObjectCaseSensitive(call, "turns"), *turn;

	while (own && (turn = cJSON_DetachItemFromArray(own, 0)))
		cJSON_AddItemToArray(turns, turn);
	cJSON_Delete(own);
	cJSON_AddItemToObject(call, "turns", turns);
}

/* A call that came back is one call, and memory has only its latest stream. If
 * the store cannot be read now, that is what there is. */
static void add_earlier_turns(struct store *store, const char *call_sid, struct buf *out)
{
	struct span first;
	uint64_t no;
	struct buf earlier;
	cJSON *call, *turns;
	char *text = NULL;

	if (!store || buf_error(out) || !json_scan(buf_text(out), out->len, "first_turn", &first) ||
	    !span_u64(first, &no))
		return;
	buf_init(&earlier, 0);
	call = json_parse(buf_text(out), out->len);
	if (call && !store_turns_before(store, call_sid, (int64_t)no, &earlier) &&
	    (turns = json_parse(buf_text(&earlier), earlier.len))) {
		join_turns(call, turns);
		text = cJSON_PrintUnformatted(call);
	}
	if (text) {
		buf_reset(out);
		buf_puts(out, text);
	}
	free(text);
	cJSON_Delete(call);
	buf_free(&earlier);
}

/* Memory shows the newest turns of a long call; once it is over the store has
 * them all. */
static void show_all_of_the_ended(struct store *store, const char *call_sid, struct buf *out)
{
	struct span state, before;
	uint64_t hidden;
	struct buf whole;

	if (!store || !json_scan(buf_text(out), out->len, "state", &state) || !span_is(state, "ended") ||
	    !json_scan(buf_text(out), out->len, "turns_before", &before) || !span_u64(before, &hidden) || !hidden)
		return;
	buf_init(&whole, 0);
	if (!store_call(store, call_sid, &whole) && !buf_error(&whole)) {
		buf_reset(out);
		buf_put(out, whole.data, whole.len);
	}
	buf_free(&whole);
}

int known_call(const struct web_parts *parts, const char *call_sid, struct buf *out)
{
	int err = calls_one_json(parts->calls, call_sid, out);

	if (!err) {
		add_earlier_turns(parts->store, call_sid, out);
		show_all_of_the_ended(parts->store, call_sid, out);
	}
	return err == -ENOENT && parts->store ? store_call(parts->store, call_sid, out) : err;
}

void known_call_refuse(const struct web_parts *parts, const char *call_sid, struct response *r)
{
	struct span state;
	struct buf call;
	bool over;
	int err;

	buf_init(&call, 0);
	err = known_call(parts, call_sid, &call);
	over = !err && json_scan(buf_text(&call), call.len, "state", &state) && span_is(state, "ended");
	buf_free(&call);
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
