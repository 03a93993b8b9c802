#ifndef PHONE_REPORT_H
#define PHONE_REPORT_H
/* What the calls came to: verdicts, a JSON report, a summary on the terminal. */
#include "tools/phone/call.h"

/* Did the call go as the script and --expect say? If not, why. */
bool report_verdict(const struct call *c, char *why, size_t why_size);
/* 0, or -1 with errno set. */
int report_write(const struct options *o, const struct call *calls, const struct stats *sum);
/* The table of latency per turn, or the load in a few lines; to stdout. */
void report_print(const struct options *o, const struct call *calls, const struct stats *sum);

#endif
