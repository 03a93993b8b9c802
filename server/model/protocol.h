#ifndef MODEL_PROTOCOL_H
#define MODEL_PROTOCOL_H
/* The seam to the model: everything a call needs of a service that listens
 * and speaks, whichever service it is.
 *
 * A protocol is a const table: bytes in, events out; commands in, messages
 * out. It does no I/O and keeps no state. Its facts say which commands are
 * allowed. No event carries a piece of the service's tree, and no reader of
 * an event has to compare a name of the service's with a constant.
 */
#include "common/buf.h"
#include "common/foreign.h"
#include "server/agents/agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_access;

/* -------------------------------------------------------------------- our requests */

/* The purpose of a message of ours. Its id on the wire is made of this and a
 * number, and a refusal that names the id is reported with this. */
enum model_request {
	MODEL_REQUEST_NONE, /* the service did not say, or it is no request of ours */
	MODEL_REQUEST_CONFIGURE,
	MODEL_REQUEST_ANSWER, /* ask, greet, say */
	MODEL_REQUEST_CANCEL,
	MODEL_REQUEST_HEARD,
	MODEL_REQUEST_KEYS,
	MODEL_REQUEST_TOOL,
	MODEL_REQUEST_TURN, /* what the caller says, in text */
	MODEL_REQUEST_PAST  /* the conversation before this session, and what was said without the model */
};

enum { MODEL_REQUEST_ID_SIZE = 32 };

/* The id of our n-th message: "say_7". */
void model_request_id(enum model_request request, uint32_t n, char id[MODEL_REQUEST_ID_SIZE]);
enum model_request model_request_of(const char *id);
uint32_t model_request_no(const char *id); /* 0: it has none */

/* The speaker of a piece of the conversation. */
enum model_role {
	MODEL_ROLE_CALLER,
	MODEL_ROLE_AGENT,
	MODEL_ROLE_NOTE /* nobody: a fact for the model to know */
};

/* What a session can do without: services that do not know such a field refuse the whole
 * configuration. Bits. */
enum model_extra {
	MODEL_EXTRA_NOISE_REDUCTION = 1,
	MODEL_EXTRA_LANGUAGES = 2,
	MODEL_EXTRA_SPEED = 4,
	MODEL_EXTRA_REASONING = 8,
	MODEL_EXTRAS = 15
};

/* Appends their names as in an agent's file: "speed, reasoning_effort". */
void model_extras_put(struct buf *out, unsigned extras);

struct model_wish { /* all borrowed; for as long as the session is not ready */
	const struct agent *agent;
	const char *tag;          /* the call, for the log; it outlives the session. NULL: none */
	const char *instructions; /* the agent's with the call's values in place */
	const char *caller;       /* the person on the line, as From or To names them; or "" */
	const char *tools;        /* a JSON array; "" or NULL: none */
	struct buf *differs;      /* gets how the session differs from all this, in words; NULL: not compared */
	bool protect;             /* turn detection starts without answering or interrupting */
	const char *voice;        /* NULL: the agent's */
	unsigned without;         /* extras that the service is known to refuse: they are not asked for */
	bool text;                /* the caller is on a channel of text */
	bool trial;               /* for nobody: a failure is told at once */
};

/* ------------------------------------------------------------------ its events */

enum model_event_type {
	MODEL_INVALID,           /* not an event at all, or it lacks something; code = its name, or "" */
	MODEL_UNKNOWN,           /* a type we do not know: ignore, count; code = its name */
	MODEL_IGNORED,           /* a type we know and have no use for */
	MODEL_SESSION_CREATED,   /* session_id, expires_s */
	MODEL_SESSION_UPDATED,   /* session_id, mismatch */
	MODEL_SPEECH_STARTED,    /* item_id, ms = audio_start_ms; "" and -1 if absent */
	MODEL_SPEECH_STOPPED,    /* the same with audio_end_ms */
	MODEL_COMMITTED,         /* item_id */
	MODEL_TRANSCRIPT_DELTA,  /* item_id, text */
	MODEL_TRANSCRIPT,        /* item_id, text */
	MODEL_TRANSCRIPT_FAILED, /* item_id */
	MODEL_RESPONSE_CREATED,  /* response_id, aside */
	MODEL_RESPONSE_SIGN,     /* response_id, or "": the response is alive */
	MODEL_ITEM_ADDED,        /* response_id, mcp: another part of it begins */
	MODEL_ITEM_DONE,         /* response_id, item_id, calls, mcp */
	MODEL_MCP_LIST_FAILED,   /* item_id: the model cannot have that server's tools */
	MODEL_AUDIO,             /* response_id, item_id, audio */
	MODEL_AUDIO_DONE,        /* response_id, item_id */
	MODEL_TEXT_DELTA,        /* response_id, item_id, text */
	MODEL_TEXT_DONE,         /* response_id, item_id, text */
	MODEL_RESPONSE_DONE, /* response_id, aside, status, reason, calls; if it failed or was cut off, as an error */
	MODEL_ERROR          /* error, reason, code, text = message, refused, refused_id, extras */
};

/* The meaning of an error for the call. */
enum model_error {
	MODEL_HARMLESS, /* log once, go on */
	MODEL_RETRY,    /* this request again, after a pause */
	MODEL_RENEW,    /* only a new session helps */
	MODEL_FATAL,    /* key, access, money: no use trying there */
	MODEL_MODERATED /* what was said is not for this service: no use trying anywhere */
};

const char *model_error_name(enum model_error error); /* "harmless", … */

/* The end of a response. */
enum model_status { MODEL_COMPLETED, MODEL_CANCELLED, MODEL_INCOMPLETE, MODEL_FAILED };

const char *model_status_name(enum model_status status); /* "completed", … */

/* The reason, where it makes a difference to the call. */
enum model_reason {
	MODEL_OTHER_REASON,
	MODEL_TURN_DETECTED, /* cancelled by the service, because the caller spoke */
	MODEL_BUSY           /* refused, because another response is being made */
};

/* Tokens; milliseconds for services billed by time. `cached` is the cheaper
 * part of the same `in`. */
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

enum { MODEL_CODE_SIZE = 64, MODEL_MISMATCH_SIZE = 160 };

/* A function the model wants called. Borrowed from the event; nothing is NULL. */
struct model_tool_call {
	const char *call_id;   /* "" if it cannot be used: missing, or longer than FOREIGN_ID_SIZE */
	const char *name;      /* "" likewise */
	const char *arguments; /* the model's text, unchecked: may be "" or no JSON */
};

/* An MCP server's tool, called by the service itself, not by us. */
struct model_mcp_item {
	enum model_mcp {
		MODEL_MCP_NONE,
		MODEL_MCP_BEGINS,
		MODEL_MCP_CALLED,
		MODEL_MCP_FAILED,
		MODEL_MCP_ASKS /* whether it may */
	} what;
	const char *id, *server, *name, *arguments, *output; /* "" when absent; NULL with NONE */
};

struct model_event {
	enum model_event_type type;
	enum model_status status;
	enum model_error error;
	enum model_reason reason;
	unsigned extras;                   /* those that may be at fault: all, if the service does not say */
	enum model_request refused;        /* the request of ours that was refused … */
	char refused_id[FOREIGN_ID_SIZE];  /* … and the id we gave it; "" if unknown */
	char response_id[FOREIGN_ID_SIZE]; /* "" when absent */
	char item_id[FOREIGN_ID_SIZE];
	char session_id[FOREIGN_ID_SIZE];
	char code[MODEL_CODE_SIZE];         /* the service's word for it, for logs and counters only */
	char mismatch[MODEL_MISMATCH_SIZE]; /* how the session differs from the format asked for, in words; or "" */
	bool aside;                         /* that response is an aside of ours */
	int64_t ms;
	int64_t expires_s;        /* Unix time; 0: it does not say */
	struct span audio;        /* base64, borrowed from the message */
	const char *text;         /* borrowed from the event; never NULL */
	struct model_usage usage; /* RESPONSE_DONE, TRANSCRIPT; 0 where the service is silent. INVALID: a response's */
	struct model_tool_call *calls; /* completed ones, in order; the event's */
	size_t call_count;
	struct model_mcp_item mcp;
	void *kept, *mended; /* the protocol's own, until the event is released */
};

/* -------------------------------------------------------------------- the protocol */

struct model_protocol {
	/* Facts. */
	bool runs_turns;   /* the model alone decides when it speaks: it is not asked for answers */
	bool can_truncate; /* it takes a report of how much of an item was heard */
	bool can_cancel;   /* a response may be stopped */
	bool can_aside;    /* something may be said beside a response that is being made */
	bool audio, text;  /* the form it takes from the caller and gives back: one of them. In text no turn is found or
			      answered by the model, and what was not heard of an item is taken out by item and unheard */
	bool
	    by_requests; /* nothing is opened before the first answer, so only an answer proves that a call would work */
	unsigned formats; /* bits 1 << enum audio_format: the audio it knows */

	/* Opening. Each appends; the headers are lines of the request, contain the
	 * key, and are never logged. `caller` as in model_wish. */
	void (*path)(const struct model_access *access, const char *model, struct buf *out);
	void (*headers)(const struct model_access *access, const char *caller, struct buf *out);

	/* Commands. Each appends one message to an empty buffer; `id` is ours, from
	 * model_request_id.
	 *
	 * The whole session, once it says that it was created, `without` these extras. */
	void (*configure)(
	    struct buf *out, const char *id, const struct model_wish *wish, enum audio_format format, unsigned without);
	/* The extras that the agent's file asks for. */
	unsigned (*extras)(const struct agent *agent);
	/* With audio: turn detection, as the agent's file sets it; `deaf`: turns are found, but it
	 * neither answers nor is interrupted. */
	void (*turns)(struct buf *out, const char *id, const struct agent *agent, bool deaf);
	/* With audio: the caller's, in the session's format. */
	void (*hear)(struct buf *out, const uint8_t *bytes, size_t len);
	/* A piece of the conversation: keys the caller pressed, words said before
	 * this session, a note; in text, what the caller says. It stands after that item; "": at the
	 * end. Our id is also that of the item. By itself it asks for no answer. */
	void (*item)(struct buf *out, const char *id, enum model_role role, const char *text, const char *after);
	/* An answer to the caller's last words. */
	void (*ask)(struct buf *out, const char *id);
	/* The first words, and any others: `text` is an instruction on top of the
	 * session's `instructions`, which are repeated, or with `exact` the words
	 * themselves. No tool is called by a greeting, nor by exact words. */
	void (*greet)(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
	void (*say)(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
	/* With can_aside: the same words beside the response that is being made. They do
	 * not become part of the conversation. */
	void (*aside)(struct buf *out, const char *id, const char *instructions, const char *text, bool exact);
	/* With can_cancel. */
	void (*cancel)(struct buf *out, const char *id, const char *response_id);
	/* With can_truncate: nothing of the item after `ms` was heard. */
	void (*heard_until)(struct buf *out, const char *id, const char *item_id, int64_t ms);
	/* With can_truncate: the item has no sound, so nothing of it was heard. With text: nothing of it
	 * was heard, or else what was stands in its place. */
	void (*unheard)(struct buf *out, const char *id, const char *item_id);
	/* A call of a tool in a session before this one; its result comes behind it. */
	void (*tool_call)(
	    struct buf *out, const char *id, const char *call_id, const char *name, const char *arguments);
	void (*tool_result)(struct buf *out, const char *id, const char *call_id, const char *result);
	/* The answer to MODEL_MCP_ASKS. */
	void (*approve)(struct buf *out, const char *id, const char *mcp_id, bool yes);

	/* Always fills in `out`; release it before the message it came from. `format`
	 * is the session's. */
	void (*parse)(const char *text, size_t len, enum audio_format format, struct model_event *out);
	void (*release)(struct model_event *event);
	/* Appends how the session of a SESSION_UPDATED differs from what `asked`, a message of
	 * configure, wanted: in words, with ", " between; nothing if it does not. */
	void (*compare)(struct buf *out, const struct buf *asked, const struct model_event *updated);
	/* The meaning of the reason in the service's Close; "" is harmless. */
	enum model_error (*close_class)(const char *reason);
};

#endif
