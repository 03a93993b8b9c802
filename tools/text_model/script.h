#ifndef TEXT_MODEL_SCRIPT_H
#define TEXT_MODEL_SCRIPT_H
/* What the stand-in answers, from a JSON file:
 *
 *   [{"when": "a text in the request", "then": [ANSWER, ANSWER, …]}, …]
 *
 * The first rule whose text is in the request (a rule without `when` fits any; "last"
 * instead of it: in the last message or tool's result alone) gives its answers in
 * turn, the last one for ever. An ANSWER is an object:
 *
 *   {"json": {…}}             the model's answer, an object
 *   {"text": "…"}             … or any text
 *   {"refusal": "…"}          the model will not
 *   {"incomplete": "max_output_tokens", "text": "{\"na"}
 *   {"failed": "server_error"}
 *   {"status": 429, "code": "rate_limit_exceeded", "retry_after": 1}
 *   {"raw": "<html>…", "type": "text/html", "status": 502}   the body as it is
 *   {"drop": true}            the connection is cut instead
 *
 * If the request asks for a stream, words come in events, a few at a time, and
 *
 *   {"text": "…", "calls": [{"name": "end_call", "arguments": {…}, "call_id": "…"}]}
 *                             ends in calls; "arguments" as a string goes out as it is
 *   "piece": N, "gap_ms": N   at least so many letters a delta (12), so long after each
 *   "cut_after": N            the connection is cut after so many events; "halt_after":
 *                             nothing more comes, and it stays; "garbage_after": a line
 *                             that is no JSON comes then; "error_after": an error, the last
 *   "half_emoji": true        deltas with half an emoji; "long_word": BYTES
 *   "crlf": true              lines end in CR LF; "drip": BYTES are written at once
 *   "stamp": true             begins with "stamp NANOSECONDS " (CLOCK_MONOTONIC)
 *   "slow_ms" in any of them waits before
 *
 * A request for a transcription is looked for by "transcription of BYTES bytes by MODEL in LANGUAGE".
 */
#include <cjson/cJSON.h>
#include <stdbool.h>

#include "tools/kit/text.h"

struct script;

/* NULL, and a word on standard error, if the file will not do. */
struct script *script_load(const char *path);

/* The answer to a request with this body; borrowed. Any thread. */
const cJSON *script_next(struct script *script, const char *body);

/* One for no script: what is refused. Owned by the caller. */
cJSON *script_refusal(const char *wrong);

/* Appends the whole HTTP answer, headers included: of a transcription, or a response object. False: cut the
 * connection. */
bool script_response(const cJSON *answer, bool heard, struct text *out);

/* NULL, or what is wrong with a request's body by the API's rules (static). */
const char *script_violation(const char *body);

#endif
