#ifndef WORK_TEXT_MODEL_H
#define WORK_TEXT_MODEL_H
/* A text model that fills in a form: one question to the text API (TEXT_API),
 * answered with JSON that is meant to follow a schema.
 *
 * Strict where the schema allows it, so that the model cannot answer with
 * anything else; otherwise the schema stands in the instructions. The caller
 * checks the answer against it either way. OpenAI is told not to store it.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/work/fetch.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text_request {             /* borrowed */
	const char *instructions; /* the task */
	const char *input;        /* the text it is about */
	const cJSON *schema;      /* one that schema_check has passed */
};

enum text_outcome {
	TEXT_OK,
	TEXT_REFUSED,     /* the model will not; it would not the next time either */
	TEXT_CUT_SHORT,   /* unfinished: too long, or stopped by a filter */
	TEXT_NONSENSE,    /* an answer that is none: HTML, half of it, no text in it */
	TEXT_NOT_ALLOWED, /* a 4xx: key, model or request are not accepted */
	TEXT_UNAVAILABLE, /* no answer, 429 or 5xx, also after the retries */
	TEXT_CANCELLED
};

struct text_answer {
	enum text_outcome outcome;
	char *text;        /* owned: the model's words; NULL unless TEXT_OK */
	char problem[200]; /* a sentence, without credentials; "" on TEXT_OK */
	int tries;
	int64_t input_tokens, output_tokens, took_ms;
};

/* Another API of that kind, for its own words. */
struct text_api_names {
	const char *api;   /* "the text API" */
	const char *key;   /* the settings that an owner looks at whose key is refused */
	const char *place; /* … or whose address or model is not known there */
};

/* False: an answer came, and its body is to be read. Else what went wrong is in `out`. */
bool text_answer_failed(const struct fetch_response *got, const struct text_api_names *names, struct text_answer *out);

/* The request's body, and the meaning of an answer's body. Pure. */
void text_model_put_request(const struct config *cfg, const struct text_request *request, struct buf *out);
void text_model_read(const char *body, size_t len, struct text_answer *out);

/* Asks; again after 429, 5xx or a failed connection, twice, within two minutes.
 * Blocks: for background jobs. `cancel` as for fetch. text_answer_free ends it. */
void text_model_ask(
    const struct config *cfg, const struct text_request *request, const _Atomic bool *cancel, struct text_answer *out);
void text_answer_free(struct text_answer *answer);

#endif
