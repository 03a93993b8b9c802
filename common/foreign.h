#ifndef COMMON_FOREIGN_H
#define COMMON_FOREIGN_H
/* What other people's machines send us: the model, tools, the text model, Twilio.
 *
 * One bad character costs one character, never the message around it, and a
 * name is as long as its owner likes. So their JSON is read here, with the
 * same mending for all of them, and their names have one size.
 */
#include "common/json.h"

/* -------------------------------------------------------------------- their JSON */

/* The text with all mended that json_parse would refuse, and that can be told
 * from the rest: half a surrogate pair, NUL, bytes that are not UTF-8 and
 * unknown escapes are U+FFFD each; a value nested too deep is null; a byte order
 * mark, and control characters between values, are gone. A sound text comes out
 * as it is. Caller frees; NULL without memory. */
char *foreign_mended(const char *text, size_t len, size_t *mended_len);

/* As json_parse, and if that refuses, once more with the text mended. */
cJSON *foreign_json(const char *text, size_t len);

/* The next character of what stands between the quotes of a JSON string (json_scan), mended like the
 * above: its code, and *at goes on behind it; -1 at the end. */
int32_t foreign_character(struct span string, size_t *at);

/* Appends all of them as UTF-8. */
void foreign_put_text(struct buf *out, struct span string);

/* ------------------------------------------------------------------- their names */

/* Of any name that somebody else gave: an id of the model's, a Sid, a telephone
 * number. 512 bytes and a NUL. */
enum { FOREIGN_ID_SIZE = 513 };

/* Takes an id as it is. A longer one is taken as a name of our own, made of all
 * of it: equal ids stay equal, others different, but it cannot be sent back.
 * False: it is empty, or NULL. */
bool foreign_id_take(char out[FOREIGN_ID_SIZE], const char *id, size_t len);
bool foreign_id_is_theirs(const char *id); /* false: such a name of our own */

/* The same where a name of our own would not do: "" if it is NULL or too long. */
void foreign_id_copy(char out[FOREIGN_ID_SIZE], const char *id);

/* It can stand in our JSON and our logs as it is: not empty, not too long, and printable ASCII without
 * blanks, quotes and backslashes. */
bool foreign_id_is_plain(const char *id, size_t len);

#endif
