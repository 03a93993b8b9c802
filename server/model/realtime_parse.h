#ifndef MODEL_REALTIME_PARSE_H
#define MODEL_REALTIME_PARSE_H
/* What the model tells. */
#include "server/model/realtime.h"

const char *usage_name(enum usage_kind kind); /* "text_in", … */

/* Always fills in `out`; free it before the message it came from. */
void realtime_parse(const char *text, size_t len, struct model_event *out);
void realtime_event_free(struct model_event *event);

/* The class of an error code or a close reason; "" is harmless. */
enum model_error realtime_classify(const char *type, const char *code);
const char *realtime_error_name(enum model_error error);

/* True if the session speaks the format asked for, both ways; else `what` says
 * in words what it speaks instead. */
bool realtime_format_ok(const cJSON *session, enum audio_format format, char *what, size_t size);

#endif
