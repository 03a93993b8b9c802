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

#include "server/model/realtime_parse.h"
#include "server/model/realtime_say.h"

#endif
