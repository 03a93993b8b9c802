#ifndef MODEL_REALTIME_PARSE_H
#define MODEL_REALTIME_PARSE_H
/* The events of the Realtime API: `parse`, `release` and `close_class` of
 * its table.
 *
 * The wire gives more and less than the published types: nulls, missing
 * fields, unknown events. Everything is checked for its type; an unknown
 * event keeps its own name, so that it can be counted.
 */
#include "server/model/protocol.h"

#include <cjson/cJSON.h>

void realtime_parse(const char *text, size_t len, enum audio_format format, struct model_event *out);
/* Of a session in text. */
void realtime_parse_text(const char *text, size_t len, enum audio_format format, struct model_event *out);
void realtime_release(struct model_event *event);

/* A response's usage, or a transcription's: fills in all kinds. */
void realtime_take_usage(struct model_usage *out, const cJSON *usage);

/* With or without the type of the error before the code, as close reasons have
 * it: "invalid_request_error.invalid_api_key". */
enum model_error realtime_close_class(const char *reason);

#endif
