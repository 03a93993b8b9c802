#ifndef TEXT_MODEL_JUDGE_H
#define TEXT_MODEL_JUDGE_H
/* A request for a stream, by the rules of the Responses API or of Chat Completions; and one for a transcription. */
#include <cjson/cJSON.h>
#include <stdbool.h>

/* NULL, or what is wrong with it (static). */
const char *judge_stream(const cJSON *request, bool chat);

/* The text of the last message, or of the last tool's result; "" if there is none. Borrowed. */
const char *judge_last_words(const cJSON *request);

/* A request for a transcription, which is a form with a file in it. */
struct judged_file {
	char model[128], language[16];
	size_t bytes; /* of the file */
};

/* NULL, or what is wrong with it (static). `type`: its Content-Type. */
const char *judge_file(const char *type, const char *body, size_t len, struct judged_file *out);

#endif
