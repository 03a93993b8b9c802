#ifndef TEXT_TALK_H
#define TEXT_TALK_H
/* A conversation as a text API is told it whole with each request, and the bodies of these
 * requests. It is changed by the commands of the Realtime protocol about items, and by what
 * the model says. Pure, for one thread. */
#include "common/buf.h"
#include "server/model/protocol.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum talk_kind {
	TALK_CALLER,
	TALK_AGENT,
	TALK_NOTE,
	TALK_CALL,  /* the model wants a function called; text = its arguments */
	TALK_RESULT /* what came of it */
};

struct talk_item {
	enum talk_kind kind;
	char *id, *call_id, *name; /* owned; "" where there is none */
	struct buf text;
};

struct talk {
	struct talk_item *items; /* owned */
	size_t count, room;
	size_t bytes; /* of all texts */
};

/* What goes beyond is forgotten, the oldest first. */
enum { TALK_ITEMS = 2000, TALK_BYTES = 256 * 1024 };

void talk_init(struct talk *t);
void talk_free(struct talk *t);

/* Puts an item behind that one; "" or an unknown one: at the end. False without memory. */
bool talk_put(struct talk *t, enum talk_kind kind, const char *id, const char *text, const char *after);
bool talk_put_call(struct talk *t, const struct model_tool_call *call);
/* Adds to the text of an item; nothing if it is gone. */
void talk_add(struct talk *t, const char *id, const char *text);
/* conversation.item.create and conversation.item.delete. False: another, or one that lacks something. */
bool talk_take(struct talk *t, const cJSON *message);

/* ----------------------------------------------------------------------- requests */

struct talk_request { /* borrowed */
	const struct talk *talk;
	const struct agent *agent;
	const char *instructions;
	const char *effort; /* of reasoning; "": the model's own */
	const char *person; /* model_access_put_person */
	const char *tools;  /* as in model_wish */
	bool tools_off;     /* they are told, but none may be called */
	int max_tokens;     /* 0: the model's own limit */
};

/* Each appends one body. Functions alone are offered: no other kind of tool. A function call without
 * a result gets one that says so, since a service takes no call without one. */
void talk_put_responses(struct buf *out, const struct talk_request *r);
void talk_put_chat(struct buf *out, const struct talk_request *r);

#endif
