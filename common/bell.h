#ifndef COMMON_BELL_H
#define COMMON_BELL_H
/* Wakes one thread that sleeps in poll (an eventfd).
 *
 * Rung by any thread, cleared by the sleeper only, and cleared *before* it
 * looks for what the ring was about: a ring between looking and clearing
 * would be lost. Bells live as long as the process, so ringing a call that is
 * just over is harmless.
 */
struct bell {
	int fd; /* poll for POLLIN; -1 while closed */
};

int bell_open(struct bell *b);   /* 0 or negative errno */
void bell_close(struct bell *b); /* fine with fd -1 */
void bell_ring(struct bell *b);  /* any thread; never blocks */
void bell_clear(struct bell *b); /* the sleeper */

#endif
