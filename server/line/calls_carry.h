#ifndef LINE_CALLS_CARRY_H
#define LINE_CALLS_CARRY_H
/* The caller loop's side of a line: the HTTP server's thread that brings a stream
 * carries its call, too; and one that brings a request of a phone without a socket, a turn of it. */
#include "server/line/calls.h"

struct phone_stream;

/* Carries a claimed call over the phone's socket, in the channel's messages. Returns
 * when the call is over, Close handshake included; at once if the claim has expired.
 * `fd` is made non-blocking; its owner closes it. */
void calls_carry(struct calls *calls, struct call_ref ref, int fd, const struct phone_channel *channel);

/* Instead of calls_carry, when Twilio has reset the stream's socket right after the
 * upgrade: the claimed call ends as STREAM_LOST, or goes on being parked. */
void calls_abandon(struct calls *calls, struct call_ref ref);

/* --- parked: a call whose stream was lost, and that goes on with the next one.
 *
 * The caller loop ends, and leaves with the line what it knows of the phone; the agent loop and its session
 * stay, and nothing is played. The call keeps its place under MAX_CALLS. Twilio asks what comes after the stream
 * (calls_go_on); the stream that this answer opens is claimed and carried like a first one, by another caller
 * loop, which takes up what was left. If none comes in STREAM_GRACE_MS, the call ends by its loss.
 *
 *   LIVE   call_lose       the loss is known: to the caller loop, or by Twilio's question
 *   LIVE   call_stopped    it makes room for keys (call_keys.h)
 *   LIVE   call_park       the caller loop has left                  -> PARKED
 *   PARKED calls_claim     the next stream's token                   -> CLAIMED
 *          calls_carry     and the stream                            -> LIVE
 */
enum { STREAM_LOSSES_MAX = 3 }; /* of one line; the next one ends its call */

/* Under the table's lock. A token for the next stream of a call, which lets it in once. */
void call_announce_stream(struct call *c);

/* The stream was lost. Parks the call if it can come back, else ends it: so does a loss before the start, one in the
 * middle of the last goodbye, one of an agent without "reconnect", and the fourth. While keys are
 * pressed it parks in any case (call_keys.h). Said twice it is one. Any thread; the second under the table's lock. */
void call_lose(struct call *c, enum call_end why);
void call_lose_locked(struct call *c, enum call_end why);

/* Caller loop, after call_lose: `kept` is for the next one, or for call_loops.leave. It touches nothing of the call
 * after that. False: the call is over by now. */
bool call_park(struct call *c, void *kept);

/* Agent loop, told FROM_PARKED, after which it passes the model writer to nobody: has it back from a caller loop that is
 * not there. */
void call_return_writer(struct call *c);

/* Caller loop, at its begin, and call_loops.leave: what was kept, once; NULL: nothing. */
void *call_unpark(struct call *c);

/* Caller loop, at the start of such a stream: readers know it by this name from now on. */
void call_name_stream(struct call *c, const struct phone_stream *stream);

/* A request of such a phone: what the caller did, and what is to come next. */
struct call_visit {
	/* Told; borrowed. */
	unsigned step;     /* the number of the answer that it follows, 0: of none */
	const char *words; /* the caller's; "": none */
	double confidence; /* that these were said, 0 to 1; -1: not told */
	const char *keys;  /* "": none */
	bool hung_up;      /* the caller has */
	/* Where the next request is to go; the number of this answer is written between the two. */
	const char *next_url, *next_rest;
	/* Answered. */
	struct buf *out;  /* TwiML is appended */
	int64_t until_us; /* the next request comes before this time, or none does */
};

/* A turn of the call; the first one binds its line. A request that comes twice gets its answer twice. Waits for the
 * call's agent loop to take what it is told, for a tenth of a second at most. 0; -ENOENT: there is no such call
 * on a channel of requests, or it is over by now: nothing was appended. */
int calls_visit(struct calls *calls, const char *call_sid, struct call_visit *visit);

#endif
