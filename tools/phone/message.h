#ifndef PHONE_MESSAGE_H
#define PHONE_MESSAGE_H
/* One message from the server, read as strictly as Twilio's debugger would:
 * media, mark and clear, each with exactly its fields. Copies nothing.
 */
#include <stddef.h>

enum message_kind { MESSAGE_MEDIA, MESSAGE_MARK, MESSAGE_CLEAR };

struct message {
	enum message_kind kind;
	/* The payload's base64, or the mark's name still with its JSON escapes. Borrowed. */
	const char *value;
	size_t len;
};

/* 0, or -1 with what is wrong in *why (31951). */
int message_read(struct message *out, const char *text, size_t len, const char *stream_sid, const char **why);

/* Takes the escapes out of a JSON string. NUL-terminated, owned by the caller;
 * NULL if an escape is wrong or means a NUL. */
char *message_unescape(const char *s, size_t len);

#endif
