#ifndef PHONE_TWIML_H
#define PHONE_TWIML_H
/* The TwiML we answer with. Each function appends one whole document; text from
 * outside is escaped, so none of it can become markup. Check buf_error at the
 * end.
 */
#include "common/buf.h"

#include <stddef.h>

struct agent;

#define TWIML_TYPE "text/xml; charset=utf-8"

struct twiml_stream {           /* borrowed */
	const char *stream_url; /* wss://…, without a query: Twilio drops it */
	const char *action_url; /* asked when the stream is over */
	const char *status_url; /* told about the stream */
	const char *caller;     /* handed on as <Parameter>s; "" is left out */
	const char *called;
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

void twiml_connect_stream(struct buf *out, const struct twiml_stream *stream);
void twiml_connect_relay(struct buf *out, const struct twiml_relay *relay);
void twiml_say_hangup(struct buf *out, const struct twiml_say *say);
/* With a time limit, and `action_url` asked how it went; a sip: address is dialled as such.
 * With `caller_id` "" the person sees who is calling; see party_caller_id. */
void twiml_dial_person(
    struct buf *out, const char *number, int ring_seconds, const char *action_url, const char *caller_id);
void twiml_hangup(struct buf *out);

/* Appends text as XML 1.0 character data, fit for attributes too. Bytes that
 * are not UTF-8, or that XML does not allow, become U+FFFD; line breaks and
 * tabs keep their meaning inside an attribute. */
void xml_escape(struct buf *out, const char *text, size_t len);

#endif
