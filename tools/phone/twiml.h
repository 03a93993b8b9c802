#ifndef PHONE_TWIML_H
#define PHONE_TWIML_H
/* A TwiML document as a list of verbs, checked against what Twilio takes.
 *
 * What Twilio would refuse (12100: no XML, 12200: unknown verb, 11750: too
 * large, 31922 and 31941: a stream it does not open) is an error; what it would
 * only warn of (an attribute it does not know) is noted.
 */
#include <stdbool.h>
#include <stddef.h>

#include "tools/kit/text.h"
#include "tools/phone/relay_twiml.h"

enum verb_kind {
	VERB_SAY,
	VERB_PLAY,
	VERB_PAUSE,
	VERB_DIAL,
	VERB_HANGUP,
	VERB_REDIRECT,
	VERB_REJECT,
	VERB_GATHER,
	VERB_RECORD,
	VERB_CONNECT,
};

enum { PARAMETERS_MAX = 32, TWIML_MAX_BYTES = 64 * 1024 };

struct verb {
	enum verb_kind kind;
	char *digits;         /* Play's; NULL if it plays none */
	char *text;           /* words to say, number to dial, URL to play or go to; never NULL */
	char *action;         /* NULL if none */
	bool get;             /* method="GET" for action or redirect */
	bool action_on_empty; /* Gather */
	long seconds;         /* its timeout, or the length of a Pause; 0: not told */

	/* Of a stream or relay; and of a Record, where its words and its sound are told of. */
	char *url, *name, *status_url;
	struct relay_noun *relay; /* owned; NULL: a media stream */
	bool status_get;
	struct {
		char *name, *value;
	} parameter[PARAMETERS_MAX];
	size_t parameter_count;
};

struct twiml {
	struct verb *verb;
	size_t count;
	struct text notes; /* what Twilio would warn of, one per line */
};

/* 0, or -1 with what Twilio's debugger would say in `why`. Free it either way. */
int twiml_read(struct twiml *out, const char *data, size_t len, char *why, size_t why_size);
void twiml_free(struct twiml *t);

#endif
