#ifndef MEASURE_REPORT_H
#define MEASURE_REPORT_H
/* The JSON reports of the load's two ends, as figures. */
#include "tools/measure/figures.h"

/* Until the file is there; it is renamed into its place when complete. */
bool file_wait(const char *path, double seconds);

/* False, and words on stderr, if a report is missing or says something unknown. */
bool report_model(struct figures *f, const char *path);
/* Of calls in words: no more than their first tokens. */
bool report_words(struct figures *f, const char *path);
bool report_phone(struct figures *f, const char *path);

#endif
