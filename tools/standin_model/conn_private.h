#ifndef STANDIN_CONN_PRIVATE_H
#define STANDIN_CONN_PRIVATE_H
/* What conn.c (the socket, TLS, states and times) and conn_talk.c (the upgrade,
 * frames, endings) share. Nobody else includes this. */
#include "tools/kit/text.h"
#include "tools/kit/ws.h"
#include "tools/standin_model/conn.h"
#include "tools/standin_model/upgrade.h"

enum { CLOSE_WAIT_MS = 10000 };

enum state {
	WAITING, /* not yet allowed to start TLS */
	SHAKING,
	ASKING,    /* reading the upgrade request */
	ANSWERING, /* the answer is delayed on purpose */
	OPEN,
	CLOSING, /* everything was said; waiting for the client to go */
	LEAVING, /* our side has ended; we read on until the client goes, or a reset would overtake our last words */
	STALLED, /* nothing is read, written or ended any more */
	OVER
};

struct conn {
	const struct service *service;
	struct record *record;
	struct faults faults;
	struct session *session;
	SSL *ssl;
	int fd;
	enum state state;
	uint64_t state_until; /* when this state's time is up */
	struct upgrade upgrade;

	struct text in, out, message;
	unsigned message_opcode;
	bool fragments;    /* a fragmented message is under way */
	bool want_write;   /* the socket was full */
	bool more_to_read; /* decrypted bytes may be waiting */
	bool close_sent, peer_closed;
	uint64_t next_write, next_read, stop_reading_at;
};

/* conn.c */
void conn_over(struct conn *c, const char *why); /* the first reason counts */
void conn_flush(struct conn *c, uint64_t now);

/* conn_talk.c */
void conn_take_request(struct conn *c, uint64_t now);  /* once all of its head is there */
void conn_start_session(struct conn *c, uint64_t now); /* answers it */
void conn_take_frames(struct conn *c, uint64_t now);
bool conn_drop_due(struct conn *c, enum point at);

static inline struct fault_state *conn_fault(struct conn *c, enum fault f)
{
	return &c->faults.f[f];
}

#endif
