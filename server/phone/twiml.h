#ifndef PHONE_TWIML_H
#define PHONE_TWIML_H
/* The TwiML we answer with. Each function appends one whole document; text from
 * outside is escaped, so none of it can become markup. Check buf_error at the
 * end.
 */
#include "common/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct agent;

#define TWIML_TYPE "text/xml; charset=utf-8"

struct twiml_stream {           /* borrowed */
	const char *stream_url; /* wss://…, without a query: Twilio drops it */
	const char *action_url; /* asked when the stream is over */
	const char *status_url; /* told about the stream */
	const char *caller;     /* handed on as <Parameter>s; "" is left out */
	const char *called;
	const char *digits; /* played before it opens: 0-9*#w; NULL: nothing is */
};

struct twiml_relay {                 /* borrowed */
	const char *relay_url;       /* wss://…, without a query */
	const char *action_url;      /* asked when the session is over */
	const struct agent *agent;   /* its attributes, languages and name */
	const char *greeting;        /* spoken at once; "": nothing is */
	const char *caller, *called; /* handed on as <Parameter>s, as the agent's name; "" is left out */
};

struct twiml_say {            /* borrowed */
	const char *text;     /* at most 4096 characters */
	const char *voice;    /* "" of either: Twilio's own choice */
	const char *language; /* as in es-ES; it must be one of the voice's */
};

enum {
	TWIML_SAY_MAX = 4000, /* bytes in one <Say> */
	TWIML_KEYS = '\x10'   /* the first byte of a line that is keys to be played */
};

struct twiml_turn {        /* borrowed: a turn of a conversation by <Gather> */
	const char *words; /* lines, said one after another; a long one in several <Say>; or keys, played between */
	size_t len;
	const char *voice, *language; /* as in twiml_say */
	/* The language in which the caller is listened to, then or meanwhile; NULL: not, and … */
	const char *heard_in;
	bool interruptible;   /* by voice; by keys always */
	int patience_seconds; /* to wait for the caller's first word or key */
	bool pause;           /* … the next request comes after a second; else at once */
	const char *next_url; /* asked in any case, also when nothing was heard */
};

struct twiml_dial {             /* borrowed */
	const char *number;     /* a sip: address is dialled as such */
	int ring_seconds;       /* a time limit */
	const char *action_url; /* asked how it went */
	const char *caller_id;  /* "": the person sees who is calling; see party_caller_id */
};

struct twiml_record {           /* borrowed */
	int max_seconds;        /* the # key ends it before, and so do 10 s of silence */
	const char *action_url; /* asked what comes next, also where nothing was said */
	const char *status_url; /* told when the recording can be fetched */
	const char *words_url;  /* told what was said, by Twilio's own transcription; NULL: it is not asked for */
};

void twiml_connect_stream(struct buf *out, const struct twiml_stream *stream);
void twiml_connect_relay(struct buf *out, const struct twiml_relay *relay);
void twiml_say_hangup(struct buf *out, const struct twiml_say *say);
/* `words` may be NULL: nothing is said before it. */
void twiml_dial_person(struct buf *out, const struct twiml_say *words, const struct twiml_dial *dial);
/* With a beep. Of the first words either may be NULL. */
void twiml_take_message(
    struct buf *out, const struct twiml_say *first, const struct twiml_say *then, const struct twiml_record *record);
void twiml_hangup(struct buf *out);
void twiml_turn(struct buf *out, const struct twiml_turn *turn);

/* Appends text as XML 1.0 character data, fit for attributes too. Bytes that
 * are not UTF-8, or that XML does not allow, become U+FFFD; line breaks and
 * tabs keep their meaning inside an attribute. */
void xml_escape(struct buf *out, const char *text, size_t len);

#endif
