#ifndef LINE_MODEL_WRITER_H
#define LINE_MODEL_WRITER_H
/* The writing side of a call's connection to the model. One of the two loops holds it
 * at a time.
 *
 * The agent loop holds it while there is no stream or no session that is ready.
 * Otherwise the caller loop holds it and sends the caller's audio straight on; messages
 * of the agent loop then go through a ring, as orders. The agent loop passes the writer
 * by one release store, and asks for it back by a flag and a bell. The caller loop
 * returns it between two whole messages, and the next holder flushes the bytes that
 * TLS has not taken yet.
 */
#include "common/bell.h"
#include "common/ring.h"
#include "server/model/protocol.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct ws_client;

enum writer_holder { WRITER_AGENT, WRITER_CALLER };

/* Agent loop -> holder of the writer. */
enum model_order {
	ORDER_TEXT = 1, /* a whole message */
	ORDER_PING,
	ORDER_FLUSH /* reading has produced bytes to send, a pong for instance */
};

/* The largest message may be nearly a quarter of it (ring.h): the instructions and a greeting, or an
 * answer of a tool's, with every byte escaped. */
enum { MODEL_ORDER_BYTES = 4 * 1024 * 1024, MODEL_MESSAGE_MAX = MODEL_ORDER_BYTES / 4 - 1024 };

struct model_writer {
	struct ring orders;      /* writer: the agent loop; reader: the holder */
	_Atomic int holder;      /* stored with release, loaded with acquire */
	_Atomic bool asked_back; /* set by the agent loop, and cleared when it has the writer again */
	_Atomic int failed;      /* negative errno of the caller loop's write; set before it returns the writer */

	/* The agent loop sets these while it holds the writer. */
	struct ws_client *client; /* borrowed from the session; NULL: none is ready */
	const struct model_protocol *protocol;
	enum audio_format format;
	uint32_t session; /* its number (agent/link/link.h) */

	/* The holder's. */
	int64_t reads_until_us; /* the service may be reading until then what it was sent */
	bool ping_unsent;
	_Atomic int64_t ping_read_us; /* it has read the last ping by then; 0: that has not left */
};

int model_writer_open(struct model_writer *w); /* 0 or negative errno */
void model_writer_close(struct model_writer *w);
/* For the next call, while no loop is in the line: the agent loop's, without orders. */
void model_writer_reset(struct model_writer *w);

/* Agent loop. True: an order of that length would find room, whoever holds the writer. */
bool model_writer_has_room(const struct model_writer *w, size_t len);

bool model_writer_is_held_by(const struct model_writer *w, enum writer_holder holder);
/* Holder: gives it to the other loop, and rings that loop's bell. */
void model_writer_pass(struct model_writer *w, enum writer_holder to, struct bell *bell);

/* Agent loop: asks the caller loop for it, and rings that bell; a repetition does
 * nothing. */
void model_writer_ask_back(struct model_writer *w, struct bell *bell);

/* Agent loop, as the holder. meet: a session is ready to be written to. leave: it is
 * gone, and the orders for it are dropped. */
void model_writer_meet(struct model_writer *w, struct ws_client *client, const struct model_protocol *protocol,
    enum audio_format format, uint32_t session);
void model_writer_leave(struct model_writer *w);

/* Holder: carries out the orders, oldest first. *unsent is set if there were any: flush
 * afterwards. 0, or the error of the writing side. */
int model_writer_carry_out(struct model_writer *w, bool *unsent, int64_t now_us);
/* Holder: so many bytes were written for the service to read. All that was written has left; true: with a ping. */
void model_writer_wrote(struct model_writer *w, size_t len, int64_t now_us);
bool model_writer_flushed(struct model_writer *w, int64_t now_us);

/* Agent loop: when the service has read the last ping; 0: that is not known yet. And before another ping. */
int64_t model_writer_ping_read_us(const struct model_writer *w);
void model_writer_ping_again(struct model_writer *w);

#endif
