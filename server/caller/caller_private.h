#ifndef CALLER_CALLER_PRIVATE_H
#define CALLER_CALLER_PRIVATE_H
/* The state of a caller loop, for its own parts. Private to server/caller/.
 *
 *   caller_loop.c      the loop
 *   caller_stream.c    what the phone says; the begin and the end of that state, which may outlive a stream
 */
#include "server/caller/phone_socket.h"
#include "server/caller/playout.h"
#include "server/caller/uplink.h"
#include "server/line/calls_carry.h"

struct caller {
	struct call *call;
	struct phone_socket socket;
	bool started;
	bool again;                  /* the stream follows one that was lost … */
	struct phone_stream another; /* … and this is it, until it has started */
	uint64_t invalid_before;     /* of `invalid`, in that one */
	bool more_to_read;           /* the reader may hold messages that poll does not show */
	int64_t last_frame_us;
	uint64_t invalid;
	bool complained, words_cut, strayed; /* in the log */
	struct buf words;                    /* the text of the message in hand */
	struct playout playout;
	struct uplink uplink;
	struct recording *recording; /* borrowed from the call; NULL: not recorded */
};

/* The stream is, for this loop: the call ends, or is parked. */
static inline bool caller_over(struct call *c)
{
	return call_ended(c) || call_lost(c);
}

/* --- caller_stream.c --- */

/* Takes what the phone has said; p->more_to_read: not all of it. */
void caller_read(struct caller *p, int64_t now_us);

/* A first stream; or one that follows another, whose state it takes up. The socket is not opened. */
void caller_begin(struct caller *p, struct call *c, int fd, int64_t now_us);

/* After the loop. The stream was lost, and the call was not: what is known of the phone waits with the call, and the
 * socket is all that is left here. False: the call is over, which includes that there was no memory. */
bool caller_park(struct caller *p, int64_t now_us);

/* Of a call that is over: the agent loop gets what was heard, and the model writer. The socket is left. */
void caller_end(struct caller *p, int64_t now_us);

#endif
