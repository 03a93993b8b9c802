#ifndef PHONE_CALL_H
#define PHONE_CALL_H
/* One call, from the voice webhook to the last callback.
 *
 * call.c follows the TwiML, webhook.c asks for it, stream.c opens, reads
 * and ends the media stream (upgrade.c, tick.c and outbound.c are its parts),
 * inbound.c takes what the server sends, mischief.c does what --fault
 * says, relay.c is what a ConversationRelay does in place of a stream, notes.c remembers what happened for the report. All of a call runs on
 * one loop.
 */
#include "tools/phone/agent.h"
#include "tools/phone/caller.h"
#include "tools/phone/ears.h"
#include "tools/phone/http.h"
#include "tools/kit/loop.h"
#include "tools/phone/relay.h"
#include "tools/kit/sid.h"
#include "tools/phone/options.h"
#include "tools/phone/playout.h"
#include "tools/kit/form.h"
#include "tools/phone/stats.h"
#include "tools/phone/twiml.h"

enum {
	FULL_REPORTS = 20 /* calls at once, up to which all is listened to */,
	DOCUMENTS_MAX = 200,
	NOTES_MAX = 2000,
	ANSWER_STARTS = 8
};

/* How the media stream, or else the call, came to its end; and the report's word for it. */
#define CALL_ENDS(X) \
	X(NONE, "none") \
	X(CALLER, "caller")                   /* we sent stop */ \
	X(SERVER, "server")                   /* the server sent a close frame */ \
	X(LOST, "lost")                       /* the server's socket ended without one */ \
	X(VIOLATION, "violation")             /* the server broke RFC 6455: we cut */ \
	X(CUT, "cut")                         /* --fault cut */ \
	X(WEBHOOK_FAILED, "webhook-failed")   /* no TwiML came */ \
	X(UPGRADE_REFUSED, "upgrade-refused") /* no 101 */ \
	X(NO_STREAM, "no-stream")             /* the TwiML had none */ \
	X(LIMIT, "limit")                     /* --limit */ \
	X(ORDERED, "ordered")                 /* an order came in over --control */

enum call_end {
#define X(id, word) END_##id,
	CALL_ENDS(X)
#undef X
};

enum stream_state { STREAM_NONE, STREAM_CONNECTING, STREAM_UPGRADING, STREAM_OPEN, STREAM_CLOSING, STREAM_DONE };

struct warning {
	char *text; /* owned */
	int count;
	uint64_t first_ns;
};

struct event {
	uint64_t at_ns;
	char *text; /* owned */
};

struct turn {
	const struct step *step;
	uint64_t begin_ns, voice_end_ns, arrival_ns, play_ns; /* 0: did not happen */
	bool interrupting;                                    /* the agent was talking when it began */
	bool talked_over;                                     /* and still talked when it ended */
};

struct clear_note {
	uint64_t at_ns;
	size_t unplayed_bytes, marks;
	uint64_t played_bytes; /* of the answer that was playing */
};

struct mark_note {
	char *name; /* owned */
	uint64_t received_ns, echoed_ns;
	bool flushed;
};

/* Where an answer that carries stamps begins in the stream. */
struct answer_start {
	uint16_t turn;
	uint64_t position, arrival_ns;
};

struct stamp_reader {
	uint8_t left[2 * 160]; /* too little to be a unit yet */
	size_t left_len;
	uint64_t position; /* of left[0] */
	struct answer_start starts[ANSWER_STARTS];
	size_t start_count; /* ever; the last ANSWER_STARTS are kept */
	uint16_t turn, cleared_turn;
	uint32_t next_seq;
	uint64_t recent; /* bit n: unit next_seq - 1 - n came */
	bool in_answer;
	/* For the caller's frames. */
	uint16_t clears;
	uint64_t cleared_ns;
	uint32_t played_ms;
	uint16_t told_turn;
};

struct stream {
	struct source source;
	struct timer tick;
	struct timer guard; /* connecting, closing */
	enum stream_state state;
	const struct verb *verb;
	char sid[SID_SIZE];
	char *path; /* of the url, with the token */
	char *signed_url;
	char key[256];
	uint64_t begun_ns, open_ns, last_tick_ns, hold_until_ns;
	struct text out;           /* what the socket did not take yet */
	struct text in;            /* not yet a whole frame */
	struct http_answer answer; /* to the upgrade */
	struct text whole;         /* fragments of a message */
	bool in_fragments, fragments_text;
	uint64_t sequence, chunk;
	uint32_t ticks; /* of this stream */
	struct playout play;
	struct stamp_reader stamps;
	bool stop_sent, close_sent;
	uint16_t close_code; /* of the server's close frame */
	bool mute;           /* nothing is sent any more (--fault) */
	bool deaf;           /* nothing is read (--fault) */
	bool done_fault[FAULT_COUNT];
};

struct call {
	struct loop *loop;
	const struct options *options;
	struct stats *stats;
	void (*over)(struct call *c);
	int index;
	uint64_t steady_begin_ns, steady_end_ns, hangup_ns; /* of the whole load; 0: none */
	struct timer timer;                                 /* to begin, to give up */
	struct timer pause;                                 /* --fault late-upgrade */
	uint64_t rng;

	char sid[SID_SIZE];
	char from[24];
	uint64_t begun_ns, zero_ns, over_ns; /* zero: the first tick */
	struct form form;
	struct twiml twiml;
	size_t next_verb;
	char *document_url;
	int documents;
	int requests; /* under way */
	bool finishing, told_completed;
	char final_status[16];
	struct stream stream;
	struct agent agent;
	struct ears ears;
	struct relay relay;
	struct caller caller;
	uint32_t tick;
	struct text left, right; /* what was said and heard, mu-law, if it is kept */
	const struct step *cut;  /* the script's, of the last stream; NULL: it was not */
	int streams, gathers;
	struct {
		const struct verb *verb;
		const struct step *input; /* NULL: the caller says nothing */
	} gather;

	/* Orders from outside: control.c */
	struct control *control; /* owned; NULL without --control */
	char *order_url;         /* owned; where to go on, or NULL */
	struct text order_twiml; /* or with what */
	bool ordered;            /* one of them waits for the stream or a document to be over */

	/* What came of it. */
	enum call_end end;
	int status, upgrade_status, second_status, action_status, close_code;
	char refusal[400]; /* the body of a refusal */
	struct text said, dialled, tones, documents_text;
	char failure[300]; /* why the call did not go as it should, first reason */
	uint64_t webhook_ns, upgrade_ns, first_media_ns, first_play_ns;
	uint64_t frames_sent, messages, media, media_bytes, played_bytes, underruns, overflow_frames;
	uint64_t marks_received, marks_played, marks_flushed, keys_sent, pings, pongs;
	uint64_t stale_units, lost_units;
	size_t unplayed_at_close;
	uint64_t warnings_total;
	struct warning *warnings;
	struct event *events;
	struct turn *turns;
	struct clear_note *clears;
	struct mark_note *marks;
	size_t warning_count, event_count, turn_count, clear_count, mark_count;
	size_t marks_echoed; /* of `marks`, in order */
};

/* Sets the call up; it begins at `begin_ns` on its loop. */
void call_open(struct call *c, struct loop *loop, const struct options *o, struct stats *stats, int index,
    uint64_t begin_ns, void (*over)(struct call *));
void call_close(struct call *c);
/* The stream has ended, and c->end says how. */
void call_stream_ended(struct call *c);

/* What follows in the document. */
void call_go_on(struct call *c);
/* Asks for the next document; the verb that named it is gone afterwards. */
void call_go_to(struct call *c, const char *reference, bool get, const struct form *form);

const char *call_end_name(enum call_end end);
/* What Twilio's REST API can do to a call that is up. `twiml` or `url`, the
 * other NULL; both NULL: hang up. False if it is over already. */
bool call_order(struct call *c, const char *url, const char *twiml);

/* --- control.c --- */
struct control *control_open(struct call *c);
void control_close(struct control *k); /* fine with NULL */

/* --- webhook.c --- */
/* Asks `url` (absolute, or relative to the document) and calls `done`. */
struct request;
/* error: a sentence, and then there is no answer in the request. */
typedef void webhook_done(struct call *c, const struct request *r, const char *error);
void webhook_ask(struct call *c, const char *reference, bool get, const struct form *form, webhook_done *done);
/* Such a `done`, of what is told on the side. */
webhook_done webhook_ignore;
/* Absolute form of a reference found in the current document. Owned by the caller. */
char *webhook_resolve(const struct call *c, const char *reference);
/* Path of an absolute URL on the public host, borrowed; NULL if it is another host's. */
const char *webhook_path(const struct call *c, const char *url);
/* The parameters every request about this call has. */
void webhook_base_form(const struct call *c, struct form *f, const char *call_status);
/* What the action of a <Dial> is told. */
void webhook_dial_form(const struct call *c, struct form *f);
void webhook_stream_status(struct call *c, const char *event, const char *error);
void webhook_call_status(struct call *c, const char *status);
/* What every request begins with after its first line. */
/* What Twilio adds of the two numbers to the first request. */
void webhook_add_cities(struct form *f);
void webhook_headers(const struct call *c, struct text *out);

/* --- gather.c --- */
/* Each true if the call goes on later. `next`: the verb behind it, or NULL. */
bool gather_say(struct call *c, const struct verb *v, const struct verb *next);
bool gather_play(struct call *c, const struct verb *v);
void gather_pause(struct call *c, const struct verb *v);
bool gather_begin(struct call *c, const struct verb *v); /* false: the caller hangs up */
bool gather_record(struct call *c, const struct verb *v);

/* --- stream.c --- */
void stream_open(struct call *c, const struct verb *v);
/* stop and close, as when the caller hangs up. */
void stream_hang_up(struct call *c);
/* The socket is cut, as the script says, and the call goes on. */
void stream_cut(struct call *c, const struct step *s);
/* The same as stream_hang_up because somebody else wants it. */
void stream_stop(struct call *c);
/* A close frame was sent: the other's is waited for, not for ever. */
void stream_closing(struct call *c);
/* The stream is over; the call goes on a moment later. */
void stream_end(struct call *c, enum call_end end);
/* How it ends when the close frames have been exchanged. */
enum call_end stream_closed_by(const struct call *c);
/* Ends its timers and its socket. */
void stream_drop(struct call *c);
/* Frees what it holds; after stream_drop. */
void stream_close(struct stream *s);
/* Reads at most so much now (--fault slow-read). */
void stream_read_slowly(struct call *c, size_t bytes);

/* --- upgrade.c --- */
void upgrade_write(struct call *c, struct text *out);
/* Warns of what Twilio would not take in the 101. */
void upgrade_check(struct call *c);
void upgrade_make_key(struct call *c);
/* The url as it is signed: wss, absolute, without what Twilio drops. Owned by the caller. */
char *upgrade_url(struct call *c, const struct verb *v);

/* --- tick.c --- */
void stream_begin_ticks(struct call *c, uint64_t now_ns);

/* --- outbound.c --- */
/* One WebSocket message; with faults, in the strange way asked for. */
void stream_send(struct call *c, int opcode, const char *payload, size_t len);
/* Bytes as they are; what the socket does not take waits in s->out. */
void stream_send_raw(struct call *c, const void *bytes, size_t len);
void stream_flush(struct call *c);
/* Tells the loop what the socket is waited for. */
void stream_want_events(struct call *c);
void stream_random(struct call *c, void *out, size_t len);
void stream_media(struct call *c, const uint8_t *bytes, size_t len);
void stream_start_message(struct call *c, struct text *out);
void stream_echo_marks(struct call *c, uint64_t now_ns);
void stream_key(struct call *c, char key);

/* --- inbound.c --- */
/* Takes whole frames; returns how many bytes. May end the stream (state STREAM_DONE). */
size_t inbound_frames(struct call *c, uint8_t *bytes, size_t len, uint64_t now_ns);
/* Puts the stamp of the next frame into it. */
void inbound_stamp_frame(struct call *c, uint8_t frame[160], uint64_t now_ns);

/* --- mischief.c --- */
/* What the faults that have a time do in this tick. */
void mischief_tick(struct call *c);
void mischief_after_stop(struct call *c);
/* The socket, with a reset or as --fault cut says. */
void mischief_cut(struct call *c);
/* Spoils the URL the stream is opened at, in place; it is signed as it is then. */
void mischief_url(struct call *c, char *url);
/* Opens a stream that is not the call's own, only to see the answer. */
void mischief_other_stream(struct call *c, void (*then)(struct call *c));
void mischief_webhook(struct call *c, struct text *request, const struct form *form);

/* --- notes.c --- */
double call_ms(const struct call *c, uint64_t at_ns); /* on the stream's clock */
void note_event(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note_warning(struct call *c, const char *text);
void note_failure(struct call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct turn *note_turn(struct call *c);
struct clear_note *note_clear(struct call *c);
struct mark_note *note_mark(struct call *c, const char *name);
void notes_free(struct call *c);

#endif
