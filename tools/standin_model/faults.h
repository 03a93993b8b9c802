#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H
/* Misbehaviour on order: a table of names, and which of them one connection has.
 *
 * A fault is ordered by --fault NAME[=VALUE][@WHICH] for all connections or
 * some, or by the query fault=NAME=VALUE of one connection's own URL. WHICH
 * counts connections from 1: @3 the third, @-3 the first three, @3- from the
 * third on, @/3 every third. SIGUSR2 begins to count anew.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a value says WHAT:WHERE, WHERE is a word of this list or seconds after
 * the upgrade ("7s"); a number behind the word says the how manieth time ("answer2").
 * The first four are before any session exists. */
#define POINTS(X) \
	X(ACCEPT, "accept")   /* the connection was accepted */ \
	X(TLS, "tls")         /* in the middle of the TLS handshake */ \
	X(UPGRADE, "upgrade") /* the HTTP request is there, unanswered */ \
	X(OPEN, "open")       /* 101 was sent */ \
	X(CREATED, "created") /* after session.created */ \
	X(UPDATED, "updated") /* after the first session.updated */ \
	X(SPEECH, "speech")   /* after speech_started */ \
	X(ANSWER, "answer")   /* after the second audio delta of an answer */ \
	X(TOOL, "tool")       /* after the response.done of an answer that calls functions */ \
	X(LONG, "long")       /* in the middle of a message of more than 32 KB that comes in */ \
	X(DONE, "done")       /* after response.done */

enum point {
#define X(id, word) AT_##id,
	POINTS(X)
#undef X
	    AT_SECONDS,
	POINTS_END
};

/* A fault's word is made of its name here: no-created. */
#define FAULTS(X) \
	X(CERTIFICATE, "NAME", "show that certificate: good, expired, wrong-name, unknown-root") \
	X(REFUSE, "STATUS", "answer the upgrade with that HTTP status") \
	X(BAD_ACCEPT, "", "101 with a wrong Sec-WebSocket-Accept") \
	X(CLOSE_3000, "", "101, then close 3000 invalid_request_error.invalid_api_key") \
	X(TLS_DELAY, "MS", "begin the TLS handshake that late (1000, as all delays)") \
	X(UPGRADE_DELAY, "MS", "answer the upgrade that late") \
	X(CREATED_DELAY, "MS", "send session.created that late") \
	X(UPDATED_DELAY, "MS", "send session.updated that late") \
	X(FIRST_DELTA_DELAY, "MS", "first audio of an answer that late, instead of --first-delta-ms; not out of band") \
	X(TRANSCRIPT_DELAY, "MS", "caller's transcripts that late, instead of --transcript-ms") \
	X(NO_CREATED, "", "never send session.created") \
	X(NO_UPDATED, "", "never send session.updated") \
	X(WRONG_FORMAT, "", "stay at 24 kHz PCM whatever is asked, and say so in session.updated") \
	X(REJECT_FIELD, "PATH", "refuse a session.update holding it, as unknown_parameter") \
	X(IGNORE_FIELD, "PATH", "take a session.update holding it, and leave that out of the session") \
	X(REFUSE_UPDATE, "", "answer every session.update with an error of the server") \
	X(DROP, "HOW:WHERE", \
	    "end the connection: rst, fin (no close_notify), notify (TLS end, no Close), CODE or CODE-REASON (Close frame); " \
	    "or stall: it stays, and nobody is there") \
	X(ERROR, "NAME:WHERE", \
	    "send that error: unknown-parameter, session-expired, active-response, cancel-not-active, commit-empty, truncate-too-long, server, minimal, invalid-api-key, rate-limit, quota") \
	X(GARBAGE, "WHAT:WHERE", \
	    "send: text, json, deep, binary, unknown, types, no-type, array, empty, nul, utf8, base64, giant (17 MiB), rsv, masked, opcode, long-ping, torn (fragments out of order), ping, cut-frame") \
	X(FAIL, "WHY[:TIMES]", \
	    "answers fail: rate_limit, inference, quota, server, model_not_found, content_filter, max_tokens") \
	X(REFUSE_CREATE, "HOW[:TIMES]", \
	    "answer a response.create with an error of the server and no response: named (the error says which), unnamed") \
	X(SILENT, "", "never answer: no response at all") \
	X(STUCK, "", "response.created, and nothing more of it") \
	X(HALT, "", "two audio deltas of an answer, and nothing more of it") \
	X(NO_AUDIO, "HOW[:TIMES]", \
	    "answers without sound: text (in place of audio), words (a transcript), nothing, or incomplete before the first: content_filter, max_tokens") \
	X(HUSH, "", "answers whose sound is silence") \
	X(OTHER_WORDS, "", "what is to be said word for word is said in other words") \
	X(LOSE, "EVENT[:TIMES]", "do not send events of that type") \
	X(SPOIL, "EVENT[:TIMES]", "send them so that they cannot be read") \
	X(TWICE, "EVENT[:TIMES]", "send them twice") \
	X(NO_CANCEL, "", "go on answering when the caller interrupts") \
	X(LATE_DELTAS, "N", "that many audio deltas between the interruption and the end of the answer") \
	X(LATE_AFTER_DONE, "N", "that many audio deltas after the response.done of a cut answer") \
	X(LONG_ANSWER, "SECONDS", "every answer is that long") \
	X(LONG_IDS, "BYTES", "every id is that long (512; 600 at most)") \
	X(LONG_WORD, "BYTES", "every answer in text is one word that long (65536)") \
	X(HALF_EMOJI, "", "an emoji in the midst of an answer in text, half of it in each of two deltas") \
	X(WORDS_AHEAD, "MS", "the words of an answer so long before its sound, instead of with it") \
	X(ONE_DELTA, "", "a whole answer in one delta") \
	X(FRAGMENT, "BYTES", "every message in fragments of that size (1000)") \
	X(DRIP, "BYTES", "write at most that many bytes at once, every 5 ms (100)") \
	X(EXPIRE, "SECONDS", "the session expires: error, then close") \
	X(EXPIRES, "SECONDS", "the same, and session.created says when (to the second)") \
	X(REFUSE_ITEM, "KIND[:TIMES]", \
	    "refuse items that are told: user, assistant, system, function_call, function_call_output") \
	X(TRANSCRIPT_FAILS, "", "input_audio_transcription.failed instead of a transcript") \
	X(NO_TRANSCRIPT, "", "no transcript of the caller ever comes") \
	X(NO_TRUNCATED, "", "truncate is obeyed but not confirmed") \
	X(READ_RATE, "BYTES", "read no more than that many bytes a second") \
	X(STOP_READING, "SECONDS", "stop reading that long after the upgrade") \
	X(NO_PONG, "", "do not answer pings") \
	X(NO_CLOSE, "", "do not answer a Close, and keep the connection")

enum fault {
#define X(id, value, help) FAULT_##id,
	FAULTS(X)
#undef X
	    FAULT_COUNT
};

/* One connection's own. Copied for each; `at` is cleared once it happened. */
struct fault_state {
	bool on;
	char what[64];   /* the value, or its part before the colon */
	long number;     /* `what` as a number; the fault's own default if there is none */
	enum point at;   /* part after the colon ... */
	long nth;        /* ... and which time; 0: the first */
	long at_seconds; /* for AT_SECONDS */
	long times;      /* part after the colon as a number, 0 if it is none */
	bool happened;
};

struct faults {
	struct fault_state f[FAULT_COUNT];
};

/* One --fault argument. NULL, or what is wrong with it (static). */
const char *faults_order(const char *argument);

/* Connections are counted from here: the next after `number` is the first. */
void faults_count_from(unsigned long number);

/* What connection `number` (from 1) does wrong. */
void faults_for(struct faults *out, unsigned long number);

/* One more fault for this connection: "NAME=VALUE". Unknown names are ignored. */
void faults_add(struct faults *faults, const char *name_value);

/* True if it is ordered, as often as it is ordered for. */
bool fault_again(struct faults *faults, enum fault fault);

/* True once, when this fault is ordered for this point. */
bool fault_due(struct faults *faults, enum fault fault, enum point at);

void faults_help(void); /* to stdout */

#endif
