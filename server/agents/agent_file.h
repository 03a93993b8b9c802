#ifndef AGENTS_AGENT_FILE_H
#define AGENTS_AGENT_FILE_H
/* The keys of an agent's file, and its reading: text in, an agent out. Only
 * server/agents/ needs it.
 */
#include "common/buf.h"
#include "server/agents/agent_set.h"

enum { AGENT_FILE_MAX = 1024 * 1024 /* bytes */ };

struct agent_text {
	const char *name;   /* the agent's */
	const char *file;   /* as people know it */
	const char *folder; /* the file's, for names of other files */
	const char *text;
	size_t len;
};

/* Every mistake adds a line to `problem`; an oddity that is no mistake adds one
 * to `notes`. 0: `out` holds the file's agents and one reference to their memory.
 * -EINVAL or -ENOMEM: `out` is zeroed. */
int agent_file_read(struct agent_entry *out, const struct config *cfg, const struct agent_text *in, struct buf *problem,
    struct buf *notes);

#endif
