#ifndef MEASURE_TABLE_H
#define MEASURE_TABLE_H
/* The one table, a line as soon as its run is over, and words to read it by. */
#include "tools/measure/figures.h"
#include "tools/measure/settings.h"

void table_explain(const struct settings *s);
void table_head(void);
void table_row(const char *name, const struct figures *f);
/* Calls in words, a line of its own: they have but one figure. */
void table_words(const char *name, const struct figures *f);
/* What `f` is of `base`, where that says something. */
void table_ratio(const struct figures *f, const struct figures *base);

/* Prints which of the design's aims a pair of runs misses, or nothing; how many. */
int table_aims(const struct figures *server, const struct figures *relay);
int table_words_aims(const char *name, const struct figures *f); /* the same of calls in words */

#endif
