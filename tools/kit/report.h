#ifndef KIT_REPORT_H
#define KIT_REPORT_H
/* What the reports of the stand-ins share. */
#include <cjson/cJSON.h>

#include "tools/kit/hist.h"

/* Count, mean, ranks and largest in microseconds; "histogram" has a pair for
 * each cell that is not empty: [upper edge in microseconds, how many]. */
cJSON *report_hist(const struct hist *h);

/* Adds what this process has used: cpu_s, max_rss_kb, context_switches. */
void report_usage(cJSON *to);

/* Writes the tree for people, as file_write does, and frees it. 0, or -1 and a line on stderr. */
int report_save(const char *program, const char *path, cJSON *tree);

#endif
