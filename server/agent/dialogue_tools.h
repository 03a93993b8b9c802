#ifndef AGENT_DIALOGUE_TOOLS_H
#define AGENT_DIALOGUE_TOOLS_H
/* The tools a dialogue waits for. Private to dialogue*.c.
 *
 * Those of one response are a batch: they are told of together, once all have an
 * answer and the response is over, and then one answer to the caller is asked for.
 * While they run, the caller hears a filler, once.
 */
#include "server/agent/dialogue.h"

/* Events. False: too many, or that number was used; no answer is expected (any more). */
bool tools_called(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool tools_answered(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool tools_told(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* It counts as answered. False: it does already. */
bool tools_settle(struct dialogue *d, uint32_t run);
/* The call ends with what is done in the run's response, or, after all, does not. */
void tools_last(struct dialogue *d, uint32_t run, bool last);
/* Another response began, ours if `asked`: who waits is being talked to. */
void tools_talking(struct dialogue *d, bool asked, int64_t now_us);
/* Whether one runs that is waited for. */
bool tools_running(const struct dialogue *d);

/* By the clock: one is overdue; the next result of a batch is to be told; an answer to
 * what was told is to be asked for; a filler is to be said. */
int64_t tools_overdue_us(struct dialogue *d);
void tools_give_up(struct dialogue *d, int64_t now_us);
int64_t tools_result_us(struct dialogue *d);
void tools_tell_result(struct dialogue *d, int64_t now_us);
int64_t tools_told_us(struct dialogue *d);
void tools_want_answer(struct dialogue *d, int64_t now_us);
int64_t tools_filler_us(struct dialogue *d);
void tools_say_filler(struct dialogue *d, int64_t now_us);

#endif
