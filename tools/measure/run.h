#ifndef MEASURE_RUN_H
#define MEASURE_RUN_H
/* One run: a model, a bridge, a phone that places so many calls; its figures. */
#include "tools/measure/figures.h"
#include "tools/measure/settings.h"

enum { HARMS_MAX = 4 };

struct subject {
	const char *name;
	bool relay;                      /* else the server */
	bool words;                      /* calls by ConversationRelay: only words go through */
	bool text;                       /* ... and a text API answers */
	const char *harm[HARMS_MAX];     /* the relay's options, NULL behind the last */
	double idle_rss_kb, idle_pss_kb; /* without a call */
};

/* Starts it as for one call and looks at its memory. False if it does not start. */
bool run_idle(const struct settings *s, struct subject *subject);

/* False, and words on stderr, if there is nothing to show. */
bool run_calls(const struct settings *s, const struct subject *subject, int calls, struct figures *out);

#endif
