#ifndef PHONE_RELAY_TWIML_H
#define PHONE_RELAY_TWIML_H
/* <ConversationRelay> as it stands in a TwiML document, against Twilio's tables.
 *
 * Twilio finds a wrong value only in the call (64101), and drops an attribute it does not
 * know; either is a note here.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tools/kit/text.h"
#include "tools/phone/xml.h"

enum { RELAY_LANGUAGES_MAX = 40 };

/* What may cut our speech off, or is told in spite of it. */
enum relay_input { INPUT_NONE = 0, INPUT_DTMF = 1, INPUT_SPEECH = 2, INPUT_ANY = 3 };

struct relay_noun {
	char *greeting;                                      /* "": none */
	char *speaks, *hears;                                /* languages to begin with */
	int interruptible, greeting_interruptible, reported; /* of enum relay_input */
	bool keys, partials, preemptible;
	bool debugging, speaker_events, tokens_played;
	char *language[RELAY_LANGUAGES_MAX]; /* of <Language>, owned */
	size_t language_count;
};

/* Owned by the caller. What is wrong with it is added to `notes`, a line each. */
struct relay_noun *relay_noun_read(const struct xml *x, struct text *notes);
void relay_noun_free(struct relay_noun *r); /* fine with NULL */
/* May the session switch to this language? */
bool relay_noun_speaks(const struct relay_noun *r, const char *language);

#endif
