#ifndef COMMON_LOG_WRITER_H
#define COMMON_LOG_WRITER_H
/* The way of lines to standard error, for log.c.
 *
 * While it runs, lines go into a bounded queue, which a thread of its own writes: a disk or a pipe that hangs
 * holds up that thread alone. Before and behind that a line is written at once, or not at all if a pipe is full.
 * Any thread; a small lock, held for a copy.
 */
#include <stdbool.h>
#include <stddef.h>

enum { LOG_LINE_MAX = 4096 /* PIPE_BUF: one write, never torn */ };

/* Starts the thread, which has the signal mask of who calls this. 0 or -errno: lines are written at once. Fine
 * when it runs. */
int log_writer_start(void);

/* Waits until all is written, at most for so long: a thread that hangs is left behind, with the queue. True: it
 * is over. */
bool log_writer_stop(int within_ms);

/* One whole line, LOG_LINE_MAX bytes at most. False: there is no room for it. */
bool log_writer_put(const char *line, size_t len);

/* Lines that were lost since the last time; and some more are. */
unsigned log_writer_lost(void);
void log_writer_lose(unsigned lines);

#endif
