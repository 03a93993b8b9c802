#ifndef LINE_KEYS_CALL_KEYS_H
#define LINE_KEYS_CALL_KEYS_H
/* Keys that a call presses: whether it may now, and how it does on a stream, through which no tones can be sent.
 *
 * Twilio is told by its REST API to play them and then to open the next stream. With that the stream that there is
 * gets its `stop`, which is no hang-up then: the call is parked (calls_carry.h), and its next stream, announced
 * before Twilio is told, carries it on. Nobody waits for the answer in a loop: a job asks, and tells by MAIL_PRESSED.
 *
 *   LIVE   call_press      the next stream is announced, and Twilio is asked
 *   LIVE   call_stopped    the stream's stop came, or it was lost: parked   -> PARKED
 *          call_unpress    Twilio will not, or has not: a stop is a hang-up once more
 *   PARKED calls_claim, calls_carry: the next stream                        -> LIVE
 *
 * If Twilio refuses while the call is parked, that stop was a hang-up after all. If the stream does not come in
 * STREAM_GRACE_MS after the last key, the call ends as one whose stream was lost. */
#include "server/line/calls.h"
#include "server/line/keys/keys.h"

struct call;
struct tool_cancel;

/* Any thread. What the agent loop would say to keys now, as it saw things last; OK also: it decides when it gets them. */
enum keys_answer calls_may_press(struct calls *calls, struct call_ref ref);

/* The web's side. The parts of the addresses in the TwiML with which the stream of this token is opened, so that the
 * next one is opened in the same place. Copied. */
void calls_keep_way(struct calls *calls, const char *token, const char *const way[WAY_PARTS]);

/* --- agent loop --- */

/* False: that cannot be done on this call; nothing is looked at that changes. */
bool call_can_press(const struct call *c);

/* Asks Twilio, in a job that gives up when `cancel` is set. OK: MAIL_PRESSED tells its answer, unless the call is over by
 * then. `cancel` may be NULL: no memory. */
enum keys_answer call_press(struct call *c, const char *digits, struct tool_cancel *cancel);

/* It is not expected any more, since Twilio has not done it, or `refused` it. False: the stream is away, and stays
 * awaited; or with `refused` it was a hang-up, and the call is over. */
bool call_unpress(struct call *c, bool refused);

/* --- caller loop --- */

/* The phone says that the stream is over: the caller has hung up, unless keys are pressed. */
void call_stopped(struct call *c);
bool call_is_pressing(struct call *c);

#endif
