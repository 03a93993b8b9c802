#ifndef COMMON_STRIKES_H
#define COMMON_STRIKES_H
/* Who does something wrong too often, by a number for each.
 *
 * STRIKES_MAX of them may come at once, and then one every STRIKES_EVERY_US: each is
 * forgotten so long after the one before it. Those who strike are many and choose their
 * numbers: memory is bounded, and whoever would be forgotten first makes room. Any
 * thread; a small lock.
 */
#include "common/clock.h"

#include <pthread.h>
#include <stdint.h>

enum { STRIKES_MAX = 10, STRIKES_KEPT = 512, STRIKES_EVERY_US = 30 * US_PER_S };

struct strikes {
	pthread_mutex_t lock;
	struct {
		uint32_t who;
		int64_t until_us; /* when all of its strikes are forgotten */
	} kept[STRIKES_KEPT];
};

#define STRIKES_INIT \
	{ \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

/* One more. 0: it counts. Else it is one too many and does not, and so many whole seconds (1 and
 * more) later the next will count again. */
int64_t strikes_add(struct strikes *s, uint32_t who, int64_t now_us);

#endif
