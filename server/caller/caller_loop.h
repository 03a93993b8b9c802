#ifndef CALLER_CALLER_LOOP_H
#define CALLER_CALLER_LOOP_H
/* Twilio's side of a call: one blocking loop on CivetWeb's thread, from the
 * stream's first frame to the end of the Close handshake. For struct call_loops.
 */
struct call;

/* `fd` is Twilio's socket, which stays its owner's to close. */
void caller_loop(struct call *c, int fd);

#endif
