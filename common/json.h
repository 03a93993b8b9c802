#ifndef COMMON_JSON_H
#define COMMON_JSON_H
/* JSON from strangers, and JSON we write.
 *
 * Two ways in. json_scan finds fields of the object at the top level without
 * allocating: for the messages that come fifty times a second. json_parse
 * makes a cJSON tree for everything rare, after refusing what cJSON alone lets
 * through: nesting over 32, trailing bytes, bad UTF-8, NUL (raw, \u0000, or as
 * which it reads \u before other than four digits), control characters for blanks.
 */
#include "common/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { JSON_MAX_DEPTH = 32, JSON_ESCAPE = 6 /* bytes of \uXXXX */ };

struct span {
	const char *p; /* borrowed from the text */
	size_t n;
};

/* The raw value of `key` in the object that `text` starts with: for a string,
 * what stands between its quotes, escapes as they are; for the rest, its
 * text. False if absent or malformed
 * before it was found. Does not judge what follows the value. */
bool json_scan(const char *text, size_t len, const char *key, struct span *value);

/* True if json_scan found it between quotes; false for numbers, null and so on. */
bool span_quoted(struct span value);

/* True if equal to the literal. */
bool span_is(struct span s, const char *literal);

/* Digits only, at most 19: the value; false otherwise. */
bool span_u64(struct span s, uint64_t *value);

/* Decodes a base64 string that json_scan found: how many bytes were written to
 * out (which holds BASE64_DECODED_MAX(value.n)), or -EINVAL. Escapes ("\/"),
 * which JSON allows anywhere and nobody here uses, cost an allocation. */
ssize_t json_base64(struct span value, uint8_t *out);

/* Caller frees with cJSON_Delete; NULL if it is not what the paragraph above
 * demands. */
cJSON *json_parse(const char *text, size_t len);

/* The same for what people write: tells where it is wrong, counted from 1 in
 * lines and characters, and how. */
struct json_fault {
	size_t line, column;
	const char *sentence; /* "is nested deeper than 32", … */
};
cJSON *json_parse_telling(const char *text, size_t len, struct json_fault *fault);

/* True if no object in it has a name twice, for then two readers could see two
 * things; nor more than JSON_NAMES_MAX names. */
enum { JSON_NAMES_MAX = 512 };
bool json_unique(const cJSON *tree);

/* The code of the \uXXXX that stands at p; -1: none does. */
int json_escape(const char *p, const char *end);

bool utf8_valid(const char *text, size_t len);
/* Bytes of the character at the start of a text that is not empty; 0: it is none. */
size_t utf8_sequence(const char *text, size_t left);
int32_t utf8_code(const char *text, size_t n); /* of the character that has these n bytes */
/* The largest length up to `most` at which a text of `len` bytes can be cut between two characters. */
size_t utf8_whole(const char *text, size_t len, size_t most);

/* Fields of an object, by exact name; absent or of another type gives NULL,
 * false or the fallback. `o` may be NULL. Strings are borrowed from the tree. */
const cJSON *json_get(const cJSON *o, const char *key);
const char *json_str(const cJSON *o, const char *key);
bool json_num(const cJSON *o, const char *key, double *value);
double json_num_or_0(const cJSON *o, const char *key);
/* Of things: missing, null, negative or absurd ones are none. */
int64_t json_count(const cJSON *o, const char *key);
bool json_bool(const cJSON *o, const char *key, bool fallback);

/* Appends the bytes as a JSON string of base64. */
void json_put_base64(struct buf *out, const uint8_t *bytes, size_t len);

/* Appends the text as a JSON string, quotes included; bytes that are not UTF-8
 * become U+FFFD. */
void json_put_string(struct buf *out, const char *text, size_t len);
void json_put_cstring(struct buf *out, const char *text); /* NULL gives null */

#endif
