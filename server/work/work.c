#include "server/work/work.h"

#include "common/json_out.h"
#include "server/work/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A job behind more than this, with eight threads, would come far too late. */
enum { TOOLS_WAITING = 256, BACKGROUND_WAITING = 4096 };

int work_open(struct work **out, const struct config *cfg, struct buf *problem)
{
	struct work *work = NULL;
	int err = fetch_setup();

	if (!err) {
		work = calloc(1, sizeof *work);
		err = work ? 0 : -ENOMEM;
	}
	if (!err) {
		work->cfg = cfg;
		err = jobs_open(&work->tools, "tools", cfg->tool_threads, TOOLS_WAITING);
	}
	if (!err)
		err = jobs_open(&work->background, "background", cfg->job_threads, BACKGROUND_WAITING);
	if (err) {
		buf_printf(problem, "cannot start the threads for tools and background work: %s\n", strerror(-err));
		work_close(work);
		return err;
	}
	*out = work;
	return 0;
}

static void put_pool(struct json_out *j, const char *name, const struct jobs *jobs)
{
	struct jobs_count count;

	jobs_count(jobs, &count);
	json_put_object(j, name);
	json_put_int(j, "threads", count.threads);
	json_put_int(j, "running", count.running);
	json_put_uint(j, "waiting", count.waiting);
	json_put_uint(j, "capacity", count.capacity);
	json_put_uint(j, "done", count.done);
	json_put_uint(j, "refused", count.refused);
	json_put_end(j);
}

void work_put_status(const struct work *work, struct json_out *j)
{
	put_pool(j, "tools", work->tools);
	put_pool(j, "background", work->background);
}

void work_stop(struct work *work)
{
	if (!work)
		return;
	jobs_stop(work->background);
	jobs_stop(work->tools);
}

void work_close(struct work *work)
{
	if (!work)
		return;
	jobs_close(work->background);
	jobs_close(work->tools);
	fetch_teardown();
	free(work);
}
