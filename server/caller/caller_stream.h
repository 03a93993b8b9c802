#ifndef CALLER_CALLER_STREAM_H
#define CALLER_CALLER_STREAM_H
/* A call without a caller loop, between two streams (line/calls_carry.h) or two requests (caller/gather.h). */
struct call;

/* It is over: does what its loop would have done. For struct call_loops. Any thread, once. Leaves FROM_LEFT as the
 * last message in from_caller, and nothing of the phone with the call. */
void caller_leave(struct call *c);

#endif
