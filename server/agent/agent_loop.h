#ifndef AGENT_AGENT_LOOP_H
#define AGENT_AGENT_LOOP_H
/* The model's side of a call: one blocking loop on the line's own pool thread, from the
 * reservation to the last words.
 */
struct call;

/* For struct call_loops. Returns when the call is over and its record is written. */
void agent_loop(struct call *c);

#endif
