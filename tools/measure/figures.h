#ifndef MEASURE_FIGURES_H
#define MEASURE_FIGURES_H
/* What came of one run, as the table shows it. Times are milliseconds. */
#include <stdbool.h>

enum { P50, P99, MAX, RANKS };

struct figures {
	bool taken; /* the run reached its end */
	double calls, live;
	double failed;                /* calls that did not go as they should */
	double up[RANKS];             /* caller's frame, phone's send to model's read */
	double down[RANKS];           /* answer's first audio, model's write to phone's read */
	double words;                 /* first tokens that came, in calls by ConversationRelay: `down` is of them */
	double clear[RANKS];          /* speech_started written to clear read */
	double clears;                /* that came */
	double interruptions;         /* that were told */
	double cut_p90;               /* told to the model against played */
	double cuts;                  /* how many of those */
	double frames, lost, swapped; /* of the caller; doubled or out of order */
	double units, lost_units, bad_units; /* of answers; doubled, out of order, stale */
	double cpu;                          /* per call and second */
	double core;                         /* per cent of one core */
	double wakeups;                      /* per frame of the caller */
	double rss_kb, pss_kb;               /* per call */
	double threads;
	double late[RANKS]; /* the phone's own sending, against its clock */
	double model_late;  /* the model's own timers, worst */
	double load_core;   /* per cent of one core, phone and model together */
	double others;      /* the same of whatever else ran meanwhile */
};

#endif
