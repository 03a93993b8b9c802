#ifndef MEASURE_PROVE_H
#define MEASURE_PROVE_H
/* Measures the measuring: relays that do harm of a known size, which the table
 * has to show at that size and nowhere else. */
#include "tools/measure/settings.h"

/* 0: all of it was seen. */
int prove(const struct settings *s);

#endif
