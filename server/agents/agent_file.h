#ifndef AGENTS_AGENT_FILE_H
#define AGENTS_AGENT_FILE_H
/* What an agent's file may say, and one file read: text in, an agent out. Only
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

/* Every mistake is a line in `problem`, what is odd but no mistake one in
 * `notes`. 0: `out` holds an agent with one reference to its family; or -EINVAL,
 * or -ENOMEM. */
int agent_file_read(struct agent_entry *out, const struct config *cfg, const struct agent_text *in, struct buf *problem,
    struct buf *notes);

#endif
