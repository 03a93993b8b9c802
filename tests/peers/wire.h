#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H
/* A wire between a client and a server on the loopback that can be bad: it
 * passes on so many bytes at a time, and may be cut. One connection after the
 * other, in a thread of the test. */
#include <stdbool.h>
#include <stddef.h>

struct wire_options {
	int to_port;
	size_t piece;     /* bytes passed on at a time; 0: whatever there is */
	size_t cut_after; /* bytes from the server, then it is cut; 0: never */
	bool reset;       /* cut by a reset instead of an end */
};

struct wire;

struct wire *wire_start(const struct wire_options *options); /* aborts when it cannot */
void wire_stop(struct wire *w);                              /* waits for the connection under way */
int wire_port(const struct wire *w);

#endif
