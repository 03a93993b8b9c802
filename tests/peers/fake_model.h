#ifndef TESTS_FAKE_MODEL_H
#define TESTS_FAKE_MODEL_H
/* A service that speaks the fake protocol, over TLS, in a thread of the test; and
 * what it takes to call it. One connection after the other. Waits are bounded by
 * a guard against hanging, after which the test program is aborted. */
#include "server/model/access.h"

#include <stdbool.h>
#include <stddef.h>

struct fake_answer {
	const char *to;  /* a beginning of what was said to it; "": the connection itself */
	const char *say; /* messages, a line each; "!REASON" is a Close with that reason */
};

struct fake_model;
struct model_session;
struct model_wish;

/* The first of the answers (up to one whose `to` is NULL) that fits is given. */
struct fake_model *fake_model_start(const struct fake_answer *answers);
void fake_model_stop(struct fake_model *m);

/* Makes access to it, with the fake protocol; `cfg` is filled in as far as a
 * session needs it. */
void fake_model_access(const struct fake_model *m, struct model_access *access, struct config *cfg);
void fake_model_access_close(struct model_access *access);
/* Opens a session there, and waits until it is ready. */
struct model_session *fake_model_meet(const struct model_access *access, const struct model_wish *wish);

/* Sends a message, or as above a Close. */
void fake_model_tell(struct fake_model *m, const char *message);

/* Reads nothing more; reads on. */
void fake_model_rest(struct fake_model *m, bool on);

/* How many messages began so, over all connections ("(end)": how many of those
 * are over); and the n-th of them, from 0. */
size_t fake_model_count(struct fake_model *m, const char *beginning);
void fake_model_line(struct fake_model *m, const char *beginning, size_t n, char *out, size_t size);
/* Waits until there are so many. */
void fake_model_wait(struct fake_model *m, const char *beginning, size_t count);

#endif
