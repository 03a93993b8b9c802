#ifndef TEXT_MODEL_SCRIPT_H
#define TEXT_MODEL_SCRIPT_H
/* What the stand-in answers, from a JSON file:
 *
 *   [{"when": "a text in the request", "then": [ANSWER, ANSWER, …]}, …]
 *
 * The first rule whose text is in the request (a rule without `when` fits any)
 * gives its answers in turn, the last one for ever. An ANSWER is an object:
 *
 *   {"json": {…}}             the model's answer, an object
 *   {"text": "…"}             … or any text
 *   {"refusal": "…"}          the model will not
 *   {"incomplete": "max_output_tokens", "text": "{\"na"}
 *   {"failed": "server_error"}
 *   {"status": 429, "code": "rate_limit_exceeded", "retry_after": 1}
 *   {"raw": "<html>…", "type": "text/html", "status": 502}   the body as it is
 *   {"drop": true}            the connection is cut instead
 *   "slow_ms" in any of them waits before
 */
#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tools/kit/text.h"

struct script;

/* NULL, and a word on standard error, if the file will not do. */
struct script *script_load(const char *path);

/* The answer to a request with this body; borrowed. Any thread. */
const cJSON *script_next(struct script *script, const char *body);

/* Appends the whole HTTP answer, headers included. False: cut the connection. */
bool script_response(const cJSON *answer, struct text *out);

/* NULL, or what is wrong with a request's body by the API's rules (static). */
const char *script_violation(const char *body);

#endif
