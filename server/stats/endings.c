#include "server/stats/endings.h"

#include <string.h>

static const struct call_ending endings[CALL_END_COUNT] = { [CALL_NOT_ENDED] = { "", "", AFTER_HANGUP, false },
#define X(name, json, text, after, fault) [END_##name] = { json, text, AFTER_##after, fault },
	CALL_ENDS(X)
#undef X
};

/* Any number is taken, so that no caller has to check one that it was given. */
const struct call_ending *call_ending(enum call_end end)
{
	return &endings[(int)end > 0 && end < CALL_END_COUNT ? end : CALL_NOT_ENDED];
}

enum call_end call_ending_named(const char *json)
{
	for (int end = CALL_NOT_ENDED + 1; end < CALL_END_COUNT; end++)
		if (!strcmp(endings[end].json, json))
			return (enum call_end)end;
	return CALL_NOT_ENDED;
}

enum call_after call_ending_after(enum call_end end, bool said)
{
	enum call_after after = call_ending(end)->after;

	if (!said)
		return after;
	return after == AFTER_TIME_LIMIT || after == AFTER_COST_LIMIT || after == AFTER_IDLE ? AFTER_HANGUP
	       : after == AFTER_APOLOGY                                                      ? AFTER_SORRY
											     : after;
}

bool call_end_broke_off(enum call_end end)
{
	return end == END_STREAM_LOST || end == END_STREAM_SILENT || end == END_STREAM_STALLED ||
	       end == END_STREAM_INVALID || end == END_NEVER_STREAMED || end == END_INTERRUPTED;
}
