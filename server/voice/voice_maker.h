#ifndef VOICE_VOICE_MAKER_H
#define VOICE_VOICE_MAKER_H
/* The thread that makes the lines: looks at what the agents want, takes from the disk what is there, and
 * has the rest said, one line at a time.
 *
 * A take that is silent, or in other words, is a miss: after three the line is given up until the next
 * reload. Without a model nothing is missed: it is tried again after a pause that grows.
 */

/* For pthread_create, with a struct voice; ends when its `stop` rings. */
void *voice_maker(void *voice);

#endif
