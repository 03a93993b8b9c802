#include "server/stats/endings.h"

static const struct call_ending endings[CALL_END_COUNT] = { [CALL_NOT_ENDED] = { "", "", AFTER_HANGUP, false },
#define X(name, json, text, after, fault) [END_##name] = { json, text, AFTER_##after, fault },
	CALL_ENDS(X)
#undef X
};

const struct call_ending *call_ending(enum call_end end)
{
	return &endings[(int)end > 0 && end < CALL_END_COUNT ? end : CALL_NOT_ENDED];
}

void endings_print_markdown(struct buf *out)
{
	static const char *const hears[] = { "nothing more", "a short goodbye", "an apology, or `OVERFLOW_NUMBER`",
		"the person's telephone ringing" };

	buf_puts(out, "| ending | what it means | a fault | the caller then hears |\n|---|---|---|---|\n");
	for (int i = CALL_NOT_ENDED + 1; i < CALL_END_COUNT; i++)
		buf_printf(out, "| `%s` | %s | %s | %s |\n", endings[i].json, endings[i].text,
		    endings[i].fault ? "yes" : "no", hears[endings[i].after]);
}
