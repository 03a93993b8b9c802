#include "server/process.h"

#include "server/line/calls.h"
#include "server/web/server.h"

#include <dirent.h>
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
	/* Two bells, which each line has from the start; the phone's socket is a worker's. The model's
	 * socket, and the next one beside it when a session is replaced. */
	FILES_PER_LINE = 4,
	FILES_PER_RECORDING = 1,
	FILES_PER_WORKER = 1,
	FILES_PER_WATCHER = 1, /* a bell, or the file that is sent */
	FILES_IN_QUEUE = 128,  /* accepted, and no worker has them yet (connection_queue) */
	FILES_OF_STORE = 16,   /* the lock; database, log and its index for the writer and each of four readers */
	FILES_PER_FETCH = 6,   /* a thread that asks other people: two sockets, libcurl's own pairs, a file */
	FILES_BESIDES = 64     /* the port, bells of parts, names looked up, files that are read now and then */
};

void process_show_memory(bool shown)
{
	prctl(PR_SET_DUMPABLE, shown ? 1 : 0, 0, 0, 0);
}

/* The modes that are asked for say so too; an umask may take away more, but it cannot take the owner's
 * own right. */
void process_keep_files_private(void)
{
	umask(S_IRWXG | S_IRWXO);
}

uint64_t process_files_needed(const struct config *cfg, uint64_t before)
{
	uint64_t fetches = (uint64_t)(cfg->tool_threads + cfg->job_threads + cfg->webhook_threads);
	uint64_t kept = *cfg->data_dir ? 1 : 0;

	return before + calls_lines(cfg) * (FILES_PER_LINE + kept * FILES_PER_RECORDING) +
	       (uint64_t)web_workers(cfg) * FILES_PER_WORKER + (uint64_t)cfg->max_watchers * FILES_PER_WATCHER +
	       kept * FILES_OF_STORE + fetches * FILES_PER_FETCH + FILES_IN_QUEUE + FILES_BESIDES;
}

int process_calls_that_fit(const struct config *cfg, uint64_t before, uint64_t files)
{
	struct config lowered = *cfg;

	while (lowered.max_calls > 0 && process_files_needed(&lowered, before) > files)
		lowered.max_calls--;
	return lowered.max_calls;
}

/* The directory's own descriptor is among them, as a little more to spare. */
static uint64_t count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	uint64_t count = 0;

	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* Only a privileged process may raise the hard limit, and only as far as it needs it. */
static uint64_t raise_limit(uint64_t need, bool try)
{
	struct rlimit now, wanted;

	if (getrlimit(RLIMIT_NOFILE, &now))
		return UINT64_MAX;
	wanted.rlim_cur = wanted.rlim_max = now.rlim_max < need ? need : now.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &wanted)) {
		if (try)
			setrlimit(RLIMIT_NOFILE, &now);
		return wanted.rlim_cur;
	}
	if (try)
		return now.rlim_max;
	wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &wanted) ? now.rlim_cur : now.rlim_max;
}

int process_claim_files(struct config *cfg, bool try, struct buf *said)
{
	uint64_t before = count_files(), need = process_files_needed(cfg, before);
	uint64_t files = raise_limit(need, try);
	int fit = process_calls_that_fit(cfg, before, files);

	if (fit == cfg->max_calls)
		return 0;
	if (!fit) {
		struct config one = *cfg;

		one.max_calls = 1;
		buf_printf(said,
		    "open files are limited to %llu, and one call needs up to %llu with all that serves it: raise the "
		    "limit (`ulimit -n`, LimitNOFILE=, docker run --ulimit nofile=…)\n",
		    (unsigned long long)files, (unsigned long long)process_files_needed(&one, before));
		return -EMFILE;
	}
	buf_printf(said,
	    "MAX_CALLS is lowered from %d to %d: open files are limited to %llu, and %llu may be needed; raise the "
	    "limit (`ulimit -n`, LimitNOFILE=, docker run --ulimit nofile=…)\n",
	    cfg->max_calls, fit, (unsigned long long)files, (unsigned long long)need);
	cfg->max_calls = fit;
	return 0;
}
