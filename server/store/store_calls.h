#ifndef STORE_STORE_CALLS_H
#define STORE_STORE_CALLS_H
/* The facts about a call, as values; and the rows of `calls`, `turns`, `events`
 * and `tool_calls`.
 *
 * A call's line, its turns and its tools are told in these types to every part that
 * keeps, shows or passes them on. JSON is made of them where they leave the program
 * (server/news/journal_json.h): here it is a column beside the others.
 *
 * That column is text to be handed out again, and so are an order in a summary and the
 * turns and tools of a talk: none of our code looks into them. SQL does, in four
 * statements of store_calls.c: lists leave the conversation out, calls that a dead
 * process left are given their end, and one call tells whether its order is in it, or whether its
 * last words were heard.
 * Columns instead would cost an owner the way back to the version before, since rows
 * that are there would have to be changed.
 *
 * Times are Unix time in milliseconds, 0: not (yet). Names and words marked as
 * literal are never freed.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* ----------------------------------------------------------------------- the facts */

struct call_audio {
	uint64_t frames_in, frames_out, dropped_ms, padded_ms, underruns, stale_ms, late_delta_ms, answer_dropped_ms;
	int64_t late_ms, late_max_ms, backlog_ms;
	bool valve_open;
	uint64_t interruptions, keys, invalid_messages;
};

enum call_recorder { CALL_NOT_RECORDED, CALL_RECORDED_HERE, CALL_RECORDED_BY_TWILIO };

struct call_recording {
	enum call_recorder by;

	/* Here. No channels: nothing could be recorded. */
	const char *state, *error; /* literal; no error: NULL */
	double seconds;
	uint64_t bytes, lost_ms;
	int64_t channels;

	/* By Twilio, once it has told of it; borrowed. No sid: it was only asked to. */
	const char *sid, *status, *url; /* url: NULL without */
};

enum { CALL_TOKEN_KINDS = 8 };

struct call_cost {  /* USD, an estimate */
	bool known; /* false: something that was used has no price, and counts as the dearest in the table */
	double model, transcription, twilio, total;
	const char *prices_of; /* literal: their date; NULL: nothing was calculated */
	int64_t tokens[CALL_TOKEN_KINDS];
};

enum call_stage { CALL_IS_RESERVED, CALL_IS_LIVE, CALL_IS_OVER };

struct call_summary { /* zeroed: nothing is known; free it with call_summary_free */
	/* "" for none */
	char call_sid[FOREIGN_ID_SIZE], stream_sid[FOREIGN_ID_SIZE], from[FOREIGN_ID_SIZE], to[FOREIGN_ID_SIZE];
	char direction[24];
	const char *channel; /* literal: how the caller reaches us; NULL: no line yet */
	enum call_stage stage;
	const char *state;                /* literal: the stage as people are told, in finer steps */
	char *agent, *variant, *metadata; /* owned; NULL for none; metadata is a JSON object */
	int64_t reserved_ms, started_ms, ended_ms;
	int64_t first_turn; /* the number of this stream's first: not 0 for a call that came back */
	double seconds;
	enum call_end end;
	bool said; /* its last words were heard */

	/* Of a call that has or had a line here. */
	struct call_audio audio;
	struct call_recording recording;
	struct call_cost cost;

	/* Instead of these, JSON objects, owned; handed out as they are, and never read.
	 * `order`: the request for a call that we place and that has no line yet, and may
	 * never have one. `kept`: a call read from the store, without its turns. */
	char *order, *kept;
	bool ordered; /* the order is in either of them */
};

void call_summary_free(struct call_summary *call); /* zeroed again; fine with a zeroed one */

/* The conversation of a call, as far as it is shown; zeroed: nothing. */
struct call_talk {
	bool begun; /* the conversation has shown something; else only `earlier` and `turns` count */
	char session_id[FOREIGN_ID_SIZE]; /* the model's; "" for none */
	struct buf earlier;               /* owned; JSON array of the turns of streams before, or empty */
	struct buf turns;                 /* owned; JSON array */
	struct buf tools;                 /* owned; JSON array */
	struct buf sessions;              /* owned; JSON array: the newest of those with the model that it had … */
	size_t sessions_before;           /* … and how many there were before these */
	size_t turns_before;              /* older turns of this stream, not shown */
	uint64_t turns_dropped, text_dropped;
};

void call_talk_free(struct call_talk *talk); /* zeroed again; fine with a zeroed one */

/* As begun, without tools and sessions, and with the turns as they were: to be written in the same memory. */
void call_talk_begin(struct call_talk *talk);

/* Copies for the caller to free. False if there is no memory: `out` is zeroed. */
bool call_summary_copy(struct call_summary *out, const struct call_summary *call);
bool call_talk_copy(struct call_talk *out, const struct call_talk *talk);

struct call_turn {              /* borrowed */
	const char *who;        /* literal: caller, keys or agent */
	const char *item_id;    /* NULL without */
	const char *text;       /* NULL: not known yet */
	int64_t at_ms;          /* since the call was answered; -1 before */
	bool transcript_failed; /* the caller's words are not known */

	/* Only of the agent's. */
	bool spoken;
	const char *status; /* literal */
	uint32_t generated_ms, heard_ms;
	const char *heard_text; /* mostly a beginning of the text … */
	size_t heard_len;       /* … of so many bytes */
	bool heard_exact;       /* the phone says so; else it is an estimate */
	bool heard_known, heard_confirmed, interrupted;
	int64_t after_event_ms, after_speech_ms; /* how long the caller waited for it; -1 unknown */
};

struct call_tool { /* borrowed */
	const char *call_id, *name, *arguments;
	int64_t at_ms;      /* since the call was answered */
	bool answered, ok;  /* ok: once answered */
	int64_t took_ms;    /* -1: unknown */
	const char *answer; /* NULL for none */
};

/* ------------------------------------------------------------------------- keeping */

/* Any thread, a call's loops too; as store_write. `json` is the whole object as
 * shown, of a call without its turns. Old news of a call does not undo newer news,
 * unless it is of a later stream. The row's key is `name`: the CallSid, or our own
 * name for a call that has none yet. `agent` and `variant`: NULL for none. */
bool store_call_put(struct store *store, const char *name, const struct call_summary *call, const char *agent,
    const char *variant, const char *json);
bool store_turn_put(struct store *store, const char *call_sid, int64_t no, const struct call_turn *turn,
    int64_t wall_ms, const char *json);
bool store_tool_put(struct store *store, const char *call_sid, const struct call_tool *tool, int64_t wall_ms);
bool store_event_put(struct store *store, const char *call_sid, const char *type, int64_t wall_ms, const char *json);

/* At start, for calls that a dead process left open. store_calls_open calls back
 * with each as it is to be closed: ended by `end`, at the time of the last thing
 * known of it. 0, or -EIO: some cannot be read. store_calls_close_open then closes
 * them in the database, now or once the disk is back. */
typedef void store_calls_open_row(void *arg, const struct call_summary *call, const struct call_talk *talk);
int store_calls_open(struct store *store, enum call_end end, store_calls_open_row *row, void *arg);
bool store_calls_close_open(struct store *store, enum call_end end);

/* ------------------------------------------------- reading: not for a call's loops */

/* The calls that are asked for. NULL, INT64_MIN and INT64_MAX: any. Texts are
 * compared as a whole. */
struct call_filter {
	const char *agent, *from, *to, *ending, *direction;
	int64_t since_ms, until_ms; /* when the call came in: since <= it < until */
};

/* A call's place in the order of lists: newest first. */
struct call_mark {
	int64_t reserved_ms;
	char call_sid[FOREIGN_ID_SIZE];
};

/* Below 0: x comes before y. */
int call_mark_order(const struct call_mark *x, const struct call_mark *y);

/* True if the call is asked for: the same answer as store_calls gives. */
bool call_filter_matches(const struct call_filter *filter, const struct call_summary *call);

/* Calls back for each call behind `after` (NULL: all), in order, until the callback
 * answers false. `json` is the call without its conversation. 0, or -EIO: the
 * database cannot be read, or takes too long. */
typedef bool store_calls_row(void *arg, const struct call_mark *mark, const char *json);
int store_calls(struct store *store, const struct call_filter *filter, const struct call_mark *after,
    store_calls_row *row, void *arg);

/* One call with its turns, both the caller's to free. 0; -ENOENT or -EIO, and
 * both are zeroed. */
int store_call(struct store *store, const char *call_sid, struct call_summary *call, struct call_talk *talk);

struct kept_ending {
	enum call_end end; /* one that another version wrote is told as INTERRUPTED */
	bool said;         /* the last words were heard */
	int64_t ended_ms;
	char agent[80], variant[80]; /* who had the call */
};

/* How a call ended, and when. 0; -ENOENT: it is unknown, or not over; or -EIO. Waits 50 ms at
 * most for other readers. */
int store_call_ending(struct store *store, const char *call_sid, struct kept_ending *out);

/* A call that its process did not end: it is open still, or was closed as INTERRUPTED. 0, and the caller
 * frees `call`; -ENOENT or -EIO. Its newest turns of so many bytes in all, as far as they were heard, are
 * called back, the oldest first; *turns: numbers up to here have been given to turns of it. */
typedef void store_said(void *arg, bool agents, const char *text);
int store_call_left(struct store *store, const char *call_sid, struct call_summary *call, int64_t *turns, size_t bytes,
    store_said *said, void *arg);

/* Appends the call's turns before that number, as an array. 0 or -EIO. */
int store_turns_before(struct store *store, const char *call_sid, int64_t no, struct buf *out);

#endif
