#ifndef KIT_REPORT_H
#define KIT_REPORT_H
/* What the reports of the stand-ins share. */
#include <cjson/cJSON.h>
#include <stddef.h>

#include "tools/kit/hist.h"

/* Count, mean, ranks and largest in microseconds; "histogram" has a pair for
 * each cell that is not empty: [upper edge in microseconds, how many]. */
cJSON *report_hist(const struct hist *h);

/* A member of a report and where it is in a struct. */
enum report_kind { REPORT_BOOL, REPORT_INT, REPORT_COUNT, REPORT_NUMBER, REPORT_TEXT };
struct report_field {
	const char *name;
	enum report_kind kind; /* of a bool, int, uint64_t (or size_t), double, char[] */
	size_t at;
};
/* A field that is a number, or 0 or 1. */
double report_number(const void *from, const struct report_field *field);
void report_fields(cJSON *to, const void *from, const struct report_field *fields, size_t count);

/* Adds what this process has used: cpu_s, max_rss_kb, context_switches. */
void report_usage(cJSON *to);

/* Writes the tree for people, as file_write does, and frees it. 0, or -1 and a line on stderr. */
int report_save(const char *program, const char *path, cJSON *tree);

#endif
