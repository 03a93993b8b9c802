#ifndef RELAY_RELAY_H
#define RELAY_RELAY_H
/* The least that can stand between a phone and the model: one thread, one
 * epoll, no checks, no pacing, no buffers, no play-out clock, no conversation.
 *
 * It is what the bench holds the server against: what a call costs above this
 * is the price of all that the server does. TLS, WebSocket frames and JSON are
 * common/'s, so that they cost both the same; nothing of server/ is in here.
 *
 * main.c holds the loop, call.c a connection from the phone's side and the one
 * to the model that belongs to it, faults.c harm on purpose.
 */
#include "common/bell.h"
#include "common/resolver.h"
#include "common/tls.h"
#include "common/trust.h"

#include <stdbool.h>
#include <stdint.h>

struct relay {
	int epoll;
	const char *model_host;
	int model_port;
	const char *key;
	struct bell bell; /* rung when the model's name is found */
	struct resolver *resolver;
	struct trust *trust;
	struct tls_sessions *sessions;
	struct call *calls;      /* all there are */
	int dialling;            /* of them, on their way to the model */
	uint64_t frames, deltas; /* of all calls, for faults */
	bool any_over;           /* calls_sweep has something to do */
};

/* One end of a call, as epoll knows it. */
struct endpoint {
	struct call *call;
	int fd; /* -1: not watched */
	uint32_t events;
};

/* A connection was accepted. */
void call_open(struct relay *r, int fd);
/* Its socket, or the model's, has something to say. */
void call_ready(struct endpoint *e, uint32_t events, int64_t now_us);
/* Every so often while any is dialling, and when the bell rang. */
void calls_dial(struct relay *r, int64_t now_us);
/* For faults_run. */
void call_send(void *call, int way, const char *text, size_t len);
/* Frees what is over; not while events of theirs are in hand. */
void calls_sweep(struct relay *r);

#endif
