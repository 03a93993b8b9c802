#ifndef PHONE_REQUEST_H
#define PHONE_REQUEST_H
/* One HTTP request on a connection of its own, carried by the loop. */
#include <netinet/in.h>
#include <stdint.h>

#include "tools/phone/http.h"
#include "tools/kit/loop.h"

struct request {
	struct source source;
	struct timer timer;
	struct loop *loop;
	struct text out;
	size_t sent;
	struct http_answer in;
	uint64_t begun_ns, limit_ns;
	long drip_ms; /* one byte of the body in so many ms; 0 all at once */
	size_t drip_from;
	void (*done)(struct request *r, const char *error);
	void *owner;
	void *note;         /* the owner's */
	const char *failed; /* before it began; told from the loop */
};

/* Sends `bytes` (emptied) and calls `done` once: with the answer in r->in, or
 * with a sentence. The request frees itself after that. */
void request_begin(struct loop *loop, const struct sockaddr_in *to, struct text *bytes, long limit_ms, long drip_ms,
    void (*done)(struct request *, const char *error), void *owner, void *note);

/* A non-blocking connection under way, or a negative errno. */
int connect_begin(const struct sockaddr_in *to, int receive_buffer);

#endif
