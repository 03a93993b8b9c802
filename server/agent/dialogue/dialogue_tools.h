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
dialogue_handler tools_called, tools_answered, tools_told;

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
dialogue_time tools_overdue_us, tools_result_us, tools_told_us, tools_filler_us;
dialogue_act tools_give_up, tools_tell_result, tools_want_answer, tools_say_filler;

/* A filler while the model thinks, or uses a tool of its own: it is due; it began (false:
 * that was another response); an answer is heard, and it yields. */
dialogue_time tools_aside_us;
dialogue_act tools_say_aside;
dialogue_handler tools_aside_began;
void tools_aside_yields(struct dialogue *d, struct utterance *heard, int64_t now_us);

#endif
