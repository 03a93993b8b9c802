#ifndef AGENT_DIALOGUE_TOOLS_H
#define AGENT_DIALOGUE_TOOLS_H
/* Tools that a dialogue waits for. Private to dialogue*.c.
 *
 * The tools of one response are a batch. Their results are told together, once all have
 * an answer and the response is over. Then one answer to the caller is asked for. While
 * they run, the caller hears a filler, once.
 */
#include "server/agent/dialogue/dialogue.h"

/* Events. False: too many runs, or a used number; no answer to that run is expected. */
bool tools_called(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool tools_answered(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
bool tools_told(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);

/* Marks a run as answered. False: it was so already, or is unknown. */
bool tools_settle(struct dialogue *d, uint32_t run);
/* The call ends with the response of this run; or, with false, after all it does not. */
void tools_last(struct dialogue *d, uint32_t run, bool last);
/* A response began, ours if `asked`: the waiting caller is being talked to. */
void tools_talking(struct dialogue *d, bool asked, int64_t now_us);
/* True: a run is unanswered, and the call does not end with it. */
bool tools_running(const struct dialogue *d);

/* By the clock, as pairs of a time and an act: a run is overdue; the next result of a
 * batch is told; an answer to the results is wanted; a filler is said. */
int64_t tools_overdue_us(struct dialogue *d);
void tools_give_up(struct dialogue *d, int64_t now_us);
int64_t tools_result_us(struct dialogue *d);
void tools_tell_result(struct dialogue *d, int64_t now_us);
int64_t tools_told_us(struct dialogue *d);
void tools_want_answer(struct dialogue *d, int64_t now_us);
int64_t tools_filler_us(struct dialogue *d);
void tools_say_filler(struct dialogue *d, int64_t now_us);

/* A filler while the model thinks, or uses a tool of its own: it is due; it began (false:
 * that was another response); an answer is heard, and it yields. */
int64_t tools_aside_us(struct dialogue *d);
void tools_say_aside(struct dialogue *d, int64_t now_us);
bool tools_aside_began(struct dialogue *d, const struct dialogue_event *e, int64_t now_us);
void tools_aside_yields(struct dialogue *d, struct utterance *heard, int64_t now_us);

#endif
