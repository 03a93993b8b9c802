#ifndef COMMON_LOG_H
#define COMMON_LOG_H
/* One event, one line, to standard error, written with one write(2), and never waited for (log_writer.h).
 *
 * error: a person should look. warn: this call suffered. info: the life of a
 * call. debug: the rest. The tag names the call ("CA3f9a…") or the part of the
 * program ("http"); messages carry facts as key=value. Control characters in
 * the text are replaced, so nobody outside can forge a line. Any thread.
 *
 * text:  2026-11-20T10:15:30.123Z info CA3f9a1b call ended: caller hung up; seconds=74.3
 * json:  {"time":"…","level":"info","tag":"CA3f9a1b","message":"…"}
 */
#include "common/clock.h"

#include <stdatomic.h>
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* Before threads start. Without it: text, info. */
void log_setup(enum log_format format, enum log_level level);
int log_enabled(enum log_level level);

void log_write(enum log_level level, const char *tag, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A line for each line of the text. */
void log_text(enum log_level level, const char *tag, const char *text);

#define log_error(tag, ...) log_write(LOG_LEVEL_ERROR, tag, __VA_ARGS__)
#define log_warn(tag, ...) log_write(LOG_LEVEL_WARN, tag, __VA_ARGS__)
#define log_info(tag, ...) log_write(LOG_LEVEL_INFO, tag, __VA_ARGS__)
#define log_debug(tag, ...) \
	do { \
		if (log_enabled(LOG_LEVEL_DEBUG)) \
			log_write(LOG_LEVEL_DEBUG, tag, __VA_ARGS__); \
	} while (0)

/* For lines that anybody outside can cause: the first is written at once, then none of
 * its kind for a while. A stranger shall not fill the disk, nor hide the rest. One for
 * each kind, static and zero. */
struct log_kind {
	_Atomic int64_t next_us;
	_Atomic unsigned held_back;
};

enum { LOG_STRANGERS_US = US_PER_S }; /* the usual `every_us` */

/* True: the line is to be written now, and `more_before` gets the number of those
 * that were held back before it. */
bool log_due(struct log_kind *kind, int64_t every_us, unsigned *more_before);

/* A telephone number fit for a log: "+12025550123" becomes "+120…23". Writes
 * into out (at least 16 bytes) and returns it. */
const char *log_number(const char *number, char *out);

#endif
