#include "server/web/twilio/relay_end.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code;
	enum relay_fate fate;
} codes[] = {
	{ "39001", RELAY_LOST },    /* the network to us */
	{ "64102", RELAY_LOST },    /* no WebSocket at our address */
	{ "64105", RELAY_LOST },    /* it ended in mid-session */
	{ "64101", RELAY_REFUSED }, /* an attribute's value */
	{ "64109", RELAY_REFUSED }, /* too many sessions of the account at once */
	{ "64111", RELAY_REFUSED }, /* the voice's provider */
	{ "64112", RELAY_REFUSED }, /* text into sound */
	{ "64104", RELAY_TIME_OVER },
};

enum relay_fate relay_fate_of(const char *status, const char *code)
{
	if (!strcmp(status, "ended"))
		return RELAY_ENDED;
	if (!strcmp(status, "completed"))
		return RELAY_COMPLETED;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (!strcmp(codes[i].code, code))
			return codes[i].fate;
	return RELAY_FAILED;
}

enum call_end relay_end_of(enum relay_fate fate)
{
	return fate == RELAY_COMPLETED   ? END_CALLER_HUNG_UP
	       : fate == RELAY_TIME_OVER ? END_TIME_LIMIT
					 : END_STREAM_LOST;
}

/* Twilio closes the socket in the same way whether the caller hung up or it has failed. */
static bool on_purpose(enum call_end end)
{
	return end != CALL_NOT_ENDED && end != END_CALLER_HUNG_UP && !call_ending(end)->fault;
}

enum relay_next relay_next_of(enum relay_fate fate, enum call_end end)
{
	if (fate == RELAY_COMPLETED)
		return RELAY_THEN_HANGUP;
	if (fate == RELAY_ENDED || on_purpose(end))
		return end == CALL_NOT_ENDED ? RELAY_THEN_APOLOGY : RELAY_THEN_AFTER;
	/* A call we do not know was another process's, and ended with it. */
	if (fate == RELAY_LOST && (end == CALL_NOT_ENDED || call_end_broke_off(end)))
		return RELAY_THEN_RECONNECT;
	return fate == RELAY_TIME_OVER ? RELAY_THEN_TIME_LIMIT : RELAY_THEN_APOLOGY;
}
