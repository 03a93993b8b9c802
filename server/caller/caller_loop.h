#ifndef CALLER_CALLER_LOOP_H
#define CALLER_CALLER_LOOP_H
/* The phone's side of a call: one blocking loop on CivetWeb's thread, from the
 * stream's first frame to the end of the Close handshake. For struct call_loops.
 */
struct call;

/* The call is bound to its channel. `fd` is the phone's socket, which stays its
 * owner's to close. Leaves the model writer with the agent loop, and FROM_LEFT as the
 * last message in from_caller; of a call that is parked FROM_PARKED. */
void caller_loop(struct call *c, int fd);

#endif
