#ifndef VOICE_VOICE_TAKE_H
#define VOICE_VOICE_TAKE_H
/* One line, said once by a session of its own: its sound, and the session's account of what it said.
 * Blocks: for the cache's own thread.
 */
#include "common/bell.h"
#include "common/buf.h"
#include "server/agents/agent.h"
#include "server/model/access.h"
#include "server/model/session.h"

struct voice_take {
	struct buf ulaw;       /* mu-law at 8 kHz */
	struct buf transcript; /* as the session tells it */
	struct model_usage used;
	struct model_failure failure;
	/* Private to voice_take.c. */
	struct converter *converter;
	size_t words_done; /* of the transcript: whole items */
	size_t longest;    /* bytes of sound: more is no take of this line */
	enum model_error error;
	bool over, whole;
};

enum voice_took {
	VOICE_TAKEN,     /* it has been said, whatever it sounds like */
	VOICE_REFUSED,   /* the model would not say it, or not to the end, or found none */
	VOICE_NO_MODEL,  /* it is not to be had just now: nothing was said about this line */
	VOICE_CALLED_OFF /* `stop` rang */
};

/* Fills in `out`, whatever comes of it; voice_take_free. */
enum voice_took voice_take(struct voice_take *out, const struct model_access *access, const struct agent *agent,
    const char *text, struct bell *stop);
void voice_take_free(struct voice_take *t);

#endif
