#ifndef WEB_TWILIO_RELAY_END_H
#define WEB_TWILIO_RELAY_END_H
/* What follows a session of ConversationRelay, by what Twilio says of its end and by what
 * we know of the call's. Decides only; no I/O. Source: Twilio's documentation of <Connect>'s
 * action and of errors 64101 to 64112 (2026-11). */
#include "server/stats/endings.h"

enum relay_fate {
	RELAY_ENDED,     /* by our `end` */
	RELAY_COMPLETED, /* the caller hung up */
	RELAY_LOST,      /* no connection to us, or none any more */
	RELAY_REFUSED,   /* Twilio cannot do it as it is told to, or not now */
	RELAY_TIME_OVER, /* Twilio's own limit */
	RELAY_FAILED     /* a code that we do not know */
};

enum relay_next {
	RELAY_THEN_AFTER, /* what calls_after_stream says */
	RELAY_THEN_HANGUP,
	RELAY_THEN_RECONNECT,
	RELAY_THEN_TIME_LIMIT,
	RELAY_THEN_APOLOGY
};

/* Of the form's SessionStatus and ErrorCode. */
enum relay_fate relay_fate_of(const char *status, const char *code);

/* How a call ended that was up until Twilio said so. */
enum call_end relay_end_of(enum relay_fate fate);

/* `end`: the call's. What we ended on purpose goes on as we meant it, whatever became of the socket. */
enum relay_next relay_next_of(enum relay_fate fate, enum call_end end);

#endif
