#ifndef TEXT_MODEL_STREAM_H
#define TEXT_MODEL_STREAM_H
/* An answer as server-sent events, of the Responses API or of Chat Completions, as they are
 * in tests/fixtures/text-responses-* and text-chat-*. No sockets: the caller writes. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum stream_end { STREAM_WHOLE, STREAM_CUT, STREAM_GONE /* who asked has left */ };

struct stream_to {
	void *to;
	bool (*write)(void *to, const void *bytes, size_t len); /* false: gone */
	bool (*wait)(void *to, long ms);                        /* the same; -1: until it is gone */
};

/* `request` is what was asked, or NULL. *events: how many were sent. */
enum stream_end stream_answer(
    const cJSON *answer, const cJSON *request, bool chat, const struct stream_to *to, int *events);

#endif
