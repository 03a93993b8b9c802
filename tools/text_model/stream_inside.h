#ifndef TEXT_MODEL_STREAM_INSIDE_H
#define TEXT_MODEL_STREAM_INSIDE_H
/* What the files that make up a stream share. Nobody else includes this. */
#include "tools/kit/member.h"
#include "tools/kit/text.h"
#include "tools/text_model/stream.h"

struct stream {
	const cJSON *answer, *request;
	bool chat;
	const struct stream_to *to;
	enum stream_end end;
	bool over; /* nothing more is sent */
	int events, index;
	char *words;   /* owned; all that is said */
	cJSON *output; /* owned; items that are done */
};

/* --- stream.c --- */
/* Sends an event, and what is wrong on purpose before it; deletes it. */
void stream_emit(struct stream *s, cJSON *event);
/* Where a piece of `text` ends that begins at `from`: at the end of a word. */
size_t stream_piece_end(const struct stream *s, const char *text, size_t from);
/* As long as the script wants between two deltas. */
void stream_pause(struct stream *s);
void stream_put(struct stream *s, const struct text *t);
cJSON *stream_usage(const struct stream *s);
/* Of a call in the script: its arguments as they go out. Owned by the caller. */
char *stream_arguments(const cJSON *call);
void stream_call_id(const cJSON *call, char id[64]);

/* --- stream_response.c, stream_chat.c --- */
void stream_response(struct stream *s);
void stream_chat(struct stream *s);

#endif
