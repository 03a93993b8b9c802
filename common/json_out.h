#ifndef COMMON_JSON_OUT_H
#define COMMON_JSON_OUT_H
/* JSON as we write it: objects and arrays into a buffer, with commas, quotes and
 * nesting minded.
 *
 *	struct json_out j = json_out_to(&body);
 *	json_put_object(&j, NULL);
 *	json_put_text(&j, "call_sid", sid);
 *	json_put_array(&j, "turns");
 *	…
 *	json_put_end(&j);
 *	json_put_end(&j);
 *
 * `key` names the value where an object is open, and is NULL in an array and for
 * the outermost value. The buffer remembers the first error and ignores what
 * comes after it, so that one look at its end is enough. A function that writes
 * something of its own into a larger whole takes the writer, and the key if it
 * writes one value; what it opens it ends.
 */
#include "common/buf.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_OUT_DEPTH = 32 };

struct json_out {
	struct buf *out; /* borrowed */
	unsigned depth;  /* objects and arrays that are open */
	uint64_t filled; /* a bit a level: something is in it */
	uint64_t arrays; /* a bit a level: it is an array */
};

struct json_out json_out_to(struct buf *out);

/* Opens one, and ends the one opened last. */
void json_put_object(struct json_out *j, const char *key);
void json_put_array(struct json_out *j, const char *key);
void json_put_end(struct json_out *j);

/* Bytes that are not UTF-8 become U+FFFD; NULL gives null. */
void json_put_text(struct json_out *j, const char *key, const char *text);
void json_put_text_of(struct json_out *j, const char *key, const char *text, size_t len);
void json_put_format(struct json_out *j, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void json_put_int(struct json_out *j, const char *key, int64_t value);
void json_put_uint(struct json_out *j, const char *key, uint64_t value);
void json_put_fixed(struct json_out *j, const char *key, double value, int decimals);
void json_put_bool(struct json_out *j, const char *key, bool value);
void json_put_null(struct json_out *j, const char *key);

/* Unix time in milliseconds, as ISO 8601. */
void json_put_time(struct json_out *j, const char *key, int64_t wall_ms);

/* A value that is JSON already; NULL gives null. */
void json_put_json(struct json_out *j, const char *key, const char *json);
void json_put_tree(struct json_out *j, const char *key, const cJSON *tree);

/* What is inside an object or an array that is JSON already, into the one that is
 * open; nothing of a text that is not of the same kind. */
void json_put_inside(struct json_out *j, const char *json, size_t len);

/* Appends text that json_parse has taken, without blanks and byte order mark. Strings and numbers
 * stay as they were written, so a long number keeps its last digits. */
void json_put_compact(struct buf *out, const char *text, size_t len);

/* Appends the tree in a form that is the same for all ways to write it down: names in order,
 * without blanks, a number by its value, and without what is null in an object. No object may
 * have a name twice (json_unique). */
void json_put_canonical(struct buf *out, const cJSON *tree);

/* The buffer, after comma and key: the caller appends exactly one value to it. */
struct buf *json_put_value(struct json_out *j, const char *key);

#endif
