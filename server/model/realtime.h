#ifndef MODEL_REALTIME_H
#define MODEL_REALTIME_H
/* OpenAI's Realtime API (general availability), also as served by Azure: bytes
 * in, events out; commands in, messages out. No I/O, no state.
 *
 * The wire gives more and less than the published types: nulls, missing
 * fields, unknown events. Everything is checked for its type; what is unknown
 * is ignored by its own name, so that it can be counted.
 */
#include "common/buf.h"
#include "common/json.h"
#include "server/agents/agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_event_type {
	MODEL_INVALID, /* not an event at all */
	MODEL_UNKNOWN, /* a type we do not know: ignore, count */
	MODEL_IGNORED, /* a type we know and have no use for */
	MODEL_SESSION_CREATED,
	MODEL_SESSION_UPDATED,
	MODEL_SPEECH_STARTED,    /* item_id, ms = audio_start_ms; "" and -1 if not told */
	MODEL_SPEECH_STOPPED,    /* the same with audio_end_ms */
	MODEL_COMMITTED,         /* item_id */
	MODEL_TRANSCRIPT_DELTA,  /* item_id, text */
	MODEL_TRANSCRIPT,        /* item_id, text */
	MODEL_TRANSCRIPT_FAILED, /* item_id */
	MODEL_RESPONSE_CREATED,  /* response_id */
	MODEL_RESPONSE_SIGN,     /* response_id, "" if not told: it is alive */
	MODEL_ITEM_DONE,         /* response_id, item_id; see realtime_tools.h */
	MODEL_MCP_LIST_FAILED,   /* item_id: the model cannot have that server's tools */
	MODEL_AUDIO,             /* response_id, item_id, audio */
	MODEL_AUDIO_DONE,        /* response_id, item_id */
	MODEL_TEXT_DELTA,        /* response_id, item_id, text */
	MODEL_TEXT_DONE,         /* response_id, item_id, text */
	MODEL_RESPONSE_DONE,     /* response_id, status, class, code, text = message */
	MODEL_ERROR              /* class, code, text = message, client_event */
};

/* What an error means for the call. */
enum model_error {
	MODEL_HARMLESS, /* log once, go on */
	MODEL_RETRY,    /* this request again, after a pause */
	MODEL_RENEW,    /* only a new session helps */
	MODEL_FATAL     /* key, access, money: no use trying */
};

enum { MODEL_ID_SIZE = 64, MODEL_CODE_SIZE = 64 };

/* Tokens, and for what is billed by time, ms. Of the `in`, the `cached` cost less. */
enum usage_kind {
	USAGE_TEXT_IN,
	USAGE_TEXT_CACHED,
	USAGE_AUDIO_IN,
	USAGE_AUDIO_CACHED,
	USAGE_IMAGE_IN,
	USAGE_IMAGE_CACHED,
	USAGE_TEXT_OUT,
	USAGE_AUDIO_OUT,
	USAGE_MS,
	USAGE_COUNT
};

struct model_usage {
	int64_t n[USAGE_COUNT];
};

const char *usage_name(enum usage_kind kind); /* "text_in", … */

struct model_event {
	enum model_event_type type;
	char response_id[MODEL_ID_SIZE]; /* "" when absent */
	char item_id[MODEL_ID_SIZE];
	int64_t ms;
	struct span audio;  /* base64, borrowed from the message */
	const char *text;   /* borrowed from the event; never NULL */
	const char *status; /* RESPONSE_DONE: one of the documented five, else "failed" */
	enum model_error error;
	char code[MODEL_CODE_SIZE];
	char client_event[MODEL_ID_SIZE]; /* our event_id that an error names */
	struct model_usage usage;         /* RESPONSE_DONE, TRANSCRIPT; what was not told is 0 */
	const cJSON *session;             /* SESSION_*: borrowed from the event */
	const cJSON *items;               /* ITEM_DONE, RESPONSE_DONE: what was made; borrowed from the event */
	cJSON *tree;                      /* owned; NULL for the fast ones */
};

/* Always fills in `out`; free it before the message it came from. */
void realtime_parse(const char *text, size_t len, struct model_event *out);
void realtime_event_free(struct model_event *event);

/* The class of an error code or a close reason; "" is harmless. */
enum model_error realtime_classify(const char *type, const char *code);
const char *realtime_error_name(enum model_error error);

/* True if the session speaks the format asked for, both ways; else `what` says
 * in words what it speaks instead. */
bool realtime_format_ok(const cJSON *session, enum audio_format format, char *what, size_t size);

/* --- what we say. Each appends one message; nothing else may be in `out`. --- */

struct realtime_options {
	const char *instructions; /* the agent's with this call's values in place */
	const char *tools;        /* a JSON array; "" or NULL: none */
	enum audio_format audio_format;
	bool plain;   /* leave out what some services do not know (reasoning, noise reduction, …) */
	bool protect; /* turn detection neither answers nor interrupts for now */
};

void realtime_session_update(
    struct buf *out, const char *event_id, const struct agent *agent, const struct realtime_options *options);

/* Only the turn detection, as the agent has it. */
void realtime_turn_detection(struct buf *out, const char *event_id, const struct agent *agent);
/* The same, but it neither answers nor interrupts: last words. */
void realtime_turn_detection_deaf(struct buf *out, const char *event_id, const struct agent *agent);

/* Caller audio in the session's format. */
void realtime_append(struct buf *out, const uint8_t *bytes, size_t len);

void realtime_user_text(struct buf *out, const char *event_id, const char *text);
void realtime_system_text(struct buf *out, const char *event_id, const char *text);
/* What the agent has said, when it is told to a new session. */
void realtime_assistant_text(struct buf *out, const char *event_id, const char *text);

/* `instructions` NULL: those of the session. They replace the session's, so
 * the caller repeats what must stay. */
void realtime_response_create(struct buf *out, const char *event_id, const char *instructions, bool tools_off);
/* `exact`: the greeting is the words to say, else an instruction. */
void realtime_greeting(
    struct buf *out, const char *event_id, const char *instructions, const char *greeting, bool exact);

/* One answer: `text` is an instruction on top of the session's, or with `exact`
 * the words themselves, and then no tool is called. */
void realtime_say(struct buf *out, const char *event_id, const char *instructions, const char *text, bool exact);
void realtime_response_cancel(struct buf *out, const char *event_id, const char *response_id);
void realtime_truncate(struct buf *out, const char *event_id, const char *item_id, int64_t audio_end_ms);

#endif
