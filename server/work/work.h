#ifndef WORK_WORK_H
#define WORK_WORK_H
/* The pools for slow work, shared by all calls and by the operator's API.
 * One for the whole program; calls (calls_open) and web (struct web_parts)
 * have a pointer to it.
 *
 * From a call's loop: allocate a struct that begins with a struct job, copy
 * into it all that the job needs (a call_ref, never a struct call; retain
 * the agent), and jobs_submit(work->tools, &mine->job). False means that too
 * much is waiting: tell the model so, and free it. Its run function may
 * fetch(), with jobs_cancel(work->tools) as the request's `cancel` and
 * work->cfg->https_ca_file as `ca_file`, and posts the result.
 */
#include "common/buf.h"
#include "server/config/config.h"
#include "server/work/jobs.h"
#include "server/work/tool_call.h"

struct work {
	const struct config *cfg;
	struct jobs *tools;                          /* a caller is waiting for it: tools, searches, transfers */
	struct jobs *background;                     /* nobody is: webhooks, summaries, upkeep */
	struct tool_builtin builtins[TOOL_BUILTINS]; /* see tool_set_builtin */
};

/* Sets up HTTP, starts the pools. Before other threads start; signals meant for
 * main must be blocked. `cfg` outlives it. 0, or -errno with a sentence in
 * `problem`. */
int work_open(struct work **out, const struct config *cfg, struct buf *problem);

/* For /status, into the object that is open. */
void work_put_status(const struct work *work, struct json_out *j);

/* Drops the waiting jobs and waits for the running ones, which give up within a
 * second or so; nothing more is taken. Before the calls are closed, whose jobs
 * these are. Fine with NULL. */
void work_stop(struct work *work);

/* After everybody who might submit. Fine with NULL. */
void work_close(struct work *work);

#endif
