#ifndef TEXT_MODEL_JUDGE_H
#define TEXT_MODEL_JUDGE_H
/* A request for a stream, by the rules of the Responses API or of Chat Completions. */
#include <cjson/cJSON.h>
#include <stdbool.h>

/* NULL, or what is wrong with it (static). */
const char *judge_stream(const cJSON *request, bool chat);

/* The text of the last message, or of the last tool's result; "" if there is none. Borrowed. */
const char *judge_last_words(const cJSON *request);

#endif
