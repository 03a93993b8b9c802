#include "server/web/known_call.h"

#include "server/store/store_calls.h"

#include <errno.h>

int known_call(const struct web_site *site, const char *call_sid, struct buf *out)
{
	int err = calls_one_json(site->calls, call_sid, out);

	return err == -ENOENT && site->store ? store_call(site->store, call_sid, out) : err;
}

void known_call_refuse(const struct web_site *site, const char *call_sid, struct response *r)
{
	struct buf call;
	int err;

	buf_init(&call, 0);
	err = known_call(site, call_sid, &call);
	buf_free(&call);
	if (!err)
		response_error(r, 409, "call_over", "that call is over: GET /calls/{CallSid} has all of it");
	else if (err == -ENOENT)
		response_error(r, 404, "no_such_call", "no call of that CallSid is known here");
	else
		response_error(r, 503, "store_failing", "what is kept cannot be read now");
}
