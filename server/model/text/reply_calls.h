#ifndef TEXT_REPLY_CALLS_H
#define TEXT_REPLY_CALLS_H
/* The functions that an answer of a text API calls. Chat Completions tell them in parts; they become
 * items as the Responses API has them. Pure. */
#include "common/buf.h"

#include <cjson/cJSON.h>

enum { REPLY_CALLS = 16, REPLY_CALL_BYTES = 64 * 1024, REPLY_CALL_ID = 64 /* bytes; OpenAI takes no longer ones */ };

struct reply_call {
	struct buf id, name, arguments;
};

struct reply_calls {
	struct reply_call of[REPLY_CALLS];
};

void reply_calls_init(struct reply_calls *c);
void reply_calls_free(struct reply_calls *c); /* fine with a zeroed one */

/* An element of a chunk's `tool_calls`. */
void reply_calls_take(struct reply_calls *c, const cJSON *part);
/* A list of items, owned by the caller; NULL: there are none. */
cJSON *reply_calls_list(const struct reply_calls *c, const char *response);

/* Some services call the functions of every answer by the same ids: the item's becomes one of this
 * response. */
void reply_calls_name(cJSON *item, const char *response);

#endif
