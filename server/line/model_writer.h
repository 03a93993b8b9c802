#ifndef LINE_MODEL_WRITER_H
#define LINE_MODEL_WRITER_H
/* The writing side of a call's connection to the model. One loop holds it at a
 * time, and nobody shares it.
 *
 * The agent loop holds it while there is no stream, or no session that is ready.
 * Otherwise the caller loop does, which sends the caller's audio straight on; what
 * the agent loop has to say then goes as an order through a ring. The agent loop
 * passes it by one release store, and asks for it back by a flag and a bell. The
 * caller loop returns it between two whole messages: what is queued is whole, and
 * the next holder flushes what TLS has not taken.
 */
#include "common/bell.h"
#include "common/ring.h"
#include "server/model/protocol.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ws_client;

enum writer_holder { WRITER_AGENT, WRITER_CALLER };

/* Agent loop -> whoever holds the writer. */
enum model_order {
	ORDER_TEXT = 1, /* a whole message */
	ORDER_PING,
	ORDER_FLUSH /* the reader found something to send */
};

enum { MODEL_ORDER_BYTES = 1024 * 1024 };

struct model_writer {
	struct ring orders;      /* writer: the agent loop; reader: the holder */
	_Atomic int holder;      /* passed with release, taken with acquire */
	_Atomic bool asked_back; /* the agent loop sets it, and clears it before it passes the writer again */
	_Atomic int failed;      /* negative errno: the caller loop could not write; set before it returns the writer */

	/* The agent loop sets these while it holds the writer. */
	struct ws_client *client; /* borrowed from the session; NULL: none is ready */
	const struct model_protocol *protocol;
	enum audio_format format;
	uint32_t session; /* counts them, from 1 */
};

int model_writer_open(struct model_writer *w); /* 0 or negative errno */
void model_writer_close(struct model_writer *w);
/* For the next call, when no loop is in it: the agent loop's, with no orders. */
void model_writer_reset(struct model_writer *w);

bool model_writer_is_held_by(const struct model_writer *w, enum writer_holder holder);
/* The holder gives it to the other loop, and rings that loop's bell. */
void model_writer_pass(struct model_writer *w, enum writer_holder to, struct bell *bell);

/* Agent loop: it is to come back. The holder's bell is rung, once. */
void model_writer_ask_back(struct model_writer *w, struct bell *bell);

/* Agent loop, holding it: there is a session to write to; it is none any more, and
 * orders that were for it are void. */
void model_writer_meet(
    struct model_writer *w, struct ws_client *client, const struct model_protocol *protocol, enum audio_format format);
void model_writer_leave(struct model_writer *w);

/* The holder carries out the orders in their order; *unsent is set if there were
 * any: flush afterwards. 0, or the error of the writing side. */
int model_writer_carry_out(struct model_writer *w, bool *unsent);

#endif
