#ifndef TEXT_REPLY_H
#define TEXT_REPLY_H
/* One answer of a text API, from the data of its server-sent events to events of the protocol: the
 * Responses API's events, or the chunks of Chat Completions. Pure, for one thread. */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/model/protocol.h"
#include "server/model/text/reply_calls.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { REPLY_QUEUE = 8, REPLY_TEXT_BYTES = 256 * 1024 };

struct text_reply {
	enum text_api api;
	bool aside, over; /* over: its RESPONSE_DONE was put */
	char id[FOREIGN_ID_SIZE];
	size_t asked_bytes; /* its owner's: of the request, for an estimate of what is billed and not told */

	char item_id[FOREIGN_ID_SIZE]; /* the message being made; "": none */
	struct buf text;
	struct reply_calls calls;     /* chat's, until they are whole */
	char finish[MODEL_CODE_SIZE]; /* chat's reason for the end; "": not told yet */
	bool counted;                 /* usage was told */
	struct model_usage usage;

	struct model_event *queue[REPLY_QUEUE]; /* owned; from the oldest */
	size_t queued;
};

/* A reason why there is no whole answer. */
struct reply_failure {
	int status;       /* HTTP, other than 200; 0: none came, or it is none of these */
	const char *body; /* of that status; may be anything */
	const char *code; /* if there is no status: "timeout", "connection", … */
	const char *text; /* a sentence */
};

/* Its first event is RESPONSE_CREATED with this id. */
void text_reply_begin(struct text_reply *r, enum text_api api, const char *id, bool aside);
void text_reply_free(struct text_reply *r); /* fine with a zeroed one */

/* The data of one event. Call text_reply_next until it says no before the next. */
void text_reply_take(struct text_reply *r, const char *data, size_t len);
/* The stream is over; NULL: by itself. Nothing if the answer is over. */
void text_reply_end(struct text_reply *r, const struct reply_failure *failure);
/* What such a failure means for the call. */
enum model_error text_reply_class(const struct reply_failure *failure);
/* We stopped it. */
void text_reply_cancel(struct text_reply *r);

/* True: the next event, whole in itself; realtime_release ends it. */
bool text_reply_next(struct text_reply *r, struct model_event *out);

#endif
