#ifndef MEASURE_SETTINGS_H
#define MEASURE_SETTINGS_H
/* What to measure; constant once main.c has read it. */
#include <stdbool.h>

enum { SIZES_MAX = 24 };

struct settings {
	int sizes[SIZES_MAX]; /* calls at once, one after the other */
	int count;
	double seconds; /* the measured window */
	double ramp;    /* new calls a second */
	/* How the model talks: one answer of answer_ms every every_s in each call,
	 * every second one interrupted cut_ms after its first audio. */
	double every_s;
	int answer_ms, cut_ms;
	bool apart;        /* the server alone on one core */
	const char *build; /* where the programs are */
	const char *out;   /* where reports and logs go */
};

/* From the end of the ramp until every call has had its first answer. */
double settings_warmup_s(const struct settings *s);

#endif
