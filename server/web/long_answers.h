#ifndef WEB_LONG_ANSWERS_H
#define WEB_LONG_ANSWERS_H
/* Answers that take their time (struct response_stream): each holds one of a fixed
 * number of places, MAX_WATCHERS, from before its headers to its end, so that they
 * leave workers for the rest. When the server stops they all end.
 *
 * Any thread; only long_answer_run waits, for as long as the answer takes.
 */
#include "server/web/http.h"

struct long_answers {
	int most;
	_Atomic int open;      /* places taken */
	_Atomic bool stopping; /* no more of them, and the end of those that run */
};

/* Ends them all, and admits no more. */
void long_answers_stop(struct long_answers *all);

/* Before all else: takes a place. True: long_answer_begin must follow. False: `r` is
 * an ordinary answer, a refusal maybe, and as short as any. */
bool long_answer_take(struct long_answers *all, struct response *r);

/* Before the headers: runs the stream's `begin`, which may take seconds of the worker.
 * True: long_answer_run must follow. False: it has become an error, the place is free. */
bool long_answer_begin(struct long_answers *all, struct response *r);

/* After the headers: the rest of it, to that socket. -1, or where it has become an error by them: only gives back
 * the place. */
void long_answer_run(struct long_answers *all, struct response *r, int fd);

#endif
