#ifndef CALLER_PHONE_SOCKET_H
#define CALLER_PHONE_SOCKET_H
/* The phone's WebSocket: whole messages in, frames out, and the Close handshake.
 *
 * Caller loop only. Nothing waits but phone_socket_part; the loop polls. The
 * descriptor stays its owner's to close.
 */
#include "common/buf.h"
#include "common/ws_frame.h"
#include "server/stats/endings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct phone_socket {
	int fd;
	struct ws_reader *reader;
	struct buf out; /* frames on their way, the first `sent` bytes are gone; append to it */
	size_t sent;
	int64_t progress_us; /* when the phone last took bytes, or had none to take */
	bool drained;        /* the last read took all there was */
	bool peer_closed;
	int close_code;  /* ours to send when the end comes */
	int peer_code;   /* of the phone's Close */
	int64_t ping_us; /* when the next ping is due; NEVER_US: it is not pinged */
	int missed;      /* pings since the phone was heard of */
};

enum { PHONE_PING_US = 20 * 1000000, PHONE_PINGS_MISSED = 2 };

/* Makes the descriptor non-blocking. 0 or -errno; close it either way. */
int phone_socket_open(struct phone_socket *s, int fd, int64_t now_us);
void phone_socket_close(struct phone_socket *s);

/* There may be more to read: poll said so. Before it says so, phone_socket_next asks the socket no more. */
void phone_socket_woken(struct phone_socket *s);

/* As ws_reader_next; a ping among the messages is answered already. What is over
 * for good (a negative errno) has chosen our close code. */
int phone_socket_next(struct phone_socket *s, struct ws_message *out);

/* Writes what the phone takes. Why the call is over by this, or CALL_NOT_ENDED. */
enum call_end phone_socket_flush(struct phone_socket *s, int64_t now_us);

/* For a phone that may be silent for long: a ping every PHONE_PING_US from now on. Any message of its is
 * an answer. */
void phone_socket_watch(struct phone_socket *s, int64_t now_us);

/* Puts the ping that is due. False: PHONE_PINGS_MISSED were not answered. */
bool phone_socket_ping(struct phone_socket *s, int64_t now_us);

short phone_socket_events(const struct phone_socket *s); /* to poll for */

/* When phone_socket_flush and phone_socket_ping must be asked even if nothing happens; NEVER_US: not. */
int64_t phone_socket_deadline_us(const struct phone_socket *s);

/* Says Close, and reads on until the phone has said it too, or our last words
 * could be lost to a reset. Waits half a second at most; nothing can be read or
 * written after it. Fine after a failed open. */
void phone_socket_part(struct phone_socket *s);

/* Before that, on a channel where our last message asks the phone to close: waits for its Close, two seconds
 * at most. */
void phone_socket_await_close(struct phone_socket *s);

#endif
