#ifndef PROCESS_H
#define PROCESS_H
/* What this process has of the system, and what it shows of itself: open files for as many
 * calls as there may be, memory that nobody else reads, files that nobody else opens.
 *
 * All functions: main's thread, before any other.
 */
#include "common/buf.h"
#include "server/config/config.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the memory, in which keys and callers' words are, may leave the process: as a core dump, or
 * through /proc and ptrace for the user's other programs. */
void process_show_memory(bool shown);

/* New files and directories are the owner's alone, whatever umask the process was started with. */
void process_keep_files_private(void);

/* The most open files there may be at once with these settings; `before` were open at the start. */
uint64_t process_files_needed(const struct config *cfg, uint64_t before);

/* The largest MAX_CALLS, up to the setting's own, that `files` suffice for; 0: not one call. */
int process_calls_that_fit(const struct config *cfg, uint64_t before, uint64_t files);

/* Raises the limit of open files as far as the system allows. Where that is too little for MAX_CALLS,
 * the setting is lowered to what fits. 0, with a sentence in `said` if it was lowered; -EMFILE, with a
 * sentence too: not one call fits. With `try` the process's limit stays as it is. */
int process_claim_files(struct config *cfg, bool try, struct buf *said);

#endif
