#ifndef PHONE_CHANNEL_H
#define PHONE_CHANNEL_H
/* The seam between the caller loop and the service that carries the caller.
 *
 * A channel is a const table: facts, a parser for the far side's messages,
 * and a writer for each of ours. The caller loop, play-out and the uplink
 * know this table only. Each message, either way, is one WebSocket text
 * message, or on a channel of requests a part of the next answer. No I/O and no clock; everything is the caller loop's.
 *
 * To add a channel: a body beside media_stream.c, whose calls it carries
 * (channels.c), and a row in the routes whose upgrade names it (server/web/routes.h).
 */
#include "common/buf.h"
#include "common/foreign.h"

#include <stdbool.h>
#include <stdint.h>

/* A channel's state of one call. Zeroed before the first message; parse fills in
 * the name at the first start it can use, and never changes it after that. The rest is
 * the caller loop's own. */
struct phone_stream {
	char id[FOREIGN_ID_SIZE];       /* the far side's name for it; "" until it has started */
	char language[FOREIGN_ID_SIZE]; /* with text: what put_language said last; "": as the session began */
};

enum { PHONE_LANGUAGE_SIZE = 36 }; /* of a tag with its NUL (RFC 5646 §4.4.1) */

enum phone_event_type {
	PHONE_INVALID,     /* makes no sense, or is not addressed to this stream */
	PHONE_UNKNOWN,     /* a kind of message we do not know: normal, services gain some over time */
	PHONE_NOTHING,     /* understood, and nothing to do */
	PHONE_STARTED,     /* the caller is there */
	PHONE_AUDIO,       /* a piece of the caller's sound */
	PHONE_TEXT,        /* the same, in words */
	PHONE_VOICE,       /* the caller begins to speak, or is silent again */
	PHONE_KEY,         /* of the telephone */
	PHONE_MARK,        /* an echo: everything sent before this mark has been played */
	PHONE_PLAYED,      /* without marks: words of ours that were spoken */
	PHONE_INTERRUPTED, /* the far side stopped playing by itself, and dropped the rest */
	PHONE_COMPLAINT,   /* it could not use a message of ours, or has an error of its own */
	PHONE_STOPPED      /* the caller hung up; it may come before the start */
};

struct phone_event {
	enum phone_event_type type;

	/* AUDIO: mu-law as a JSON string of base64, so that it is decoded once, right
	 * to where it waits for the model. Borrowed from the message. */
	struct span audio;
	bool has_timestamp;
	uint64_t timestamp_ms; /* since the stream began */

	/* TEXT: the caller's words. PLAYED, INTERRUPTED: ours that were heard. COMPLAINT: the far side's
	 * own. The inside of a JSON string, borrowed: foreign_put_text makes words of it. p NULL: it does
	 * not say. */
	struct span text;
	struct span language; /* TEXT: its tag, under PHONE_LANGUAGE_SIZE plain bytes; p NULL: it does not say */
	bool last;            /* TEXT: the caller's turn ends with it */
	bool on; /* VOICE: the caller speaks. PLAYED: all that was sent has been spoken, and `text` says nothing */
	int64_t spoken_ms; /* INTERRUPTED: it had spoken for so long; -1: it does not say */
	struct span mark;  /* MARK: the name, as put_mark wrote it; borrowed */
	char key;          /* KEY: 0-9 * # A-D */

	/* STARTED: why it cannot be carried, in words; NULL if it can. INVALID,
	 * UNKNOWN: what it is instead, if that is known. */
	const char *unusable;

	/* STARTED; "" when absent or too long. Last, as most events have no use for them. */
	char call_sid[FOREIGN_ID_SIZE];
	char caller[FOREIGN_ID_SIZE], called[FOREIGN_ID_SIZE];
};

struct phone_channel {
	const char *name; /* as CHANNEL and the API have it */

	/* Facts. */
	bool audio;    /* carries mu-law at 8000 Hz, both ways */
	bool text;     /* carries words instead: the far side listens and speaks */
	bool marks;    /* echoes marks; without them PLAYED, or only the clock, tells how much was heard */
	bool closes;   /* the caller hangs up by a normal Close; without it by STOPPED only */
	bool resumes;  /* one that broke off is opened anew, for the same conversation */
	bool parks;    /* another one carries on the call of one that was lost (line/calls_carry.h) */
	bool requests; /* has no socket, and no messages to parse: the far side asks what is next (caller/gather.h) */

	/* `text` is parsed in place and must outlive the event. A second start is an
	 * event too, and leaves the stream as it is. */
	void (*parse)(struct phone_stream *s, const char *text, size_t len, struct phone_event *out);

	/* Each appends one message; nothing else may be in `out` before it. Only once
	 * the stream has started. What does not go with the facts is NULL.
	 *
	 * With audio: */
	void (*put_audio)(const struct phone_stream *s, struct buf *out, const uint8_t *mulaw, size_t len);
	void (*put_mark)(const struct phone_stream *s, struct buf *out, const char *name);
	void (*put_clear)(const struct phone_stream *s, struct buf *out); /* drop the audio not played yet */

	/* With text. `last`: the answer ends with it; it may be empty then. */
	void (*put_text)(const struct phone_stream *s, struct buf *out, const char *text, size_t len, bool last);
	void (*put_language)(
	    struct phone_stream *s, struct buf *out, const char *tag); /* heard and spoken from now on */
	void (*put_play)(const struct phone_stream *s, struct buf *out, const char *url);  /* behind all text */
	void (*put_keys)(const struct phone_stream *s, struct buf *out, const char *keys); /* 0-9 * # w; likewise */
	/* The session is over, the call goes on; `handoff` comes back with the question what is next. */
	void (*put_end)(const struct phone_stream *s, struct buf *out, const char *handoff);
};

#endif
