#ifndef STATS_ENDINGS_H
#define STATS_ENDINGS_H
/* The reasons why a call ended. The log line, the counter in /status, the TwiML
 * after the stream and the tests all come from this one list.
 *
 * After the stream Twilio asks connect-action what comes next: DRAINING and APOLOGY
 * are followed by the agent's fallback number if there is one, else by the agent's
 * phrase of that name; IDLE, TIME_LIMIT and COST_LIMIT by the phrase, unless the agent
 * has said it; HANGUP by nothing, or where the agent's own goodbye was not heard to its end, by
 * a GOODBYE. SORRY is an APOLOGY that the caller has heard already. */
#include <stdbool.h>

enum call_after {
	AFTER_HANGUP,
	AFTER_TIME_LIMIT,
	AFTER_COST_LIMIT,
	AFTER_IDLE,
	AFTER_DRAINING,
	AFTER_APOLOGY,
	AFTER_SORRY,
	AFTER_TRANSFER,
	AFTER_GOODBYE
};

#define CALL_ENDS(X) \
	/* name               in JSON              what a person reads                        after      a fault? */ \
	X(CALLER_HUNG_UP, "caller_hung_up", "caller hung up", HANGUP, false) \
	X(AGENT_ENDED, "agent_ended", "the agent said goodbye", HANGUP, false) \
	X(TRANSFERRED, "transferred", "handed over to a person", TRANSFER, false) \
	X(OPERATOR_ENDED, "operator_ended", "ended by the operator", HANGUP, false) \
	X(TIME_LIMIT, "time_limit", "reached MAX_CALL_SECONDS", TIME_LIMIT, false) \
	X(IDLE, "idle", "nobody spoke any more", IDLE, false) \
	X(COST_LIMIT, "cost_limit", "passed MAX_CALL_COST", COST_LIMIT, false) \
	X(DRAINED, "drained", "server is shutting down", DRAINING, false) \
	X(NEVER_STREAMED, "never_streamed", "Twilio never opened the announced stream", APOLOGY, true) \
	X(STREAM_LOST, "stream_lost", "Twilio's stream broke off", APOLOGY, true) \
	X(STREAM_SILENT, "stream_silent", "no frame came for STREAM_SILENT_SECONDS", APOLOGY, true) \
	X(STREAM_STALLED, "stream_stalled", "Twilio stopped reading", APOLOGY, true) \
	X(STREAM_INVALID, "stream_invalid", "Twilio's stream broke the protocol", APOLOGY, true) \
	X(MODEL_UNREACHABLE, "model_unreachable", "no connection to the model", APOLOGY, true) \
	X(MODEL_REFUSED, "model_refused", "model refused the key or the session", APOLOGY, true) \
	X(MODEL_MODERATED, "model_moderated", "model refused what was said", APOLOGY, true) \
	X(MODEL_LOST, "model_lost", "connection to the model was lost", APOLOGY, true) \
	X(MODEL_EXPIRED, "model_expired", "model's session reached its time limit", APOLOGY, true) \
	X(MODEL_FAILED, "model_failed", "model could not answer", APOLOGY, true) \
	X(NOT_ANSWERED, "not_answered", "nobody answered", HANGUP, false) \
	X(BUSY, "busy", "the number called was busy", HANGUP, false) \
	X(CANCELED, "canceled", "canceled before it was answered", HANGUP, false) \
	X(CALL_FAILED, "call_failed", "the call could not be placed", HANGUP, true) \
	X(MACHINE, "machine", "an answering machine answered", HANGUP, false) \
	X(MESSAGE_LEFT, "message_left", "a message was left", HANGUP, false) \
	X(CALLER_BUSY, "caller_busy", "refused: the caller had MAX_CALLS_PER_CALLER calls up", HANGUP, false) \
	X(CALLER_OFTEN, "caller_often", "refused: the caller had made MAX_CALLS_PER_CALLER_HOUR calls", HANGUP, false) \
	X(BLOCKED, "blocked", "refused: the caller is among BLOCK_CALLERS", HANGUP, false) \
	X(NOT_ALLOWED, "not_allowed", "refused: the caller is not among ALLOW_CALLERS", HANGUP, false) \
	X(INTERNAL_ERROR, "internal_error", "out of memory or descriptors", APOLOGY, true) \
	X(INTERRUPTED, "interrupted", "the server died during the call", APOLOGY, true)

enum call_end {
	CALL_NOT_ENDED,
#define X(name, json, text, after, fault) END_##name,
	CALL_ENDS(X)
#undef X
	    CALL_END_COUNT
};

struct call_ending {
	const char *json;
	const char *text;
	enum call_after after;
	bool fault;
};

/* CALL_NOT_ENDED and numbers out of range give one with json "" and text "". */
const struct call_ending *call_ending(enum call_end end);

/* What follows; `said`: the call's last words were heard, and are not said again. */
enum call_after call_ending_after(enum call_end end, bool said);

/* The connection that carries the call was lost, or never came, by no will of ours. */
bool call_end_broke_off(enum call_end end);

/* The ending of that name in JSON; CALL_NOT_ENDED: there is none (any more). */
enum call_end call_ending_named(const char *json);

#endif
