#ifndef LINE_KEYS_KEYS_H
#define LINE_KEYS_KEYS_H
/* Keys that a call is to press, and in words what becomes of them. Pure. */
#include <stdbool.h>

enum {
	CALL_KEYS_MAX = 64, /* at once */
	CALL_KEY_MS = 500   /* that Twilio takes for each: a tone and its pause, or w */
};

/* What becomes of them; all but OK are reasons why not. */
#define KEYS_ANSWERS(X) \
	/* name         code                   for the operator, and for the model */ \
	X(NOT_LIVE, "call_not_live", "The caller is not there yet.") \
	X(OK, "ok", "They are pressed.") \
	X(INVALID, "invalid_digits", "Digits are 1 to 64 of 0-9, *, # and w, which is a pause of half a second.") \
	X(SPEAKING, "speaking", "The agent is speaking: wait until that is heard.") \
	X(BUSY, "digits_under_way", "Other digits are under way.") \
	X(AWAY, "call_parked", "The stream of the call is away, and is to come back: try again when it is there.") \
	X(ENDING, "call_ending", "The call is ending, or being handed over.") \
	X(UNABLE, "unavailable", \
	    "Digits cannot be sent on this call: the server lacks the settings for that, or did not open the stream.") \
	X(REFUSED, "twilio_refused", "The telephone service refused to press them, and the call goes on without.") \
	X(UNANSWERED, "twilio_unanswered", \
	    "The telephone service did not answer: they may have been pressed, or not.") \
	X(IGNORED, "not_pressed", "The telephone service did not press them, and the call goes on without.") \
	X(LOST, "call_over", "The call was over before they were pressed.")

enum keys_answer {
#define X(name, code, words) KEYS_##name,
	KEYS_ANSWERS(X)
#undef X
	    KEYS_ANSWER_COUNT
};

struct keys_words {
	const char *code, *sentence;
};
const struct keys_words *keys_words(enum keys_answer answer);

/* Whether they can be pressed at all: as many as may be, of 0-9, *, # and w. */
bool keys_are_valid(const char *digits);

#endif
