#ifndef TESTS_HTTP_PEER_H
#define TESTS_HTTP_PEER_H
/* Somebody's HTTP server in a thread of the test, on the loopback: each request
 * on a thread of its own, one a connection.
 *
 * Its threads must not use cmocka's assertions. */
#include <stddef.h>

/* Answers one request (head and body, NUL-terminated): the status, 0 to hang up
 * without a word. On a thread of the peer. */
typedef int peer_answer_fn(void *arg, const char *request);

struct http_peer;

/* Aborts the test program when it cannot. */
struct http_peer *http_peer_start(peer_answer_fn *answer, void *arg);
void http_peer_stop(struct http_peer *p); /* waits for what is being answered */
/* The body of its answers from now on, instead of "ok"; copied. Also from
 * the function that answers, when requests come one at a time. */
void http_peer_say(struct http_peer *p, const char *body);
void http_peer_say_as(struct http_peer *p, const char *content_type, const char *body); /* "": not told */
int http_peer_port(const struct http_peer *p);

/* The value of a header of such a request, into out; "" if it is not there. */
const char *http_peer_header(const char *request, const char *name, char *out, size_t size);

#endif
