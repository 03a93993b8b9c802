#ifndef WEB_API_KNOWN_CALL_H
#define WEB_API_KNOWN_CALL_H
/* A call by its CallSid, wherever it is known: on a line, among the last that
 * ended, in the store. Reads the disk: for HTTP workers.
 */
#include "server/web/routes.h"

/* The call and its conversation, both to be freed. 0; -ENOENT: it is not known;
 * another -errno: the store cannot be read; then there is nothing to free. */
int known_call(const struct web_parts *parts, const char *call_sid, struct call_summary *call, struct call_talk *talk);

/* Whether it is known at all. */
bool known_call_exists(const struct web_parts *parts, const char *call_sid);

/* The answer when it is on no line: 404, or 409 because it is over or has not begun. */
void known_call_refuse(const struct web_parts *parts, const char *call_sid, struct response *r);

#endif
