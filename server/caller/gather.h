#ifndef CALLER_GATHER_H
#define CALLER_GATHER_H
/* The phone's side of a call without a socket: each request of Twilio's is a turn of the caller loop.
 * It tells what the caller did; it is answered with what the agent says, and then either listens to the
 * caller (<Gather>) or asks again in a second. No thread of its own, and no wait for the model: what the
 * agent loop makes meanwhile lies in to_caller. For struct call_loops.
 *
 *   asked, and                   | answered with
 *   -----------------------------+------------------------------------------------------
 *   the agent has the next words | these, and <Gather>
 *   … and more is to come        | these, and the next request at once
 *   nothing yet                  | a pause of a second; in the second one, and each fourth from there, a holding phrase
 *   … for GATHER_WAIT_US         | the call ends as MODEL_FAILED, unless a tool runs
 *   the caller said nothing      | <Gather>, and with it after REPROMPT_SECONDS a phrase; the third time the call ends
 *                                | as IDLE
 *   the caller was unclear       | the same, twice; then the model gets the words all the same
 *
 * Nobody tells how far an answer was played: all of it, when the next request comes with nothing from the
 * caller, for then it comes after it; else by the time that has passed.
 */
#include "server/line/calls_carry.h"

enum {
	GATHER_WAIT_US = 10 * 1000000, /* that a caller hears nothing of an answer */
	GATHER_PATIENCE_SECONDS = 7    /* for the caller's first word, and after each key: no longer */
};

struct call;

/* Both under the call's visit_lock. The words of `visit` need not be UTF-8. It has no answer if the call is over
 * by then. */
void gather_visit(struct call *c, struct call_visit *visit);

/* The call is over. Leaves FROM_LEFT as the last message in from_caller, and nothing in c->visits. */
void gather_leave(struct call *c);

#endif
