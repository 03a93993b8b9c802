#ifndef TESTS_PHONE_KIT_H
#define TESTS_PHONE_KIT_H
/* What the bodies of the phone's channel are asked alike. */
#include "server/phone/channel.h"
#include "tests/unit.h"

#include <string.h>

/* By a stream that had no name before; the one it has after that. */
static inline struct phone_event phone_begins(
    const struct phone_channel *channel, const char *text, size_t len, char name[FOREIGN_ID_SIZE])
{
	struct phone_stream s = { .id = "" };
	struct phone_event e;

	channel->parse(&s, text, len, &e);
	memcpy(name, s.id, sizeof s.id);
	return e;
}

static inline void phone_expect(const char *text, struct phone_event e, enum phone_event_type type)
{
	if (e.type != type)
		fail_msg("%s gives %d, not %d", text, e.type, type);
}

#endif
