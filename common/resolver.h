#ifndef COMMON_RESOLVER_H
#define COMMON_RESOLVER_H
/* Names to addresses, without making anybody wait.
 *
 * getaddrinfo has no deadline and hears no bell, so one thread does the asking
 * and keeps a small cache. Who wants an address asks for it, sleeps with its
 * own deadline, and asks again when its bell rings. Giving up takes nothing
 * but resolver_forget: a late answer goes to the cache, never to the asker.
 *
 * An answer is fresh for half a minute; for ten minutes it is still handed out
 * while it is looked up anew, so a call waits for DNS only after a long pause.
 * A failure is remembered for a second, for those who waited for it.
 */
#include "common/bell.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { RESOLVER_ADDRESSES = 8, RESOLVER_NAMES = 16 };

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct addresses {
	union address at[RESOLVER_ADDRESSES]; /* best first; ports are 0 */
	size_t count;
};

/* Belongs to the asker, who zeroes it; ours from resolver_find until
 * resolver_forget. */
struct resolver_wait {
	struct bell *bell;
	struct resolver_wait *next, **link; /* link NULL: not waiting */
};

/* Looks a name up, as slowly as it likes. 0; -ENOENT: no such name; other
 * negative errno: could not be told now. */
typedef int resolver_lookup_fn(const char *name, struct addresses *out);

struct resolver;

/* `lookup` NULL means the system's. 0 or negative errno. */
int resolver_open(struct resolver **out, resolver_lookup_fn *lookup);

/* When nobody asks any more. Waits for a look-up under way, but no longer than
 * a second: past that the thread is left behind and cleans up after itself.
 * Fine with NULL. */
void resolver_close(struct resolver *r);

/* Any thread. 1: found. 0: not yet; wait->bell will ring, ask again then.
 * -ENOENT and others of the look-up; -EBUSY: too many names at once;
 * -ENAMETOOLONG. */
int resolver_find(
    struct resolver *r, const char *name, int64_t now_us, struct resolver_wait *wait, struct addresses *out);

/* Any thread. Afterwards the bell will not be rung on this wait's account.
 * Fine when not waiting. */
void resolver_forget(struct resolver *r, struct resolver_wait *wait);

#endif
